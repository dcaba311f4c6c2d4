// The writing side of a SQLite read store: collections and batches, in a worker thread or in the caller's.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { RampartError } from '../core/index.ts'
import type { CollectionShape, LogKey, LogPlace, QuarantineChange } from '../core/ports/index.ts'
import { columnsIn, placeOf } from '../core/rows/index.ts'
import { migrate, openDatabase, readSql, storeFault } from './database.ts'
import {
  compareCollections,
  dropAll,
  dropCollection,
  switchLive,
  type CollectionName,
  type CollectionPair,
  type Comparison,
} from './read-store-generations.ts'
import { createQuarantineWriter, type QuarantineWriter } from './read-store-quarantine.ts'
import { prepareRows, writeRows, type CollectionWriter } from './read-store-rows.ts'
import { openTables, readStoreSchema, type Cell } from './read-store-tables.ts'
import type { Service } from './worker-main.ts'

/** What the writer of a read store does. */
export type WriterRequest =
  | {
      /** `anew` forgets all other collections of the projection first. */
      readonly kind: 'open' | 'anew'
      readonly shape: CollectionShape
      readonly epoch: string
      readonly generation: number
    }
  | { readonly kind: 'switch'; readonly pair: CollectionPair; readonly tag: string }
  | { readonly kind: 'compare'; readonly pair: CollectionPair }
  | {
      readonly kind: 'drop'
      readonly log: LogKey
      readonly name: string
      readonly collection: CollectionName
    }
  | { readonly kind: 'forget'; readonly log: LogKey; readonly name: string }
  | {
      readonly kind: 'commit'
      readonly number: number
      readonly from: LogPlace
      readonly to: LogPlace
      /**
       * Rows of documents, one after the other: one long list crosses threads faster than many short ones.
       */
      readonly cells: readonly Cell[]
      readonly quarantine: readonly QuarantineChange[]
    }

/** The number of the collection, or how two of them differ. */
export type WriterReply = number | Comparison

type CommitOf<Request> = Extract<Request, { readonly kind: 'commit' }>

/** The service of a worker thread that writes the given file. */
export function serve(file: string): Service<null, WriterRequest, WriterReply> {
  const database = openReadStoreDatabase(file)
  const handle = createWriter(database, file)
  return { ready: null, handle, close: () => database.close() }
}

/** Opens the file for writing, and brings its schema up to date. */
export function openReadStoreDatabase(file: string): DatabaseSync {
  const database = openDatabase({ file, synchronous: 'NORMAL', busyTimeoutMs: 5000 })
  try {
    migrate(database, file, readStoreSchema)
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/** The writer over an open database. Each request is one transaction. */
export function createWriter(database: DatabaseSync, file: string): (request: WriterRequest) => WriterReply {
  const collections = new Map<number, CollectionWriter>()
  const collectionOf = preparedIn(database, collections)
  const moveCheckpoint = database.prepare(readSql('move-checkpoint'))
  const quarantine = createQuarantineWriter(database)
  const perform = (request: WriterRequest): WriterReply => {
    switch (request.kind) {
      case 'anew':
      case 'open': {
        if (request.kind === 'anew') dropAll(database, request.shape.log, request.shape.name)
        const number = openTables(database, request.shape, request)
        if (!collections.has(number)) collections.set(number, prepareRows(database, number, request.shape))
        return number
      }
      case 'commit':
        commit({ database, moveCheckpoint, quarantine, collection: collectionOf(request.number) }, request)
        return request.number
      case 'switch':
        return switchLive(database, request.pair, request.tag)
      case 'compare':
        return compareCollections(database, request.pair)
      case 'drop':
        return dropCollection(database, request)
      case 'forget':
        dropAll(database, request.log, request.name)
        return 0
    }
  }
  return (request) => {
    try {
      database.exec('BEGIN IMMEDIATE')
      const reply = perform(request)
      database.exec('COMMIT')
      return reply
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw storeFault(error, file)
    }
  }
}

// A writer that takes the place of another one meets collections that were opened with that.
function preparedIn(database: DatabaseSync, collections: Map<number, CollectionWriter>) {
  const findShape = database.prepare('SELECT shape FROM collections WHERE number = ?')
  return (number: number): CollectionWriter | undefined => {
    const known = collections.get(number)
    const row = known === undefined ? findShape.get(number) : undefined
    if (row === undefined) return known
    const prepared = prepareRows(database, number, columnsIn(String(row['shape'])))
    collections.set(number, prepared)
    return prepared
  }
}

interface Commit {
  readonly database: DatabaseSync
  readonly moveCheckpoint: StatementSync
  readonly quarantine: QuarantineWriter
  readonly collection: CollectionWriter | undefined
}

function commit(
  { database, moveCheckpoint, quarantine, collection }: Commit,
  { number, from, to, cells, quarantine: treated }: CommitOf<WriterRequest>,
): void {
  if (collection === undefined) throw new RampartError('INTERNAL', `Collection ${number} is not open.`)
  const { changes } = moveCheckpoint.run(
    to.epoch,
    to.position,
    to.eventId,
    number,
    from.epoch,
    from.position,
    from.eventId,
  )
  if (Number(changes) !== 1) throw movedCheckpoint(database, number, from)
  writeRows(collection, cells)
  quarantine(number, treated)
}

function movedCheckpoint(database: DatabaseSync, number: number, from: LogPlace): RampartError {
  const find = database.prepare('SELECT epoch, position, event_id, name FROM collections WHERE number = ?')
  const row = Object.values(find.get(number) ?? {})
  const message =
    `The checkpoint of ${String(row[3])} is at position ${placeOf(row).position}, not at ${from.position} ` +
    'where this batch begins: another process has moved it. Continue from there.'
  return new RampartError('STORE_UNAVAILABLE', message)
}
