// Inspects the logs of an app in a database beside the processes that write them: reads whatever stands
// there, page by page.
import type { Position, StreamId, StreamVersion } from '../../core/codec/index.ts'
import { RampartError } from '../../core/index.ts'
import {
  leafOf,
  type InspectedEvent,
  type InspectedState,
  type InspectedVersion,
  type LogInspection,
  type Seal,
  type StoreInspection,
} from '../../core/seals/index.ts'
import { inspectedStateOf } from '../../core/rows/index.ts'
import { accessOf } from '../access.ts'
import { isDataError, readSql, sqlState, type RunQuery, type Statement } from '../database.ts'
import { createEventReader, type EventReader } from '../event-reader.ts'
import { createLogPages } from '../log-pages.ts'
import { stepOf, writeSchema } from '../migrations.ts'
import { openReaders } from '../readers.ts'
import { numberAt, textAt, type Row } from '../rows.ts'
import { sha256 } from '../fresh-leaves.ts'
import { findLastSeal, listSealsAfter } from '../seal-store.ts'
import { damagesOf } from './database-damages.ts'
import { misplacedTags } from './misplaced-tags.ts'
import { appsIn, atOneMoment, withoutApp } from './one-moment.ts'

/** The apps whose logs stand in a database, by name. Throws `INPUT_INVALID` when it has no store. */
export async function listDatabaseApps(url: string): Promise<readonly string[]> {
  return atOneMoment(url, appsIn)
}

/** Opens the logs of an app for an inspection. Throws `STORE_UNAVAILABLE` and `STORE_SCHEMA_NEWER`. */
export async function openPostgresInspection(url: string, app: string): Promise<StoreInspection> {
  const readers = openReaders(accessOf({ url }))
  const { query, close } = readers
  try {
    await stepOf(query, writeSchema)
    const events = createEventReader(readers)
    const logs = await listLogs({ query, events }, app)
    return {
      logs: logs.map((log) => inspectLog({ query, events }, log)),
      damages: () => damagesOf(url),
      versions: () => versionsOf(query, logs),
      misplacedTags: async function* () {
        for (const log of logs) yield* misplacedTags(query, log)
      },
      [Symbol.asyncDispose]: close,
    }
  } catch (fault) {
    await close()
    throw fault
  }
}

interface Reading {
  readonly query: RunQuery
  readonly events: EventReader
}

interface FoundLog {
  readonly key: string
  readonly number: number
  readonly epochs: LogInspection['epochs']
  readonly head: Position
  readonly sealed: number
}

const listOwn: Statement = {
  name: 'list-own-logs',
  text: "SELECT number, key FROM rampart_write.logs WHERE split_part(key, ':', 1) = $1 ORDER BY number",
}
const listEpochs: Statement = {
  name: 'inspect-epochs',
  text: 'SELECT epoch, fork_position, ordinal FROM rampart_write.epochs WHERE log = $1 ORDER BY ordinal',
}

async function listLogs({ query, events }: Reading, app: string): Promise<readonly FoundLog[]> {
  const rows = await query(listOwn, [app])
  const found = rows.map(async (row): Promise<FoundLog> => {
    const number = numberAt(row, 0)
    const epochs = await query(listEpochs, [number])
    // The newest seal first: what it covers is there when the head is read.
    const seal = await findLastSeal(query, { number })
    return {
      key: withoutApp(textAt(row, 1)),
      number,
      epochs: epochs.map((one) => ({
        epoch: textAt(one, 0),
        forkPosition: asPosition(numberAt(one, 1)),
        ordinal: numberAt(one, 2),
      })),
      sealed: seal?.number ?? 0,
      head: (await events.head({ number, epoch: '' })).position,
    }
  })
  return Promise.all(found)
}

// What stands in tables that somebody may have changed is not checked here; it is judged by who inspects.
function asPosition(value: number): Position {
  return value as Position
}

