// Kills a process in the middle of projection batches, again and again, and compares with a fold from
// nothing.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { parsePayload, position } from '../core/codec/index.ts'
import { systemRuntime, type Projection } from '../core/index.ts'
import { eventId, logKey, type EventStore } from '../core/ports/index.ts'
import { openSqliteReadStore, openSqliteStore } from '../sqlite/index.ts'
import { createReadModel } from './create-read-model.ts'
import { createProjectionRunner } from './create-projection-runner.ts'
import { showRunner } from './shown-projection.ts'
import { customers, foldFromNothing, orders, products, type ShopEvent } from './test/shop.ts'

const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))
const child = fileURLToPath(new URL('./test/killed-child.ts', import.meta.url))
const models: readonly Projection[] = [orders, customers, products]

/** Runs the child, and kills it after so many appends. */
async function runAndKill(parts: readonly string[], appends: number): Promise<void> {
  const running = spawn(process.execPath, ['--conditions=rampart-source', child, ...parts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<string | null>((resolve) => running.once('exit', (_, signal) => resolve(signal)))
  let seen = 0
  running.stdout.on('data', (dots: Buffer) => {
    seen += dots.length
    if (seen >= appends) running.kill('SIGKILL')
  })
  expect(await ended).toBe('SIGKILL')
}

async function eventsOf(log: EventStore): Promise<{ events: ShopEvent[]; ids: string[] }> {
  const events: ShopEvent[] = []
  const ids: string[] = []
  for await (const page of log.readLog({ after: position(0) })) {
    for (const record of page.events) {
      events.push({ id: record.streamId, event: { type: record.type, data: parsePayload(record) } })
      ids.push(eventId(record))
    }
  }
  return { events, ids }
}

/** Compares what is stored with a fold from nothing up to the checkpoint, then lets the runner catch up. */
async function compare(folder: string, thread: 'worker' | 'caller', lastRound: boolean): Promise<number> {
  await using store = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread })
  await using reads = await openSqliteReadStore({ file: join(folder, 'reads.sqlite'), thread })
  const log = await store.openLog(logKey('shop'))
  const { events, ids } = await eventsOf(log)
  const { epoch } = await log.head()
  for (const of of models) {
    const { name, version, indexes, search } = of
    const collection = await reads.openCollection({ name, version, log: log.log, indexes, search }, epoch)
    const checkpoint = await collection.checkpoint()
    const at = checkpoint.position
    // Each round gets somewhere, or there would be nothing to tear.
    expect(at).toBeGreaterThan(0)
    expect(checkpoint).toEqual({ epoch, position: at, eventId: at === 0 ? '' : ids[at - 1] })
    const all = { after: { position: position(0), key: '' }, limit: 1e6 }
    const stored = async () =>
      (await collection.changes(all)).documents.toSorted((a, b) => (a.key < b.key ? -1 : 1))
    expect(await stored()).toEqual(foldFromNothing(of, events.slice(0, at)))
    if (!lastRound) continue
    const runner = await createProjectionRunner({
      projection: of,
      store: log,
      readStore: reads,
      runtime: systemRuntime,
    })
    const model = createReadModel({
      shown: showRunner({ runner, runtime: systemRuntime }),
      runtime: systemRuntime,
    })
    const token = new Map([[log.log, await log.head()]])
    await model.list({ where: [], search: null, afterKey: null, limit: 1 }, { token, waitMs: 10_000 })
    expect(await stored()).toEqual(foldFromNothing(of, events))
    await runner.stop()
  }
  return events.length
}

describe('kill -9 in the middle of projection batches', () => {
  test.each(['worker', 'caller'] as const)('leaves documents and checkpoint in step (%s)', async (thread) => {
    const folder = mkdtempSync(join(tmpdir(), 'rampart-kill-'))
    folders.push(folder)
    // `npm run test:faults` takes more of the same.
    const rounds = process.env['FAULTS'] === 'all' ? 10 : 4
    let before = 0
    for (let round = 1; round <= rounds; round++) {
      await runAndKill([folder, thread, String(round)], 3 + ((round * 37) % 60))
      const count = await compare(folder, thread, round === rounds)
      expect(count).toBeGreaterThanOrEqual(before)
      before = count
    }
    expect(before).toBeGreaterThan(50)
  })
})
