// Reads events as folds take them: one scan of the few columns that they need, with the payloads as text.
//
// A text costs the driver a fraction of what bytes cost, and needs no decoding afterwards. So that a page of
// large payloads keeps its bound, each may be as large as its share of the page; a larger one is read by
// itself, once the page is known to have room for it.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { pageBytesMax, type StreamStretch } from '../core/checks/index.ts'
import type { FoldRecord, StreamFoldRecord, StreamVersion } from '../core/codec/index.ts'
import { readSql } from './database.ts'
import type { Page } from './event-page.ts'
import { positionOf } from './places.ts'
import { createNames } from './record-decoder.ts'
import { numberAt, prepareQuery, textAt, textOrNullAt, type Query, type Row } from './rows.ts'

/** Reads pages for folds. */
export interface FoldReader {
  /** The events of one stretch of a log; `where` and `bounds` are those of the log's other reads. */
  readonly readLog: (where: string, bounds: readonly SQLInputValue[], limit: number) => Page<FoldRecord>
  /** The events of one stretch of a stream. */
  readonly readStream: (stream: number, stretch: StreamStretch) => Page<StreamFoldRecord>
}

/** Prepares the reader on a connection. */
export function createFoldReader(database: DatabaseSync): FoldReader {
  const large = createLargeReader(database)
  const names = createNames(database)
  return {
    readLog: createLogReader(database, large, names),
    readStream: createStreamReader(database, large, names),
  }
}

function createLogReader(database: DatabaseSync, large: LargeReader, names: Names): FoldReader['readLog'] {
  const toRecord = createFoldDecoder(names, large)
  const select = readSql('select-to-fold')
  const queries = new Map<string, Query>()
  return (where, bounds, limit) => {
    const query = queries.get(where) ?? prepareQuery(database, `${select} ${where} ORDER BY place LIMIT ?`)
    queries.set(where, query)
    return pageOf(query.all(Math.floor(pageBytesMax / limit), ...bounds, limit), { limit, large, toRecord })
  }
}

function createStreamReader(
  database: DatabaseSync,
  large: LargeReader,
  { typeOf }: Names,
): FoldReader['readStream'] {
  const select = readSql('select-stream-to-fold')
  const forward = prepareQuery(database, `${select} ORDER BY version LIMIT ?`)
  const backward = prepareQuery(database, `${select} ORDER BY version DESC LIMIT ?`)
  const toRecord = (row: Row): StreamFoldRecord => ({
    // Stored versions are whole numbers.
    version: numberAt(row, 1) as StreamVersion,
    type: typeOf(numberAt(row, 2)),
    schemaVersion: numberAt(row, 3),
    text: textIn(row, large),
  })
  return (stream, { lowest, highest, isForward, limit }) => {
    const query = isForward ? forward : backward
    const found = query.all(Math.floor(pageBytesMax / limit), stream, lowest, highest, limit)
    return pageOf(found, { limit, large, toRecord })
  }
}

type Names = ReturnType<typeof createNames>

interface PageParts<Event> {
  readonly limit: number
  readonly large: LargeReader
  readonly toRecord: (row: Row) => Event
}

function pageOf<Event>(found: readonly Row[], { limit, large, toRecord }: PageParts<Event>): Page<Event> {
  const room = roomFor(found, large)
  const events = (room < found.length ? found.slice(0, room) : found).map(toRecord)
  return { events, isWhole: found.length < limit && room === found.length }
}

// The first column of a row is the place of its event, the last one its text.
function textIn(row: Row, large: LargeReader): string {
  return textOrNullAt(row, row.length - 1) ?? large.text(numberAt(row, 0))
}

/** What is left out of a page at first, by place. */
interface LargeReader {
  readonly text: (place: number) => string
  readonly bytes: (place: number) => number
}

function createLargeReader(database: DatabaseSync): LargeReader {
  const find = prepareQuery(database, 'SELECT CAST(payload AS TEXT) FROM events WHERE place = ?')
  const measure = prepareQuery(database, 'SELECT length(payload) FROM events WHERE place = ?')
  return {
    text: (place) => textAt(find.get(place) ?? [], 0),
    bytes: (place) => numberAt(measure.get(place) ?? [], 0),
  }
}

/** How many of the rows have room in one page; the first one always has. */
function roomFor(rows: readonly Row[], large: LargeReader): number {
  if (rows.every((row) => row.at(-1) !== null)) return rows.length
  let bytes = 0
  const end = rows.findIndex((row, index) => {
    const text = textOrNullAt(row, row.length - 1)
    bytes += text === null ? large.bytes(numberAt(row, 0)) : Buffer.byteLength(text)
    return bytes > pageBytesMax && index > 0
  })
  return end === -1 ? rows.length : end
}

function createFoldDecoder({ typeOf, streamOf }: Names, large: LargeReader): (row: Row) => FoldRecord {
  return (row) => {
    const stream = streamOf(numberAt(row, 1))
    return {
      position: positionOf(numberAt(row, 0)),
      decider: stream.decider,
      streamId: stream.id,
      // Stored versions are whole numbers.
      version: numberAt(row, 2) as StreamVersion,
      type: typeOf(numberAt(row, 3)),
      schemaVersion: numberAt(row, 4),
      appendId: textAt(row, 5),
      appendIndex: numberAt(row, 6),
      recordedAtMs: numberAt(row, 7),
      text: textIn(row, large),
    }
  }
}
