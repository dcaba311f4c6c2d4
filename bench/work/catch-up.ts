// Catching up with a long log: from events to keyed documents, beside reading and parsing the same rows.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { sleep, systemRuntime } from 'rampart'
import { position, streamId } from 'rampart/codec'
import { openApp } from 'rampart/host'
import { logKey } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'
import { measure, ratio, type Round, type Work } from '../measure.ts'
import { rate, times, type Bench } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { deposit, groupedBank } from './bank.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const eventsPerAppend = 500

/** Measures and prints catching up. */
export async function benchCatchUp({ report, rounds, scale }: Bench): Promise<void> {
  const eventCount = Math.ceil(500_000 * scale)
  for (const groupCount of [30, 5000]) {
    await inTemporaryFolder(async (dataFolder) => {
      await fill(dataFolder, eventCount, groupCount)
      const limit = 'read + parse'
      const work: readonly Work[] = [
        { name: limit, round: () => Promise.resolve(readAndParse(dataFolder)) },
        { name: 'store, pages of 1,000', round: () => readLog(dataFolder) },
        { name: 'projection, documents committed', round: () => catchUp(dataFolder, eventCount) },
      ]
      const measured = await measure(work, rounds)
      const rows = measured.map(({ name, perSecond }) => [
        name,
        rate(perSecond),
        times(ratio(measured, name, limit)),
      ])
      const title = `Catching up, ${eventCount} events into ${groupCount} documents`
      report.table(title, [['', 'events', 'of read + parse'], ...rows])
    })
  }
}

async function fill(dataFolder: string, eventCount: number, groupCount: number): Promise<void> {
  await using database = await openSqliteStore({ file: storeFile(dataFolder), thread: 'caller' })
  const log = await database.openLog(logKey('bank'))
  for (let first = 0; first < eventCount; first += eventsPerAppend) {
    const events = Array.from({ length: Math.min(eventsPerAppend, eventCount - first) }, (_, index) => ({
      type: 'MoneyDeposited',
      schemaVersion: 1,
      payload: encoder.encode(JSON.stringify(deposit(first + index, groupCount))),
    }))
    const id = streamId(`account-${(first / eventsPerAppend) % 1000}`)
    await log.append({ writes: [{ decider: 'account', id, expectedVersion: 'any', events }] })
  }
}

function storeFile(dataFolder: string): string {
  return join(dataFolder, 'bank', 'write.sqlite')
}

/** The driver's own speed: every row's payload in pages of 1,000, decoded and parsed, and nothing else. */
function readAndParse(dataFolder: string): Round {
  const database = new DatabaseSync(storeFile(dataFolder), { readOnly: true })
  const page = database.prepare('SELECT rowid, payload FROM events WHERE rowid > ? ORDER BY rowid LIMIT 1000')
  page.setReturnArrays(true)
  const startedMs = performance.now()
  let operations = 0
  let cents = 0
  for (let after = 0; ;) {
    // The arrays have the two columns that the statement names.
    const rows = page.all(after) as unknown as readonly (readonly [number, Uint8Array])[]
    for (const [, payload] of rows) cents += JSON.parse(decoder.decode(payload)).cents
    const last = rows.at(-1)
    if (last === undefined) break
    after = last[0]
    operations += rows.length
  }
  const elapsedMs = performance.now() - startedMs
  database.close()
  if (cents === 0) throw new Error('The log is empty.')
  return { operations, elapsedMs, latenciesMs: [] }
}

async function readLog(dataFolder: string): Promise<Round> {
  await using database = await openSqliteStore({ file: storeFile(dataFolder), thread: 'caller' })
  const log = await database.openLog(logKey('bank'))
  const startedMs = performance.now()
  let operations = 0
  for await (const page of log.readLog({ after: position(0) })) operations += page.events.length
  return { operations, elapsedMs: performance.now() - startedMs, latenciesMs: [] }
}

async function catchUp(dataFolder: string, eventCount: number): Promise<Round> {
  for (const suffix of ['', '-wal', '-shm'])
    await rm(join(dataFolder, 'bank', `reads.sqlite${suffix}`), { force: true })
  const startedMs = performance.now()
  await using running = await openApp(groupedBank, { dataFolder })
  while ((await running.read('groups').lag()).events > 0) await sleep(systemRuntime, 5)
  return { operations: eventCount, elapsedMs: performance.now() - startedMs, latenciesMs: [] }
}
