// Durable, version-checked appends at 1, 64 and 256 callers, beside a raw file and a bare SQLite table.
import { join } from 'node:path'
import { systemRuntime } from 'rampart'
import { logKey, type AppendRequest, type EventStore } from 'rampart/ports'
import { openSqliteStore } from 'rampart/sqlite'
// The sealer itself, because it belongs to whoever hosts an app, and a store alone has none.
import { createSealer } from '../../packages/rampart/src/seal/index.ts'
import { openBareTable } from '../limits/bare-sqlite.ts'
import { openRawFile } from '../limits/raw-file.ts'
import {
  drive,
  driveFor,
  measure,
  ratio,
  sealedPeriod,
  sizesAt,
  type Period,
  type Round,
  type Work,
} from '../measure.ts'
import { microseconds, milliseconds, rate, times, type Bench, type Demand } from '../report.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'

const payload: Uint8Array = new TextEncoder().encode(JSON.stringify({ note: 'x'.repeat(280) }))
const streamsOfCallers = 5000

const raw = 'raw file, write + fdatasync'
const bare = 'bare SQLite, the same rows'
const own = "store, caller's thread"

/**
 * Appends before the measured ones, by 256 callers: until the write-ahead log of SQLite begins anew, each
 * commit makes its file longer, which costs a disk more than writing over it for the rest of its life. They
 * are large, so that few of them fill that log.
 */
export const appendsBefore = 15_000
/** What makes them large. */
export const noteBefore = 'x'.repeat(2450)
const payloadBefore: Uint8Array = new TextEncoder().encode(JSON.stringify({ note: noteBefore }))

/** Measures and prints appends. */
export async function benchAppends({ report, rounds, scale }: Bench): Promise<void> {
  for (const callers of sizesAt(scale, [1, 64, 256])) {
    const operations = Math.ceil((callers === 1 ? 6000 : 120_000) * scale)
    const before = Math.ceil(appendsBefore * scale)
    const sized = { callers, before, ...sealedPeriod(scale) }
    const fresh = { ...sized, before: 0, leadInMs: 0, thread: 'caller' } as const
    const first = { name: "the first appends, caller's thread", round: () => store(fresh) }
    const work: readonly Work[] = [
      { name: raw, round: () => rawFile(callers, operations) },
      { name: bare, round: () => bareTable(sized) },
      { name: own, round: () => store({ ...sized, thread: 'caller' }) },
      { name: 'store, worker thread', round: () => store({ ...sized, thread: 'worker' }) },
      ...(callers === 1 ? [first] : []),
    ]
    const measured = await measure(work, rounds)
    const rows = measured.map(({ name, perSecond, p50Ms, p99Ms, cpuUs }) => {
      const [ofRaw, ofBare] = name === own ? demandsOf(callers) : []
      return [
        name,
        rate(perSecond),
        milliseconds(p50Ms),
        milliseconds(p99Ms),
        microseconds(cpuUs),
        times(ratio(measured, name, raw), ofRaw),
        times(ratio(measured, name, bare), ofBare),
      ]
    })
    const head = ['', 'rate', 'p50', 'p99', 'CPU each', 'of raw file', 'of bare SQLite']
    report.table(`Appends, ${callers} ${callers === 1 ? 'caller' : 'callers'}`, [head, ...rows])
  }
}

/** What is demanded beside the raw file, and beside the bare table. */
function demandsOf(callers: number): readonly (Demand | undefined)[] {
  if (callers === 1) return [{ atLeast: 0.9, goal: 1.2 }]
  return [undefined, { atLeast: 0.6, goal: 0.9 }]
}

/** One round of the raw file. */
export function rawFile(callers: number, operations: number): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    using file = openRawFile(folder)
    return await drive(callers, operations, () => file.append(payload))
  })
}

function bareTable({ callers, before, ...period }: Sized): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    using table = openBareTable(folder)
    const versions = new Map<number, number>()
    const append = (operation: number, bytes: Uint8Array): Promise<void> => {
      const stream = operation % streamsOfCallers
      const version = (versions.get(stream) ?? 0) + 1
      versions.set(stream, version)
      return table.append({ stream, version, name: `account-${stream}`, payload: bytes })
    }
    await drive(256, before, (operation) => append(operation, payloadBefore))
    return await driveFor(callers, period, (operation) => append(before + operation, payload))
  })
}

interface Sized extends Period {
  readonly callers: number
  /** Large appends that are not measured, and come first of all. */
  readonly before: number
}

/** How a store is driven. */
export interface StoreRound extends Sized {
  readonly thread: 'caller' | 'worker'
  /** Time-ordered ids unless given. */
  readonly idOf?: (operation: number) => string
}

/** One round of the store, sealed meanwhile as a host would have it. */
export function store({ thread, idOf, callers, before, ...period }: StoreRound): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    await using database = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread })
    const log = await database.openLog(logKey('bench'))
    const versions = new Map<number, number>()
    const append = async (operation: number, bytes: Uint8Array): Promise<void> => {
      const stream = operation % streamsOfCallers
      const version = versions.get(stream) ?? 0
      versions.set(stream, version + 1)
      const commandId = idOf?.(operation) ?? systemRuntime.uuid()
      const result = await log.append(deposit({ id: `account-${stream}`, version, commandId, bytes }))
      if (result.status !== 'appended') throw new Error(`The append came to ${result.status}.`)
    }
    await drive(256, before, (operation) => append(operation, payloadBefore))
    await sealAll(log)
    const sealer = createSealer({ store: log, runtime: systemRuntime })
    const round = await driveFor(callers, period, (operation) => append(before + operation, payload))
    await sealer.stop()
    return round
  })
}

/** Seals what is recorded, so that no round has to digest what came before it. */
async function sealAll(log: EventStore): Promise<void> {
  const { position } = await log.head()
  // oxlint-disable-next-line no-await-in-loop -- each goes on where the one before it ended
  while (((await log.seals.last())?.last ?? 0) < position)
    await createSealer({ store: log, runtime: systemRuntime }).stop()
}

/** What an append records. */
export interface NewDeposit {
  readonly id: string
  readonly version: number
  readonly commandId: string
  /** About 300 unless given. */
  readonly bytes?: Uint8Array
}

/** An append of one event with the claim of a command id. */
export function deposit({ id, version, commandId, bytes = payload }: NewDeposit): AppendRequest {
  const event = { type: 'MoneyDeposited', schemaVersion: 1, payload: bytes }
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
