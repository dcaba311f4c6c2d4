// Proves that a state is never apart from its events: after every kill -9 in the middle of a flood, each row
// is the fold of its stream, and a snapshot the fold up to its version.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { parsePayload, streamId } from '../core/codec/index.ts'
import { logKey, type EventRecord, type EventStore } from '../core/ports/index.ts'
import { openSqliteStore, type SqliteStoreOptions } from '../sqlite/index.ts'
import { createRepository } from './repository.ts'
import { account } from './test/account.ts'
import { floodKinds, streamOf } from './test/state-flood.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-state-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const script = fileURLToPath(new URL('./test/state-flood.ts', import.meta.url))
const streams = Array.from({ length: 8 }, (_, number) => number)

/** Runs the flood, kills it after so many acknowledgements, and tells the highest version per stream. */
async function floodAndKill(
  parts: readonly string[],
  acknowledgements: number,
): Promise<ReadonlyMap<number, number>> {
  const child = spawn(process.execPath, [...process.execArgv, script, ...parts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
    if (output.split('\n').length > acknowledgements) child.kill('SIGKILL')
  })
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)))
  expect(signal).toBe('SIGKILL')
  const versions = new Map<number, number>()
  // The last line may have been cut off by the kill.
  for (const line of output.split('\n').slice(0, -1)) {
    const [, stream, version] = line.split(' ').map(Number)
    if (stream !== undefined) versions.set(stream, Math.max(versions.get(stream) ?? 0, version ?? 0))
  }
  return versions
}

async function eventsOf(store: EventStore, id: string): Promise<readonly EventRecord[]> {
  const events: EventRecord[] = []
  for await (const page of store.readStream({ decider: 'account', id: streamId(id) })) events.push(...page)
  return events
}

const { state, evolve } = account.definition
const foldOf = (events: readonly EventRecord[]): unknown =>
  events.reduce((before, event) => evolve[event.type]?.(before, parsePayload(event)), state.initial())

// `npm run test:faults` takes more of the same.
const roundCount = process.env['FAULTS'] === 'all' ? 12 : 8
const rounds = Array.from({ length: roundCount }, (_, round) => {
  const thread: SqliteStoreOptions['thread'] = round % 4 < 2 ? 'caller' : 'worker'
  return { round, thread, kind: round % 2, acknowledgements: 1 + ((round * 97) % 300) }
})

test.each(rounds)('round $round: kill -9 with the writer in the thread $thread', async (plan) => {
  const { thread, kind, acknowledgements } = plan
  // All rounds of a kind share a file, so that each begins with what a kill has left.
  const file = join(folder, `${kind}.sqlite`)
  const acknowledged = await floodAndKill([file, thread, String(kind)], acknowledgements)
  await using database = await openSqliteStore({ file, thread: 'caller' })
  const store = await database.openLog(logKey('bank'))
  for (const number of streams) {
    const id = streamId(streamOf(number))
    const events = await eventsOf(store, id)
    expect(events.length).toBeGreaterThanOrEqual(acknowledged.get(number) ?? 0)
    const stored = await store.loadState('account', id)
    // A row stands where its stream does; a snapshot lies fewer events behind than lie between two of them.
    const behind = events.length - (stored?.version ?? 0)
    expect(behind).toBeGreaterThanOrEqual(0)
    expect(behind).toBeLessThanOrEqual(kind === 0 ? 0 : 2)
    const kept: unknown = stored === undefined ? state.initial() : JSON.parse(stored.text)
    expect(kept).toEqual(foldOf(events.slice(0, stored?.version ?? 0)))
    const repository = createRepository({ definition: account.definition, store, kind: floodKinds[kind] })
    expect(await repository.load(id)).toMatchObject({ state: foldOf(events), version: events.length })
  }
  // What left the inbox has its outcome, and what is in it has none: they commit with the state.
  for (const waiting of await store.inbox.claim({ owner: 'test', limit: 1e6, nowMs: 9e15, leaseMs: 1 })) {
    expect(await store.findOutcome(waiting.commandId)).toBeUndefined()
  }
})