function inspectLog(reading: Reading, log: FoundLog): LogInspection {
  const identity = { number: log.number, epoch: log.epochs.at(-1)?.epoch ?? '' }
  return {
    log: log.key,
    ...createLogPages({ reads: () => reading }, identity),
    epochs: log.epochs,
    head: log.head,
    sealed: log.sealed,
    events: () => eventsOf(reading.events, log),
    seals: () => sealsOf(reading.query, log),
    states: () => statesOf(reading.query, log),
  }
}

const pageSize = 1000

async function* eventsOf(events: EventReader, log: FoundLog): AsyncGenerator<readonly InspectedEvent[]> {
  let carefulUntil = 0
  for (let after = 0; after < log.head;) {
    const limit = after < carefulUntil ? 1 : pageSize
    const range = { after, through: limit === 1 ? after + 1 : log.head, limit }
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    const page = await attempt(() => leavesOf(events, log, range))
    if (page !== undefined) {
      if (page.length > 0) yield page
      after = page.at(-1)?.record.position ?? range.through
    } else if (limit === 1) {
      // It cannot be read, and is missed by whoever looks at positions.
      after += 1
    } else {
      carefulUntil = after + pageSize
    }
  }
}

async function leavesOf(
  events: EventReader,
  { number, epochs }: FoundLog,
  range: Parameters<EventReader['readSealed']>[1],
): Promise<readonly InspectedEvent[]> {
  const log = { number, epoch: epochs.at(-1)?.epoch ?? '' }
  const page = await events.readSealed(log, range)
  return page.events.map((event) => ({ ...event, leaf: leafOf(event, sha256) }))
}

async function attempt<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (fault) {
    // A row that cannot be decoded: those around it are read one by one. A database that is gone stays so.
    if (fault instanceof RampartError && !isOfData(fault)) throw fault
    return undefined
  }
}

// What the server says of a damaged page.
function isOfData({ cause }: RampartError): boolean {
  return sqlState(cause)?.startsWith('XX') === true || isDataError(cause)
}

const sealPage = 50

async function* sealsOf(query: RunQuery, { number, sealed }: FoundLog): AsyncGenerator<Seal> {
  for (let after = 0; after < sealed;) {
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    const seals = await listSealsAfter(query, { number, after, limit: sealPage })
    const known = seals.filter((seal) => seal.number <= sealed)
    yield* known
    after = known.at(-1)?.number ?? sealed
  }
}

const versionPage = 5000
const listVersions: Statement = { name: 'list-versions', text: readSql('list-versions') }

async function* versionsOf(
  query: RunQuery,
  logs: readonly FoundLog[],
): AsyncGenerator<readonly InspectedVersion[]> {
  const byNumber = new Map(logs.map((log) => [log.number, log]))
  for (let last: readonly [stream: number, version: number] = [0, 0]; ;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    const rows = await query(listVersions, [...last, versionPage])
    const found = rows.flatMap((row) => versionOf(row, byNumber.get(numberAt(row, 2))))
    if (found.length > 0) yield found
    const end = rows.at(-1)
    if (end === undefined || rows.length < versionPage) return
    last = [numberAt(end, 0), numberAt(end, 1)]
  }
}

function versionOf(row: Row, log: FoundLog | undefined): readonly InspectedVersion[] {
  const position = numberAt(row, 3)
  if (log === undefined || position > log.head) return []
  return [
    {
      log: log.key,
      decider: textAt(row, 4),
      streamId: textAt(row, 5) as StreamId,
      version: numberAt(row, 1) as StreamVersion,
      position: asPosition(position),
      isOwn: numberAt(row, 6) === log.number,
    },
  ]
}

// A state may have megabytes.
const statePage = 16
const listStates: Statement = { name: 'list-states', text: readSql('list-states') }

async function* statesOf(query: RunQuery, log: FoundLog): AsyncGenerator<readonly InspectedState[]> {
  for (let after = 0; ;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    const rows = await query(listStates, [after, log.number, statePage])
    if (rows.length > 0) yield rows.map(inspectedStateOf)
    if (rows.length < statePage) return
    after = numberAt(rows.at(-1) ?? [], 0)
  }
}
