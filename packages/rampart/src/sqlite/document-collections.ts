// The collections of documents that commit with events, as the writer of a store file opens, builds and keeps
// them. Their tables are those of a read store.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isRampartError, type ErrorCode } from '../core/index.ts'
import type { DocumentBuild, Failure } from '../core/group-commit/index.ts'
import type { CollectionShape, LogPlace } from '../core/ports/index.ts'
import { type Columns, columnsOf, placeOf } from '../core/rows/index.ts'
import { readSql } from './database.ts'
import { createGenerations, type Generations } from './generations.ts'
import { headOf, type LogHead } from './log-head.ts'
import { collectionStates, dropCollection } from './read-store-generations.ts'
import { prepareRows, writeRows, type CollectionWriter } from './read-store-rows.ts'
import { openTables, rowOf } from './read-store-tables.ts'
import { prepareQuery, type Query } from './rows.ts'

/** What the writer knows of a document. */
export interface DocumentHead {
  position: number
  /** The ticket of the append that changed it last; absent when it had none or is not remembered. */
  ticket: string | undefined
}

/** A collection that is open for writing. */
export interface OpenCollection {
  readonly number: number
  readonly log: number
  readonly shape: CollectionShape
  readonly columns: Columns
  readonly rows: CollectionWriter
  readonly findPosition: Query
  isKept: boolean
  /** The position of the stored checkpoint. */
  position: number
  epoch: string
}

/** The open collections of a store file. */
export interface Collections {
  readonly database: DatabaseSync
  readonly open: Map<number, OpenCollection>
  /** Documents that were written or looked up last, by collection and key. */
  readonly heads: Generations<string, DocumentHead>
  readonly moveKept: StatementSync
}

const headsCached = 50_000

/** No collections yet. */
export function createCollections(database: DatabaseSync): Collections {
  const moveKept = database.prepare(
    'UPDATE collections SET epoch = ?, position = ?, event_id = ? WHERE number = ?',
  )
  return { database, open: new Map(), heads: createGenerations(headsCached), moveKept }
}

/** Opens a collection of a log, and creates it when it is not there. */
export function openCollection(
  { database, open }: Collections,
  log: LogHead,
  shape: CollectionShape,
): { readonly number: number } | Failure {
  try {
    const number = openTables(database, shape, { epoch: log.epoch, generation: 1 })
    if (!open.has(number)) open.set(number, prepareCollection(database, log.number, { number, shape }))
    return { number }
  } catch (fault) {
    if (!isRampartError(fault)) throw fault
    return failure(fault.code, fault.message)
  }
}

function prepareCollection(
  database: DatabaseSync,
  log: number,
  { number, shape }: Pick<OpenCollection, 'number' | 'shape'>,
): OpenCollection {
  const place = placeIn(database, number)
  return {
    number,
    log,
    shape,
    columns: columnsOf(shape),
    rows: prepareRows(database, number, shape),
    findPosition: prepareQuery(database, `SELECT position FROM documents_${number} WHERE key = ?`),
    isKept: false,
    position: place?.position ?? 0,
    epoch: place?.epoch ?? '',
  }
}

/** Stores documents of earlier events with the checkpoint that they lead to. */
export function buildDocuments(
  { database, open, heads }: Collections,
  { number, from, to, documents }: DocumentBuild,
): null | Failure {
  const collection = open.get(number)
  if (collection === undefined) return notOpen(number)
  const { name } = collection.shape
  if (collection.isKept) {
    const message = `The documents of ${name} are kept with their events. Append events to change them.`
    return failure('INPUT_INVALID', message)
  }
  const { changes } = database
    .prepare(readSql('move-checkpoint'))
    .run(to.epoch, to.position, to.eventId, number, from.epoch, from.position, from.eventId)
  if (Number(changes) !== 1) {
    const message =
      `The checkpoint of ${name} is at position ${placeIn(database, number)?.position}, not at ` +
      `${from.position} where this batch begins. Continue from there.`
    return failure('STORE_UNAVAILABLE', message)
  }
  for (const document of documents) writeRows(collection.rows, rowOf(collection.columns, document))
  heads.clear()
  collection.position = to.position
  collection.epoch = to.epoch
  return null
}

/** From now on the documents of a collection change with events only; other versions are forgotten. */
export function keepCollection(collections: Collections, log: LogHead, number: number): null | Failure {
  const { database, open } = collections
  const collection = open.get(number)
  if (collection === undefined) return notOpen(number)
  const place = placeIn(database, number)
  const head = headOf(log)
  if (place === undefined || !isSame(place, head)) {
    const message =
      `The documents of ${collection.shape.name} contain the log up to position ${place?.position}, and ` +
      `its head is at ${head.position}. Build the rest before they are kept.`
    return failure('STORE_UNAVAILABLE', message)
  }
  dropOthers(collections, collection)
  collection.isKept = true
  return null
}

function dropOthers({ database, open }: Collections, { number, shape }: OpenCollection): void {
  const { log, name } = shape
  const of = 'WHERE log = ? AND name = ?'
  database
    .prepare(`UPDATE collections SET is_live = 0, tag = NULL ${of} AND number <> ?`)
    .run(log, name, number)
  database.prepare('UPDATE collections SET is_live = 1, tag = version WHERE number = ?').run(number)
  for (const row of prepareQuery(database, collectionStates.sql).all(log, name)) {
    const state = collectionStates.stateOf(row, log, name)
    if (!state.isLive) open.delete(dropCollection(database, { log, name, collection: state }))
  }
}

/** Moves the checkpoints of kept collections to the heads of their logs, at the end of a batch. */
export function moveKept(collections: Collections, logs: ReadonlyMap<number, LogHead>): void {
  for (const collection of collections.open.values()) {
    const log = logs.get(collection.log)
    if (!collection.isKept || log === undefined) continue
    if (log.position === collection.position && log.epoch === collection.epoch) continue
    collections.moveKept.run(log.epoch, log.position, log.eventId, collection.number)
    collection.position = log.position
    collection.epoch = log.epoch
  }
}

/** Reads again what a batch may have advanced, once it is undone and the logs stand where they are. */
export function readCollectionsAgain(
  { database, open, heads }: Collections,
  logs: ReadonlyMap<number, LogHead>,
): void {
  heads.clear()
  for (const collection of open.values()) {
    const place = placeIn(database, collection.number)
    if (place === undefined) open.delete(collection.number)
    collection.position = place?.position ?? 0
    collection.epoch = place?.epoch ?? ''
    collection.isKept &&= collection.position === logs.get(collection.log)?.position
  }
}

function placeIn(database: DatabaseSync, number: number): LogPlace | undefined {
  const find = prepareQuery(database, 'SELECT epoch, position, event_id FROM collections WHERE number = ?')
  const row = find.get(number)
  return row === undefined ? undefined : placeOf(row)
}

function isSame(one: LogPlace, other: LogPlace): boolean {
  return one.position === other.position && one.epoch === other.epoch && one.eventId === other.eventId
}

function notOpen(number: number): Failure {
  return failure('INPUT_INVALID', `The collection ${number} is not open. Open it first.`)
}

function failure(code: ErrorCode, message: string): Failure {
  return { failed: { code, message, effect: 'definite' } }
}
