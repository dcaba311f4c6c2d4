// How far a read model is behind its log while appends come in steadily, at half the rate that the store
// takes at most.
import { join } from 'node:path'
import { sleep, systemRuntime } from 'rampart'
import { encodeEvent, streamId } from 'rampart/codec'
import { logKey, type EventStore } from 'rampart/ports'
import { openSqliteReadStore, openSqliteStore } from 'rampart/sqlite'
// The runner itself, because only it tells at once what its documents contain.
import { createProjectionRunner } from '../../packages/rampart/src/projection/create-projection-runner.ts'
import { drive, measure, type Round, type Work } from '../measure.ts'
import { milliseconds, rate, type Bench } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { accountEvents, balances, deposit } from './bank.ts'
import { untilReached } from './until-reached.ts'

const streams = 5000
const callers = 256
type Thread = 'caller' | 'worker'

/** Measures and prints the lag of a live read model. */
export async function benchLive({ report, rounds, scale }: Bench): Promise<void> {
  const work: readonly Work[] = (['caller', 'worker'] as const).map((thread) => ({
    name: `${thread}'s thread`,
    round: () => live(thread, scale),
  }))
  const measured = await measure(work, rounds)
  const rows = measured.map(({ name, perSecond, p50Ms, p99Ms, maxMs }) => [
    name,
    rate(perSecond),
    milliseconds(p50Ms),
    milliseconds(p99Ms),
    milliseconds(maxMs, { below: 100 }),
  ])
  const title = `A live read model of ${streams} documents, from the acknowledged append to the documents`
  report.table(title, [['', 'appends', 'p50 behind', 'p99 behind', 'most behind'], ...rows])
}

/** First as many appends as the store takes, without a read model; then half as many a second beside one. */
function live(thread: Thread, scale: number): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    await using database = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread })
    const log = await database.openLog(logKey('bank'))
    const full = await drive(callers, Math.ceil(20_000 * scale), (operation) => append(log, operation))
    await using readStore = await openSqliteReadStore({ file: join(folder, 'reads.sqlite'), thread })
    const options = { projection: balances, store: log, readStore, runtime: systemRuntime }
    const runner = await createProjectionRunner(options)
    await untilReached(runner, await log.head())
    const waiting = new Map<number, number>()
    const latenciesMs: number[] = []
    runner.onMoved(({ reached = 0 }) => {
      for (const [position, sinceMs] of waiting) {
        if (position > reached) break
        latenciesMs.push(performance.now() - sinceMs)
        waiting.delete(position)
      }
    })
    const perMs = full.operations / full.elapsedMs / 2
    const startedMs = performance.now()
    const operations = await pace(perMs, 3000 * scale, async (operation) => {
      const position = await append(log, full.operations + operation)
      // The documents may contain an append before its caller hears of it.
      if (position > runner.reached().position) waiting.set(position, performance.now())
      else latenciesMs.push(0)
    })
    const elapsedMs = performance.now() - startedMs
    await untilReached(runner, await log.head())
    await runner.stop()
    return { operations, elapsedMs, latenciesMs }
  })
}

/**
 * Has as many callers as before do so many operations a millisecond between them, each at its time or, where
 * the store is late, as soon as a caller is free: never more than one of each caller are in hand.
 */
async function pace(
  perMs: number,
  durationMs: number,
  operate: (operation: number) => Promise<void>,
): Promise<number> {
  const startedMs = performance.now()
  let next = 0
  const caller = async (): Promise<void> => {
    for (let operation = next++; operation < durationMs * perMs; operation = next++) {
      const earlyMs = startedMs + operation / perMs - performance.now()
      if (earlyMs > 0) await sleep(systemRuntime, earlyMs)
      await operate(operation)
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return Math.ceil(durationMs * perMs)
}

const { stored } = encodeEvent(accountEvents, accountEvents.make.MoneyDeposited(deposit(7)))

async function append(log: EventStore, operation: number): Promise<number> {
  const id = streamId(`account-${operation % streams}`)
  const write = { decider: 'account', id, expectedVersion: 'any' as const, events: [stored] }
  const result = await log.append({ writes: [write] })
  if (result.status !== 'appended') throw new Error(`The append came to ${result.status}.`)
  return result.place.position
}
