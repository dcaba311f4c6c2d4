// The collections of documents that commit with events, as the writer opens, builds and keeps them. Their
// tables are those of a read store, in a schema of their own.
//
// Each process holds a shared lock per collection that it keeps, for as long as its connection lives:
// while anybody holds it, no process can append events without the documents (`settle_kept`).
import type { Client } from 'pg'
import { RampartError } from '../core/index.ts'
import type { DocumentBuild, LogIdentity } from '../core/group-commit/index.ts'
import type { AppendRequest, CollectionShape, StoredDocument } from '../core/ports/index.ts'
import { type Columns, columnsOf, requireSameColumns } from '../core/rows/index.ts'
import { holdAppends, letAppend, type HoldState } from './append-hold.ts'
import { bigints, integers, texts } from './binary-array.ts'
import { inTransaction, run, sqlState, type Statement } from './database.ts'
import { cellsText, collectionSql, createKeptSql } from './read-store-tables.ts'
import { numberAt, textAt } from './rows.ts'

/** A collection that is open for writing. */
export interface OpenCollection {
  readonly number: number
  readonly log: number
  readonly shape: CollectionShape
  readonly columns: Columns
  isKept: boolean
}

/** The open collections of a writer, by number. */
export type Collections = Map<number, OpenCollection>

const schema = 'rampart_documents'
const lockCollections = 'SELECT pg_advisory_xact_lock(1380012368, -3)'
const keeperLock: Statement = { name: 'lock-kept', text: 'SELECT pg_advisory_lock_shared(1380012369, $1)' }
const keeperEnd: Statement = { name: 'unlock-kept', text: 'SELECT pg_advisory_unlock_shared(1380012369, $1)' }
const keepStatement: Statement = {
  name: 'keep-collection',
  text: 'SELECT rampart_documents.keep_collection($1, $2)',
}

/** Opens a collection of a log, and creates it when it is not there. */
export async function openCollection(
  client: Client,
  collections: Collections,
  { log, shape }: { readonly log: LogIdentity; readonly shape: CollectionShape },
): Promise<{ readonly number: number }> {
  const columns = columnsOf(shape)
  const number = await inTransaction(client, async () => {
    await client.query(lockCollections)
    return (await find(client, log, shape)) ?? (await create(client, log, shape))
  })
  const open = { number, log: log.number, shape, columns, isKept: false }
  if (!collections.has(number)) collections.set(number, open)
  return { number }
}

const findStatement: Statement = {
  name: 'find-kept-collection',
  text: `SELECT number, shape FROM rampart_documents.collections
    WHERE log = $1 AND name = $2 AND version = $3`,
}

async function find(client: Client, log: LogIdentity, shape: CollectionShape): Promise<number | undefined> {
  const [row] = await run(client, findStatement, [log.number, shape.name, shape.version])
  if (row === undefined) return undefined
  requireSameColumns(shape, textAt(row, 1))
  return numberAt(row, 0)
}

const insertStatement: Statement = {
  name: 'insert-kept-collection',
  text: `INSERT INTO rampart_documents.collections (log, name, version, shape, epoch, position, event_id)
    VALUES ($1, $2, $3, $4, $5, 0, '') RETURNING number`,
}

async function create(client: Client, log: LogIdentity, shape: CollectionShape): Promise<number> {
  const columns = columnsOf(shape)
  const values = [log.number, shape.name, shape.version, JSON.stringify(columns), log.epoch]
  const [row = []] = await run(client, insertStatement, values)
  const number = numberAt(row, 0)
  await client.query(createKeptSql(number, columns))
  return number
}

/** Stores documents of earlier events with the checkpoint that they lead to. */
export async function buildDocuments(
  client: Client,
  collections: Collections,
  { number, ...batch }: DocumentBuild,
): Promise<null> {
  const collection = openOf(collections, number)
  const { name } = collection.shape
  if (collection.isKept) {
    const message = `The documents of ${name} are kept with their events. Append events to change them.`
    throw new RampartError('INPUT_INVALID', message)
  }
  const { from, to, documents } = batch
  const ends = [to.epoch, to.position, to.eventId, from.epoch, from.position, from.eventId]
  const statement = {
    name: `build-documents-${number}`,
    text: collectionSql('build-documents', { schema, number }),
  }
  const [row = []] = await run(client, statement, [number, ...ends, ...cellsOf(collection, documents)])
  if (numberAt(row, 0) === 1) return null
  const message =
    `The checkpoint of ${name} is not at ${from.position} where this batch begins: another process has ` +
    'moved it, or keeps the documents by now. Look where it is.'
  throw new RampartError('STORE_UNAVAILABLE', message)
}

