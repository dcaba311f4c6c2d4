// Reads events as folds take them: one scan of the few columns that they need, with the payloads as text.
//
// A text costs the driver a fraction of what bytes cost, and needs no decoding afterwards. So that a page of
// large payloads keeps its bound, each may be as large as its share of the page; a larger one is read by
// itself, once the page is known to have room for it.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { FoldRecord, StreamVersion } from '../core/codec/index.ts'
import { pageBytesMax } from '../core/checks/index.ts'
import { readSql } from './database.ts'
import type { Page } from './event-page.ts'
import { positionOf } from './places.ts'
import { createNames } from './record-decoder.ts'
import { numberAt, prepareQuery, textAt, textOrNullAt, type Query, type Row } from './rows.ts'

/** Reads the events of one stretch of a log; `where` and `bounds` are those of the log's other reads. */
export type FoldReader = (where: string, bounds: readonly SQLInputValue[], limit: number) => Page<FoldRecord>

const textColumn = 8

/** Prepares the reader on a connection. */
export function createFoldReader(database: DatabaseSync): FoldReader {
  const large = createLargeReader(database)
  const toRecord = createFoldDecoder(database, large)
  const select = readSql('select-to-fold')
  const queries = new Map<string, Query>()
  return (where, bounds, limit) => {
    const query = queries.get(where) ?? prepareQuery(database, `${select} ${where} ORDER BY place LIMIT ?`)
    queries.set(where, query)
    const found = query.all(Math.floor(pageBytesMax / limit), ...bounds, limit)
    const room = roomFor(found, large)
    const events = (room < found.length ? found.slice(0, room) : found).map(toRecord)
    return { events, isWhole: found.length < limit && room === found.length }
  }
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
  if (rows.every((row) => row[textColumn] !== null)) return rows.length
  let bytes = 0
  const end = rows.findIndex((row, index) => {
    const text = textOrNullAt(row, textColumn)
    bytes += text === null ? large.bytes(numberAt(row, 0)) : Buffer.byteLength(text)
    return bytes > pageBytesMax && index > 0
  })
  return end === -1 ? rows.length : end
}

function createFoldDecoder(database: DatabaseSync, large: LargeReader): (row: Row) => FoldRecord {
  const { typeOf, streamOf } = createNames(database)
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
      text: textOrNullAt(row, textColumn) ?? large.text(numberAt(row, 0)),
    }
  }
}
