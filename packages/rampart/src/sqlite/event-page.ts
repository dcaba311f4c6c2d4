// One page of events in one go, for all that reads events over a connection.
//
// A page takes two statements: one for all columns but the payloads, with their lengths, and one that gives
// all payloads as a single value, because each value of bytes costs the driver more than all other columns of
// a row together. Lengths also tell where a page must end to keep its bound in bytes, before a payload is
// read.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { pageBytesMax } from '../core/checks/index.ts'
import { numberAt, prepareQuery, type Query, type Row } from './rows.ts'

/** The two statements of a page. Both take the same bounds; the first takes a limit after them. */
export interface PageQueries {
  readonly columns: Query
  readonly payloads: Query
}

/** What to read, and what to make of each row and its payload. */
export interface PageRequest<Item> {
  readonly queries: PageQueries
  readonly bounds: readonly SQLInputValue[]
  readonly limit: number
  /** The bounds of exactly these rows. */
  readonly boundsOf: (rows: readonly Row[]) => readonly SQLInputValue[]
  readonly toRecord: (row: Row, payload: Uint8Array) => Item
}

/** Items read in one go; `isWhole` is false when more of the range is left. */
export interface Page<Item> {
  readonly events: readonly Item[]
  readonly isWhole: boolean
}

/** Prepares a page. `select` has the columns of `select-event`, and others after them if need be. */
export function preparePage(
  database: DatabaseSync,
  select: string,
  { where, order }: { readonly where: string; readonly order: string },
): PageQueries {
  // An order inside of group_concat would sort once more; that of the rows below it is kept.
  const rows = `SELECT payload FROM events ${where} ORDER BY ${order}`
  return {
    columns: prepareQuery(database, `${select} ${where} ORDER BY ${order} LIMIT ?`),
    payloads: prepareQuery(database, `SELECT CAST(group_concat(payload, '') AS BLOB) FROM (${rows})`),
  }
}

const lengthColumn = 16

/** Reads a page. */
export function readPage<Item>(request: PageRequest<Item>): Page<Item> {
  const { queries, bounds, limit, boundsOf, toRecord } = request
  const found = queries.columns.all(...bounds, limit)
  const rows = withinBytes(found)
  if (rows.length === 0) return { events: [], isWhole: true }
  const payloads = bytesAt(queries.payloads.get(...boundsOf(rows)))
  const events: Item[] = []
  let offset = 0
  for (const row of rows) {
    const end = offset + numberAt(row, lengthColumn)
    events.push(toRecord(row, payloads.subarray(offset, end)))
    offset = end
  }
  if (offset !== payloads.length) throw new Error('The payloads of a page do not fit its rows.')
  return { events, isWhole: rows.length < limit && rows.length === found.length }
}

function withinBytes(rows: readonly Row[]): readonly Row[] {
  let bytes = 0
  for (let index = 0; index < rows.length; index++) {
    bytes += numberAt(rows[index] ?? [], lengthColumn)
    if (bytes > pageBytesMax && index > 0) return rows.slice(0, index)
  }
  return rows
}

function bytesAt(row: Row | undefined): Uint8Array {
  const value = row?.[0]
  return value instanceof Uint8Array ? value : new Uint8Array()
}
