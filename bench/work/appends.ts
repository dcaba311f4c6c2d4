// Durable, version-checked appends at 1, 64 and 256 callers, beside a raw file and a bare SQLite table.
import { join } from 'node:path'
import { systemRuntime } from 'rampart'
import { logKey, type AppendRequest } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'
import { openBareTable } from '../limits/bare-sqlite.ts'
import { openRawFile } from '../limits/raw-file.ts'
import { drive, measure, ratio, type Round, type Work } from '../measure.ts'
import { milliseconds, rate, times, type Bench } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'

const payload = new TextEncoder().encode(JSON.stringify({ note: 'x'.repeat(280) }))
const streamsOfCallers = 5000

/** Measures and prints appends. */
export async function benchAppends({ report, rounds, scale }: Bench): Promise<void> {
  for (const callers of [1, 64, 256]) {
    const operations = Math.ceil((callers === 1 ? 2000 : 20_000) * scale)
    const work: readonly Work[] = [
      { name: 'raw file, write + fdatasync', round: () => rawFile(callers, operations) },
      { name: 'bare SQLite table', round: () => bareTable(callers, operations) },
      { name: "store, caller's thread", round: () => store('caller', callers, operations) },
      { name: 'store, worker thread', round: () => store('worker', callers, operations) },
    ]
    const measured = await measure(work, rounds)
    const rows = measured.map(({ name, perSecond, p50Ms, p99Ms }) => [
      name,
      rate(perSecond),
      milliseconds(p50Ms),
      milliseconds(p99Ms),
      times(ratio(measured, name, 'raw file, write + fdatasync')),
      times(ratio(measured, name, 'bare SQLite table')),
    ])
    const head = ['', 'rate', 'p50', 'p99', 'of raw file', 'of bare SQLite']
    report.table(`Appends, ${callers} ${callers === 1 ? 'caller' : 'callers'}`, [head, ...rows])
  }
}

/** One round of the raw file. */
export function rawFile(callers: number, operations: number): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    using file = openRawFile(folder)
    return await drive(callers, operations, () => file.append(payload))
  })
}

function bareTable(callers: number, operations: number): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    using table = openBareTable(folder)
    const versions = new Map<number, number>()
    return await drive(callers, operations, (operation) => {
      const stream = operation % streamsOfCallers
      const version = (versions.get(stream) ?? 0) + 1
      versions.set(stream, version)
      return table.append(stream, version, payload)
    })
  })
}

/** One round of the store. */
export function store(thread: 'caller' | 'worker', callers: number, operations: number): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    await using database = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread })
    const log = await database.openLog(logKey('bench'))
    const versions = new Map<number, number>()
    return await drive(callers, operations, async (operation) => {
      const stream = operation % streamsOfCallers
      const version = versions.get(stream) ?? 0
      versions.set(stream, version + 1)
      const result = await log.append(deposit(`account-${stream}`, version))
      if (result.status !== 'appended') throw new Error(`The append came to ${result.status}.`)
    })
  })
}

function deposit(id: string, version: number): AppendRequest {
  const commandId = systemRuntime.uuid()
  // Ids and versions are made here in the form that their brands promise.
  return {
    writes: [{ decider: 'account', id, expectedVersion: version, events: [event] }],
    command: {
      id: commandId,
      fingerprint: 'q83vEjRWeJq83vEjRWeJqw',
      outcome: { status: 'succeeded', streamId: id },
      expiresAtMs: null,
    },
    correlationId: commandId,
    causationId: commandId,
  } as unknown as AppendRequest
}

const event = { type: 'MoneyDeposited', schemaVersion: 1, payload }
