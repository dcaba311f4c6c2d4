// Reads events over the pool: pages of streams and logs, each with one statement.
import { pageBytesMax } from '../core/checks/index.ts'
import type { CommandId, Position, StreamId, StreamVersion } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { EventFilter, EventRecord, LogPlace } from '../core/ports/index.ts'
import type { SealedEvent, SealedOutcome } from '../core/seals/index.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import { pickPositions } from './picker.ts'
import { bytesAt, numberAt, textAt, textOrNullAt, type Row } from './rows.ts'

/** A stretch of a stream; both versions inclusive. */
export interface StreamRange {
  readonly decider: string
  readonly id: StreamId
  readonly lowest: number
  readonly highest: number
  readonly isForward: boolean
  readonly limit: number
}

/** A stretch of a log, and the filters of which one must pick an event; every event when there are none. */
export interface LogRange {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly through: number
  readonly limit: number
  readonly filters: readonly EventFilter[] | undefined
}

/** Events read in one go; `isWhole` is false when more of the range is left. */
export interface ReadEvents {
  readonly events: readonly EventRecord[]
  readonly isWhole: boolean
}

/** Events with their outcomes, read in one go. */
export interface ReadSealed {
  readonly events: readonly SealedEvent[]
  readonly isWhole: boolean
}

/** Reads over one pool. */
export interface EventReader {
  readonly head: (log: LogIdentity) => Promise<LogPlace>
  readonly placeAt: (log: LogIdentity, position: number) => Promise<LogPlace>
  readonly readStream: (log: LogIdentity, range: StreamRange) => Promise<ReadEvents>
  readonly readLog: (log: LogIdentity, range: LogRange) => Promise<ReadEvents>
  /** Events with everything that is recorded with them. */
  readonly readSealed: (log: LogIdentity, range: Omit<LogRange, 'filters'>) => Promise<ReadSealed>
}

const headOf: Statement = {
  name: 'head',
  text: `SELECT position, append_id || '.' || append_index FROM rampart_write.events
    WHERE log = $1 ORDER BY position DESC LIMIT 1`,
}
const eventAt: Statement = {
  name: 'event-at',
  text: `SELECT position, append_id || '.' || append_index FROM rampart_write.events
    WHERE log = $1 AND position = $2`,
}
const ofStream =
  'WHERE e.stream = (SELECT number FROM rampart_write.streams WHERE log = $1 AND decider = $2 AND id = $3)'
const forward: Statement = page('stream-forward', {
  where: `${ofStream} AND e.version >= $4 AND e.version <= $5`,
  order: 'e.version',
  limit: '$6',
})
const backward: Statement = page('stream-backward', {
  where: `${ofStream} AND e.version >= $4 AND e.version <= $5`,
  order: 'e.version DESC',
  limit: '$6',
})
const allOfLog: Statement = page('log', {
  where: 'WHERE e.log = $1 AND e.position > $2 AND e.position <= $3',
  order: 'e.position',
  limit: '$4',
})

/** Prepares the reader on a pool. */
export function createEventReader(query: RunQuery): EventReader {
  return {
    head: async (log) => placeIn(log, (await query(headOf, [log.number]))[0], 0),
    placeAt: async (log, position) =>
      placeIn(log, (await query(eventAt, [log.number, position]))[0], position),
    readStream: async (log, { decider, id, lowest, highest, isForward, limit }) => {
      const rows = await query(isForward ? forward : backward, [
        log.number,
        decider,
        id,
        lowest,
        Math.min(highest, versionMax),
        limit,
      ])
      return eventsOf(rows, limit)
    },
    readLog: async (log, { after, through, limit, filters }) => {
      if (filters === undefined)
        return eventsOf(await query(allOfLog, [log.number, after, through, limit]), limit)
      if (filters.length === 0) return { events: [], isWhole: true }
      const picked = pickPositions({ log: log.number, after, through, limit }, filters)
      const statement = page(picked.name, { where: picked.where, order: 'e.position', limit: '$4' })
      return eventsOf(await query(statement, picked.values), limit)
    },
    readSealed: async (log, { after, through, limit }) => {
      const rows = await query(allOfLog, [log.number, after, through, limit])
      const events = rows.map((row) => ({ record: recordOf(row), outcome: outcomeOf(row) }))
      return { events, isWhole: isWhole(rows, limit) }
    },
  }
}

// Versions are stored as 32-bit integers.
const versionMax = 2 ** 31 - 1

function page(
  name: string,
  { where, order, limit }: { readonly where: string; readonly order: string; readonly limit: string },
): Statement {
  const text = readSql('select-events')
    .replaceAll(':where', where)
    .replaceAll(':order', order)
    .replaceAll(':limit', limit)
    .replaceAll(':bytes', String(pageBytesMax))
  return { name, text }
}

const foundColumn = 17

// The page was cut when fewer rows came than were found: its bytes were too many.
function isWhole(rows: readonly Row[], limit: number): boolean {
  const found = numberAt(rows[0] ?? [], foundColumn)
  return rows.length === found && found < limit
}

function eventsOf(rows: readonly Row[], limit: number): ReadEvents {
  return { events: rows.map(recordOf), isWhole: isWhole(rows, limit) }
}

function outcomeOf(row: Row): SealedOutcome | null {
  const fingerprint = textOrNullAt(row, 19)
  if (fingerprint === null) return null
  return {
    fingerprint,
    events: numberAt(row, 20),
    version: numberAt(row, 21),
    outcome: textOrNullAt(row, 22),
  }
}

function placeIn({ epoch }: LogIdentity, row: Row | undefined, position: number): LogPlace {
  // Stored positions are whole numbers.
  if (row === undefined) return { epoch, position: position as Position, eventId: '' }
  return { epoch, position: numberAt(row, 0) as Position, eventId: textAt(row, 1) }
}

function recordOf(row: Row): EventRecord {
  // Ids, versions and positions were checked when they were appended.
  const commandId = textOrNullAt(row, 9) as CommandId | null
  return {
    position: numberAt(row, 0) as Position,
    decider: textAt(row, 1),
    streamId: textAt(row, 2) as StreamId,
    version: numberAt(row, 3) as StreamVersion,
    type: textAt(row, 4),
    schemaVersion: numberAt(row, 5),
    appendId: textAt(row, 6),
    appendIndex: numberAt(row, 7),
    recordedAtMs: numberAt(row, 8),
    commandId,
    contentType: textOrNullAt(row, 10) ?? 'application/json',
    tags: tagsAt(row, 11),
    correlationId: originAt(row, 12, commandId),
    causationId: originAt(row, 13, commandId),
    actor: textOrNullAt(row, 14),
    dataSubjectId: textOrNullAt(row, 15),
    keyId: textOrNullAt(row, 16),
    payload: bytesAt(row, 18),
  }
}

const noTags: readonly string[] = []

function tagsAt(row: Row, index: number): readonly string[] {
  const text = textOrNullAt(row, index)
  return text === null ? noTags : JSON.parse(text)
}

// NULL stands for the command's own id, and an empty text for none where there is a command.
function originAt(row: Row, index: number, commandId: string | null): string | null {
  const text = textOrNullAt(row, index)
  return text === null ? commandId : text || null
}
