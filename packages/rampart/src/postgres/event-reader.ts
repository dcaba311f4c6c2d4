// Reads events over the pool: pages of streams and logs, each with one statement.
import { pageBytesMax } from '../core/checks/index.ts'
import type { FoldRecord, Position, StreamId } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { EventFilter, EventRecord, LogPlace } from '../core/ports/index.ts'
import type { SealedEvent } from '../core/seals/index.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import { bytesThrough, eventColumns, foldRecordOf, foldStreamOf, recordOf, sealedOf } from './event-rows.ts'
import { pickPositions } from './picker.ts'
import { numberAt, textAt, type Row } from './rows.ts'

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

/** Events read in one go; `isWhole` is false when more of the range may be left. */
export interface ReadEvents<Event = EventRecord> {
  readonly events: readonly Event[]
  readonly isWhole: boolean
}

/** Reads over one pool. */
export interface EventReader {
  readonly head: (log: LogIdentity) => Promise<LogPlace>
  readonly placeAt: (log: LogIdentity, position: number) => Promise<LogPlace>
  readonly readStream: (log: LogIdentity, range: StreamRange) => Promise<ReadEvents>
  /**
   * The same as folds read it. Fails where a payload is no text; `undefined` where one is no JSON, or large.
   */
  readonly readStreamToFold: (
    log: LogIdentity,
    range: StreamRange,
  ) => Promise<ReadEvents<FoldRecord> | undefined>
  readonly readLog: (log: LogIdentity, range: LogRange) => Promise<ReadEvents>
  /** The same as folds read it. Fails where a payload is no text. */
  readonly readLogToFold: (log: LogIdentity, range: LogRange) => Promise<ReadEvents<FoldRecord>>
  /** Events with everything that is recorded with them. */
  readonly readSealed: (
    log: LogIdentity,
    range: Omit<LogRange, 'filters'>,
  ) => Promise<ReadEvents<SealedEvent>>
}

const selectEvents = readSql('select-events')

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
const ofStream = `WHERE e.stream = (
    SELECT number FROM rampart_write.streams WHERE log = $1 AND decider = $2 AND id = $3
  ) AND e.version >= $4 AND e.version <= $5`
const forward = { name: 'stream-forward', where: ofStream, order: 'version', limit: '$6' }
const backward = { ...forward, name: 'stream-backward', order: 'version DESC' }
// Together they keep the bound of a page then.
const largestShare = Math.floor(pageBytesMax / 1000)
const streamToFold = readSql('select-stream-to-fold').replaceAll(':share', String(largestShare))
const streamStatements = {
  fold: {
    forward: shaped(streamToFold, { ...forward, name: 'fold-forward' }),
    backward: shaped(streamToFold, { ...backward, name: 'fold-backward' }),
  },
  record: { forward: page('record', forward), backward: page('record', backward) },
}
const allOfLog = {
  name: 'log',
  where: 'WHERE e.log = $1 AND e.position > $2 AND e.position <= $3',
  order: 'position',
  limit: '$4',
}
const logStatements = {
  fold: page('fold', allOfLog),
  record: page('record', allOfLog),
  sealed: page('sealed', allOfLog),
}

/** Prepares the reader on a pool. */
export function createEventReader(query: RunQuery): EventReader {
  const readStream = (
    kind: 'fold' | 'record',
    log: LogIdentity,
    { decider, id, lowest, highest, isForward, limit }: StreamRange,
  ): Promise<readonly Row[]> => {
    const statement = streamStatements[kind][isForward ? 'forward' : 'backward']
    return query(statement, [log.number, decider, id, lowest, Math.min(highest, versionMax), limit])
  }
  const readLog = async (
    kind: 'fold' | 'record',
    log: LogIdentity,
    { after, through, limit, filters }: LogRange,
  ): Promise<readonly Row[]> => {
    if (filters === undefined) return query(logStatements[kind], [log.number, after, through, limit])
    if (filters.length === 0) return []
    const { name, where, values } = pickPositions({ log: log.number, after, through, limit }, filters)
    return query(page(kind, { ...allOfLog, name, where }), values)
  }
  return {
    head: async (log) => placeIn(log, (await query(headOf, [log.number]))[0], 0),
    placeAt: async (log, position) =>
      placeIn(log, (await query(eventAt, [log.number, position]))[0], position),
    readStream: async (log, range) => pageOf(await readStream('record', log, range), range.limit, recordOf),
    readStreamToFold: async (log, range) => {
      const [row = []] = await readStream('fold', log, range)
      const events = foldStreamOf(row, range)
      if (events === undefined) return undefined
      return { events: events.slice(0, range.limit), isWhole: events.length <= range.limit }
    },
    readLog: async (log, range) => pageOf(await readLog('record', log, range), range.limit, recordOf),
    readLogToFold: async (log, range) => pageOf(await readLog('fold', log, range), range.limit, foldRecordOf),
    readSealed: async (log, { after, through, limit }) =>
      pageOf(await query(logStatements.sealed, [log.number, after, through, limit]), limit, sealedOf),
  }
}

// Versions are stored as 32-bit integers.
const versionMax = 2 ** 31 - 1

interface PageShape {
  readonly name: string
  readonly where: string
  readonly order: string
  readonly limit: string
}

function page(kind: keyof typeof eventColumns, shape: PageShape): Statement {
  const name = `${kind}-${shape.name}`
  return shaped(selectEvents.replaceAll(':columns', eventColumns[kind]), { ...shape, name })
}

function shaped(sql: string, { name, where, order, limit }: PageShape): Statement {
  const text = sql
    .replaceAll(':where', where)
    .replaceAll(':order', order)
    .replaceAll(':limit', limit)
    .replaceAll(':bytes', String(pageBytesMax))
  return { name, text }
}

// A page may end with one row beyond its bound, unless that is its only one.
function pageOf<Event>(rows: readonly Row[], limit: number, eventOf: (row: Row) => Event): ReadEvents<Event> {
  const isFull = bytesThrough(rows.at(-1) ?? []) > pageBytesMax
  const inPage = isFull && rows.length > 1 ? rows.slice(0, -1) : rows
  return { events: inPage.map(eventOf), isWhole: !isFull && rows.length < limit }
}

function placeIn({ epoch }: LogIdentity, row: Row | undefined, position: number): LogPlace {
  // Stored positions are whole numbers.
  if (row === undefined) return { epoch, position: position as Position, eventId: '' }
  return { epoch, position: numberAt(row, 0) as Position, eventId: textAt(row, 1) }
}
