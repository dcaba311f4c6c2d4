// Opening a long store: until it answers, until the first append is durable, and after a kill -9 that left a
// full write-ahead log behind.
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { streamId } from 'rampart/codec'
import { openApp } from 'rampart/host'
import { logKey } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'
import { measure, type Round, type Work } from '../measure.ts'
import { milliseconds, type Bench } from '../report.ts'
import { withProgram } from '../server-process.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { bank, deposit } from './bank.ts'
import { fillLog, storeFile } from './fill-log.ts'

const demand = { below: 1000 }

/** Measures and prints how long opening takes. */
export async function benchOpen({ report, rounds, scale }: Bench): Promise<void> {
  await inTemporaryFolder(async (dataFolder) => {
    const eventCount = Math.ceil(1_000_000 * scale)
    await fillLog(dataFolder, eventCount, 30)
    const file = storeFile(dataFolder)
    const work: readonly Work[] = [
      { name: "open, caller's thread", round: () => open(file, 'caller', 'head') },
      { name: 'open, worker thread', round: () => open(file, 'worker', 'head') },
      {
        name: 'open, and the first append is durable, worker thread',
        round: () => open(file, 'worker', 'append'),
      },
      { name: 'the same after a kill -9 with a full write-ahead log', round: () => killAndOpen(file) },
      { name: 'an app without read models yet, and its first command', round: () => openBank(dataFolder) },
    ]
    const measured = await measure(work, rounds)
    const rows = measured.map(({ name, p50Ms, maxMs }) => [
      name,
      milliseconds(p50Ms, demand),
      milliseconds(maxMs),
    ])
    const megabytes = Math.round((await stat(file)).size / 1e6)
    const title = `Opening a store of ${eventCount} events, ${megabytes} MB, in the system's cache`
    report.table(title, [['', 'median', 'slowest'], ...rows])
  })
}

async function open(file: string, thread: 'caller' | 'worker', until: 'head' | 'append'): Promise<Round> {
  const startedMs = performance.now()
  await using database = await openSqliteStore({ file, thread })
  const log = await database.openLog(logKey('bank'))
  if (until === 'head') await log.head()
  else
    await log.append({
      writes: [{ decider: 'account', id: streamId('account-1'), expectedVersion: 'any', events: [event] }],
    })
  return once(performance.now() - startedMs)
}

const payload = new TextEncoder().encode(JSON.stringify(deposit(7)))
const event = { type: 'MoneyDeposited', schemaVersion: 1, payload }

async function killAndOpen(file: string): Promise<Round> {
  const script = join(import.meta.dirname, 'full-journal.ts')
  const args = ['--conditions=rampart-source', script, file]
  await withProgram({ file: process.execPath, args, env: {} }, async (child) => {
    for await (const chunk of child.stdout ?? []) if (String(chunk).includes('full')) break
    child.kill('SIGKILL')
  })
  return open(file, 'worker', 'append')
}

async function openBank(dataFolder: string): Promise<Round> {
  for (const suffix of ['', '-wal', '-shm']) {
    await rm(join(dataFolder, 'bank', `reads.sqlite${suffix}`), { force: true })
  }
  const startedMs = performance.now()
  await using running = await openApp(bank, { dataFolder, thread: 'worker' })
  const answer = await running.stream('account', 'account-1').Deposit(deposit(7))
  if (answer.status !== 'succeeded') throw new Error(`A deposit came to ${answer.status}.`)
  return once(performance.now() - startedMs)
}

function once(elapsedMs: number): Round {
  return { operations: 1, elapsedMs, latenciesMs: [elapsedMs] }
}
