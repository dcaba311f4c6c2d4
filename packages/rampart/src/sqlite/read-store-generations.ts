// The collections of a projection beside each other in a SQLite read store: which is live, how two differ,
// and how one is forgotten.
import type { DatabaseSync } from 'node:sqlite'
import { RampartError } from '../core/index.ts'
import type { CollectionState, LogKey, ReadStore } from '../core/ports/index.ts'
import { columnsIn, placeOf } from '../core/rows/index.ts'
import { collectionSql } from './read-store-tables.ts'

/** Names a collection among those of its projection. */
export type CollectionName = Pick<CollectionState, 'version' | 'generation'>
/** Two collections of one projection. */
export type CollectionPair = Parameters<ReadStore['compare']>[0]
/** How two collections differ. */
export type Comparison = Awaited<ReturnType<ReadStore['compare']>>

const ofProjection = 'WHERE log = ? AND name = ?'
const sampleMax = 20

interface Found {
  readonly number: number
  readonly isLive: boolean
  readonly position: number
}

function find(database: DatabaseSync, log: LogKey, name: string) {
  const statement = database.prepare(
    `SELECT number, is_live, position FROM collections ${ofProjection} AND version = ? AND generation = ?`,
  )
  return ({ version, generation }: CollectionName): Found | undefined => {
    const row = statement.get(log, name, version, generation)
    if (row === undefined) return undefined
    return {
      number: Number(row['number']),
      isLive: row['is_live'] === 1,
      position: Number(row['position']),
    }
  }
}

function numbersOf(database: DatabaseSync, { log, name, live, other }: CollectionPair) {
  const finder = find(database, log, name)
  const pair = [finder(live), finder(other)] as const
  const [first, second] = pair
  if (first !== undefined && second !== undefined) return { first, second }
  const message = `The projection ${name} does not have both collections any more. Look at them again.`
  throw new RampartError('STORE_UNAVAILABLE', message)
}

/** Makes the other collection live, within a transaction. Throws `STORE_UNAVAILABLE` when it may not be. */
export function switchLive(database: DatabaseSync, pair: CollectionPair, tag: string): number {
  const { first, second } = numbersOf(database, pair)
  if (!first.isLive || second.position < first.position) {
    const message =
      `The projection ${pair.name} cannot be switched: its live documents contain position ` +
      `${first.position}, the others ${second.position}. Let them catch up.`
    throw new RampartError('STORE_UNAVAILABLE', message)
  }
  database.prepare('UPDATE collections SET is_live = 0 WHERE number = ?').run(first.number)
  database.prepare('UPDATE collections SET is_live = 1, tag = ? WHERE number = ?').run(tag, second.number)
  return second.number
}

/** Compares two collections key by key, without holding more than a sample of the differences. */
export function compareCollections(database: DatabaseSync, pair: CollectionPair): Comparison {
  const { first, second } = numbersOf(database, pair)
  const count = (number: number): number => {
    const sql = `SELECT count(*) AS documents FROM documents_${number} WHERE data IS NOT NULL`
    return Number(database.prepare(sql).get()?.['documents'])
  }
  const sql = collectionSql('compare-collections', first.number, { other: String(second.number) })
  const sample: string[] = []
  let differing = 0
  let isSame = true
  const statement = database.prepare(sql)
  statement.setReturnArrays(true)
  // Statements that return arrays are typed as if they returned objects.
  for (const [key, differs] of statement.iterate() as unknown as Iterable<readonly unknown[]>) {
    isSame = false
    if (differs !== 1) continue
    differing += 1
    if (sample.length < sampleMax) sample.push(String(key))
  }
  return { documents: [count(first.number), count(second.number)], differing, sample, isSame }
}

/** Forgets a collection that is not live, within a transaction. */
export function dropCollection(
  database: DatabaseSync,
  {
    log,
    name,
    collection,
  }: { readonly log: LogKey; readonly name: string; readonly collection: CollectionName },
): number {
  const found = find(database, log, name)(collection)
  if (found === undefined) return 0
  const { number } = found
  if (found.isLive) {
    const message = `The documents of ${name} that readers get cannot be dropped. Switch to others first.`
    throw new RampartError('STORE_UNAVAILABLE', message)
  }
  dropTables(database, number)
  return number
}

/** Forgets all collections of a projection, the live one too, within a transaction. */
export function dropAll(database: DatabaseSync, log: LogKey, name: string): void {
  const rows = database.prepare(`SELECT number FROM collections ${ofProjection}`).all(log, name)
  for (const { number } of rows) dropTables(database, Number(number))
}

function dropTables(database: DatabaseSync, number: number): void {
  database.exec(`DROP TABLE documents_${number}`)
  database.exec(`DROP TABLE IF EXISTS words_${number}`)
  for (const table of ['quarantined_keys', 'queued_events', 'skipped_events']) {
    database.prepare(`DELETE FROM ${table} WHERE collection = ?`).run(number)
  }
  database.prepare('DELETE FROM collections WHERE number = ?').run(number)
}

/** The query for the projections of a log that have collections. */
export const projectionNames = 'SELECT DISTINCT name FROM collections WHERE log = ?'

/** The query for the collections of a projection, and what its rows mean. */
export const collectionStates = {
  sql:
    'SELECT epoch, position, event_id, version, generation, is_live, tag, shape FROM collections ' +
    `${ofProjection} ORDER BY version, generation`,
  /** The same in no order, with the number of the collection at the end, for conditions of one's own. */
  numbers:
    'SELECT epoch, position, event_id, version, generation, is_live, tag, shape, number FROM collections ' +
    ofProjection,
  stateOf(row: readonly unknown[], log: LogKey, name: string): CollectionState {
    const [version, generation, isLive, tag, shape] = row.slice(3)
    return {
      version: Number(version),
      generation: Number(generation),
      shape: { log, name, version: Number(version), ...columnsIn(String(shape)) },
      checkpoint: placeOf(row),
      isLive: isLive === 1,
      tag: typeof tag === 'string' ? tag : null,
    }
  },
}