function cellsOf(
  { number, columns }: OpenCollection,
  documents: readonly StoredDocument[],
): readonly Buffer[] {
  // One statement cannot write a row twice.
  const rows = [...new Map(documents.map((document) => [document.key, document])).values()]
  return [
    integers(rows.map(() => number)),
    texts(rows.map(({ key }) => key)),
    bigints(rows.map(({ version }) => version)),
    bigints(rows.map(({ position }) => position)),
    texts(rows.map(({ data }) => (data === null ? null : JSON.stringify(data)))),
    texts(rows.map(({ data }) => cellsText(columns, data))),
  ]
}

/** From now on the documents of a collection change with events only; other versions are forgotten. */
export async function keepCollection(
  state: HoldState & { readonly collections: Collections },
  client: Client,
  number: number,
): Promise<null> {
  const { collections } = state
  const collection = openOf(collections, number)
  if (collection.isKept) return null
  const { log, shape } = collection
  await run(client, keeperLock, [number])
  try {
    const [row = []] = await run(client, keepStatement, [log, number])
    const answer = numberAt(row, 0)
    // What is missing can be built before anything else is recorded.
    if (answer === behindHead) await holdAppends(state, client, log)
    else await letAppend(state, log)
    requireKept(shape, answer)
    collection.isKept = true
  } finally {
    // A connection that is lost holds no lock any more.
    if (!collection.isKept) await run(client, keeperEnd, [number]).catch(() => undefined)
  }
  await forgetOthers(client, collections, collection)
  return null
}

const behindHead = 1

function requireKept({ name }: CollectionShape, answer: number): void {
  if (answer === 0) return
  const what =
    answer === 2
      ? 'are gone: another process keeps another version of them. Start this process again.'
      : 'do not contain the log up to its head. Build the rest before they are kept.'
  throw new RampartError('STORE_UNAVAILABLE', `The documents of ${name} ${what}`)
}

const listOthers: Statement = {
  name: 'list-other-collections',
  text: `SELECT number FROM rampart_documents.collections
    WHERE log = $1 AND name = $2 AND number <> $3 AND NOT is_kept`,
}

async function forgetOthers(
  client: Client,
  collections: Collections,
  { number, log, shape }: OpenCollection,
): Promise<void> {
  try {
    await inTransaction(client, async () => {
      await client.query(lockCollections)
      const others = await run(client, listOthers, [log, shape.name, number])
      // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
      for (const row of others) await drop(client, collections, numberAt(row, 0))
    })
  } catch (error) {
    // Somebody reads them for long, as a copy of the database does: the next start tries again.
    if (sqlState(error) !== '55P03') throw error
  }
}

async function drop(client: Client, collections: Collections, number: number): Promise<void> {
  const other = collections.get(number)
  if (other?.isKept === true) await run(client, keeperEnd, [number])
  collections.delete(number)
  await client.query(collectionSql('drop-kept-collection', { schema, number }))
}

/** Takes the locks of everything that is kept, over a connection that takes the place of another one. */
export async function holdKept(client: Client, collections: Collections): Promise<void> {
  for (const { number, isKept } of collections.values()) {
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    if (isKept) await run(client, keeperLock, [number])
  }
}

/** The collections that this process keeps with a log, in their order. */
export function keptOf(collections: Collections, log: number): readonly OpenCollection[] {
  const kept = [...collections.values()].filter((one) => one.isKept && one.log === log)
  return kept.toSorted((one, other) => one.number - other.number)
}

/** Why the documents of an append cannot be meant; `undefined` when they can. */
export function documentFault(
  collections: Collections,
  log: number,
  { writes, documents }: AppendRequest,
): RampartError | undefined {
  if (documents !== undefined) {
    const foreign = documents.find(({ collection }) => collections.get(collection)?.log !== log)
    if (foreign === undefined) return undefined
    const message = `The log has no collection ${foreign.collection}. Open it first.`
    return new RampartError('INPUT_INVALID', message)
  }
  if (collections.size === 0) return undefined
  const [silent] = keptOf(collections, log)
  if (silent === undefined || writes.every(({ events }) => events.length === 0)) return undefined
  const message =
    `The documents of ${silent.shape.name} commit with events, and an append of events said nothing about ` +
    'documents. Send a command instead.'
  return new RampartError('INPUT_INVALID', message)
}

/** What it means that `settle_kept` answered with a number. */
export function unsettled(collections: Collections, answer: number): RampartError {
  if (answer > 0) {
    const message =
      `Another process keeps documents with the events of this log (collection ${answer}), and this one ` +
      'runs an app that knows nothing of them. Stop this process, or start it with the same app.'
    return new RampartError('STORE_UNAVAILABLE', message)
  }
  const name = collections.get(-answer)?.shape.name ?? `collection ${-answer}`
  const message =
    `The documents of ${name} are not kept any more: another process keeps another version of them, or has ` +
    'recorded events without them. Start this process again.'
  return new RampartError('STORE_UNAVAILABLE', message)
}

function openOf(collections: Collections, number: number): OpenCollection {
  const open = collections.get(number)
  if (open !== undefined) return open
  throw new RampartError('INPUT_INVALID', `The collection ${number} is not open. Open it first.`)
}
