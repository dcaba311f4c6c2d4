// Proves on SQLite that what was acknowledged survives kill -9 in the middle of a flood, once and unchanged.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { position } from '../core/codec/index.ts'
import type { AppendResult, EventRecord, EventStore } from '../core/ports/index.ts'
import { openSqliteStore, type SqliteStoreOptions } from './index.ts'
import { floodRequest, type FloodPlan } from './test/flood.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-kill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const script = fileURLToPath(new URL('./test/flood.ts', import.meta.url))

interface Flooded {
  /** The numbers of all commands that may have been sent. */
  readonly tried: readonly number[]
  readonly acknowledged: ReadonlyMap<number, AppendResult>
  /** The size of the file beside its journal when the flood was killed. */
  readonly fileBytes: number
}

/** Runs the flood and kills it after so many acknowledgements. */
async function floodAndKill(
  file: string,
  thread: SqliteStoreOptions['thread'],
  plan: FloodPlan & { readonly acknowledgements: number },
): Promise<Flooded> {
  const args = [script, file, thread, String(plan.from), String(plan.blanks)]
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
    if (output.split('\nack ').length > plan.acknowledgements) child.kill('SIGKILL')
  })
  const end = await new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
  expect(end).toEqual({ code: null, signal: 'SIGKILL' })
  return { ...readOutput(output), fileBytes: statSync(file).size }
}

function readOutput(output: string): Omit<Flooded, 'fileBytes'> {
  // The last line may have been cut off by the kill.
  const lines = output.split('\n').slice(0, -1)
  const tried = lines.filter((line) => line.startsWith('try ')).map((line) => Number(line.slice(4)))
  const acknowledged = lines
    .filter((line) => line.startsWith('ack '))
    .map((line) => {
      const [, number = '', ...result] = line.split(' ')
      const parsed: AppendResult = JSON.parse(result.join(' '))
      return [Number(number), parsed] as const
    })
  return { tried, acknowledged: new Map(acknowledged) }
}

async function readAll(log: EventStore): Promise<readonly EventRecord[]> {
  const events: EventRecord[] = []
  for await (const page of log.readLog({ after: position(0) })) events.push(...page.events)
  return events
}

function expectWhole(events: readonly EventRecord[]): void {
  const versions = new Map<string, number>()
  const counts = new Map<string, number>()
  for (const [index, event] of events.entries()) {
    const version = (versions.get(event.streamId) ?? 0) + 1
    versions.set(event.streamId, version)
    counts.set(event.commandId ?? '', (counts.get(event.commandId ?? '') ?? 0) + 1)
    if (event.position !== index + 1 || event.version !== version) {
      throw new Error(`event ${index + 1} has position ${event.position} and version ${event.version}`)
    }
  }
  for (const [id, count] of counts) {
    const expected = Number(id.slice(-12)) % 3 === 0 ? 3 : 2
    if (count !== expected) throw new Error(`command ${id} has ${count} events, and should have ${expected}`)
  }
}

/** Sends every command of a flood again; those that were acknowledged answer as the first time. */
async function retryAll(log: EventStore, { tried, acknowledged }: Flooded, blanks: number): Promise<void> {
  const retries = await Promise.all(tried.map((number) => log.append(floodRequest(number, blanks))))
  for (const [index, retry] of retries.entries()) {
    const number = tried[index] ?? 0
    const first = acknowledged.get(number)
    if (first === undefined) continue
    if (retry.status !== 'repeated' || first.status !== 'appended') {
      throw new Error(`command ${number} was ${first.status} and is ${retry.status} when it is sent again`)
    }
    const { outcome, version, place } = retry.outcome
    expect({ outcome, version, place }).toEqual({
      outcome: { number },
      version: first.versions[0],
      place: first.place,
    })
  }
}

// `npm run test:faults` takes more of the same.
const roundCount = process.env['FAULTS'] === 'all' ? 20 : 8
const rounds = Array.from({ length: roundCount }, (_, round) => {
  const thread: SqliteStoreOptions['thread'] = round % 2 === 0 ? 'caller' : 'worker'
  return { round, thread, acknowledgements: 1 + ((round * 53) % 400) }
})

test.each(rounds)(
  'round $round: kill -9 after $acknowledgements acknowledgements, writer in the thread $thread',
  async ({ round, thread, acknowledgements }) => {
    // Two rounds share a file, so that every second one begins with what a kill has left.
    const file = join(folder, `${Math.floor(round / 4)}-${thread}.sqlite`)
    const plan = { from: round * 100_000, blanks: 0, acknowledgements }
    const { acknowledged } = await expectAllAfterKill(file, thread, plan)
    expect(acknowledged.size).toBeGreaterThanOrEqual(acknowledgements)
  },
)

test.each(['caller', 'worker'] as const)(
  'kill -9 while a thread moves the journal beside the writer in the thread %s',
  async (thread) => {
    const file = join(folder, `moved-${thread}.sqlite`)
    // Together they are several times what lets the journal be moved.
    const plan = { blanks: 20_000, acknowledgements: 1200 }
    for (const from of [0, 100_000]) {
      // oxlint-disable-next-line no-await-in-loop -- the second one begins with what the first has left
      const { fileBytes } = await expectAllAfterKill(file, thread, { ...plan, from })
      // Empty tables, which are all that it has before, take an eighth of this.
      expect(fileBytes).toBeGreaterThan(1024 * 1024)
    }
  },
)

/** Floods a store and kills it; whatever was acknowledged is there once, and everything else can follow. */
async function expectAllAfterKill(
  file: string,
  thread: SqliteStoreOptions['thread'],
  plan: FloodPlan & { readonly acknowledgements: number },
): Promise<Flooded> {
  const flooded = await floodAndKill(file, thread, plan)
  await using store = await openSqliteStore({ file, thread: 'caller' })
  const log = await store.openLog('default/flood/0')
  const survived = await readAll(log)
  expectWhole(survived)
  const ids = new Set(survived.map((event) => Number(event.commandId?.slice(-12))))
  expect([...flooded.acknowledged.keys()].filter((number) => !ids.has(number))).toEqual([])
  await retryAll(log, flooded, plan.blanks)
  const after = await readAll(log)
  expectWhole(after)
  const all = new Set(after.map((event) => Number(event.commandId?.slice(-12))))
  expect(flooded.tried.filter((number) => !all.has(number))).toEqual([])
  return flooded
}
