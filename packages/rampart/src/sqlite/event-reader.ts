// Reads events over a read-only connection: pages of streams and logs, each read in one go.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { StreamStretch } from '../core/checks/index.ts'
import type { FoldRecord, StreamFoldRecord } from '../core/codec/index.ts'
import type { EventFilter, EventRecord, LogPlace } from '../core/ports/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import { readSql } from './database.ts'
import { preparePage, readPage, type Page, type PageQueries } from './event-page.ts'
import { createFoldReader } from './fold-reader.ts'
import { placeOf, positionMax, positionOf } from './places.ts'
import { createPicker } from './picker.ts'
import { createDecoder, type RecordDecoder } from './record-decoder.ts'
import { numberAt, prepareQuery, textAt, type Row } from './rows.ts'

/** A stretch of a log. */
interface Stretch {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly through: number
  readonly limit: number
}

/** A stretch of a log, and the types wanted of it. */
export interface LogRange extends Stretch {
  readonly types: readonly string[] | undefined
}

/** A stretch of a log, and the filters of which one must pick an event. */
export interface PickedRange extends Stretch {
  readonly filters: readonly EventFilter[]
}

/** Events read in one go; `isWhole` is false when more of the range is left. */
export interface ReadEvents {
  readonly events: readonly EventRecord[]
  readonly isWhole: boolean
}

/** Reads over one connection; no cursor outlives a call. */
export interface EventReader {
  /** The number of a stream; `undefined` while it has no events. */
  readonly findStream: (log: LogIdentity, decider: string, id: string) => number | undefined
  readonly readStream: (stream: number, range: StreamStretch) => ReadEvents
  /** The same as folds of the stream read it. */
  readonly readStreamToFold: (stream: number, range: StreamStretch) => Page<StreamFoldRecord>
  readonly readLog: (log: LogIdentity, range: LogRange) => ReadEvents
  readonly readToFold: (log: LogIdentity, range: LogRange) => Page<FoldRecord>
  /** Events by the index of tags, and the position up to which it was examined. */
  readonly readPicked: (log: LogIdentity, range: PickedRange) => ReadEvents & { readonly through: number }
  /** The place at a position that the log has reached; position 0 is before the first. */
  readonly placeAt: (log: LogIdentity, position: number) => LogPlace
  /** The id of the event at a position from 1; `undefined` beyond the head. */
  readonly eventIdAt: (log: LogIdentity, position: number) => string | undefined
  readonly head: (log: LogIdentity) => LogPlace
}

/** Prepares the reader on a connection. */
export function createEventReader(database: DatabaseSync): EventReader {
  const toRecord = createDecoder(database)
  const log = createLogQueries(database)
  const folds = createFoldReader(database)
  return {
    ...createPlaceQueries(database),
    findStream: createStreamFinder(database),
    readStream: createStreamReader(database, toRecord),
    readStreamToFold: folds.readStream,
    readLog: (identity, range) => {
      const types = log.numbersOf(range.types)
      if (types === undefined) return nothing
      return readPage({
        queries: log.queriesOf(types),
        bounds: boundsOf(identity, range, types),
        limit: range.limit,
        boundsOf: (rows) => [numberAt(rows[0] ?? [], 0) - 1, numberAt(rows.at(-1) ?? [], 0), ...types],
        toRecord,
      })
    },
    readToFold: (identity, range) => {
      const types = log.numbersOf(range.types)
      if (types === undefined) return nothing
      return folds.readLog(whereOf(types), boundsOf(identity, range, types), range.limit)
    },
    readPicked: createPickedReader(database, toRecord),
  }
}

const nothing = { events: [], isWhole: true }

/** Numbers of types; none are all types. */
type TypeNumbers = readonly number[]

function whereOf(types: TypeNumbers): string {
  const byType = types.length === 0 ? '' : `AND type IN (${types.map(() => '?').join(', ')})`
  return `WHERE place > ? AND place <= ? ${byType}`
}

function boundsOf(
  { number }: LogIdentity,
  { after, through }: LogRange,
  types: TypeNumbers,
): readonly SQLInputValue[] {
  return [placeOf(number, after), placeOf(number, through), ...types]
}

function createStreamFinder(database: DatabaseSync): EventReader['findStream'] {
  const find = prepareQuery(database, 'SELECT number FROM streams WHERE log = ? AND decider = ? AND id = ?')
  return (log, decider, id) => {
    const row = find.get(log.number, decider, id)
    return row === undefined ? undefined : numberAt(row, 0)
  }
}

function createPlaceQueries(database: DatabaseSync): Pick<EventReader, 'placeAt' | 'eventIdAt' | 'head'> {
  const findHead = prepareQuery(database, readSql('find-head'))
  const findEvent = prepareQuery(database, 'SELECT append_id, append_index FROM events WHERE place = ?')
  const idOf = (event: Row): string => `${textAt(event, 0)}.${numberAt(event, 1)}`
  const toPlace = ({ epoch }: LogIdentity, place: number, event: Row): LogPlace => ({
    epoch,
    position: positionOf(place),
    eventId: event.length === 0 ? '' : idOf(event),
  })
  return {
    placeAt: (log, position) => {
      const place = placeOf(log.number, position)
      return toPlace(log, place, findEvent.get(place) ?? [])
    },
    eventIdAt: (log, position) => {
      // Beyond it begin the places of the next log.
      if (position > positionMax) return undefined
      const event = findEvent.get(placeOf(log.number, position))
      return event === undefined ? undefined : idOf(event)
    },
    head: (log) => {
      const row = findHead.get(placeOf(log.number, 0), placeOf(log.number + 1, 0))
      return row === undefined
        ? toPlace(log, placeOf(log.number, 0), [])
        : toPlace(log, numberAt(row, 0), row.slice(1))
    },
  }
}

function versionAt(row: Row | undefined): number {
  return numberAt(row ?? [], 2)
}

function createStreamReader(database: DatabaseSync, toRecord: RecordDecoder): EventReader['readStream'] {
  const where = 'WHERE stream = ? AND version >= ? AND version <= ?'
  const select = readSql('select-event')
  const inOrder = (order: string): PageQueries => preparePage(database, select, { where, order })
  const [forward, backward] = [inOrder('version'), inOrder('version DESC')]
  return (stream, { lowest, highest, isForward, limit }) =>
    readPage({
      queries: isForward ? forward : backward,
      bounds: [stream, lowest, highest],
      limit,
      boundsOf: (rows) => {
        const versions = [versionAt(rows[0]), versionAt(rows.at(-1))]
        return [stream, Math.min(...versions), Math.max(...versions)]
      },
      toRecord,
    })
}

function createPickedReader(database: DatabaseSync, toRecord: RecordDecoder): EventReader['readPicked'] {
  const pick = createPicker(database)
  const where = 'WHERE place IN (SELECT value FROM json_each(?))'
  const queries = preparePage(database, readSql('select-event'), { where, order: 'place' })
  return (log, range) => {
    const { places, through } = pick(log, range)
    const { events } = readPage({
      queries,
      bounds: [JSON.stringify(places)],
      limit: places.length,
      boundsOf: (rows) => [JSON.stringify(rows.map((row) => numberAt(row, 0)))],
      toRecord,
    })
    return { events, isWhole: events.length === places.length, through }
  }
}

function createLogQueries(database: DatabaseSync) {
  const prepared = new Map<string, PageQueries>()
  const findType = prepareQuery(database, 'SELECT number FROM event_types WHERE name = ?')
  // A type keeps its number for ever.
  const numbers = new Map<string, number>()
  const numberOf = (type: string): number => {
    const number = numbers.get(type) ?? numberAt(findType.get(type) ?? [], 0)
    if (number > 0) numbers.set(type, number)
    return number
  }
  return {
    queriesOf: (types: TypeNumbers): PageQueries => {
      const where = whereOf(types)
      const known = prepared.get(where)
      const queries = known ?? preparePage(database, readSql('select-event'), { where, order: 'place' })
      prepared.set(where, queries)
      return queries
    },
    // Undefined when nothing can match, because no event has any of the types.
    numbersOf: (types: readonly string[] | undefined): TypeNumbers | undefined => {
      if (types === undefined) return []
      const found = [...new Set(types)].map(numberOf).filter((number) => number > 0)
      return found.length === 0 ? undefined : found
    },
  }
}
