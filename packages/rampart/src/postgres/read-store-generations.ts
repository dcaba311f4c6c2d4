// The collections of a projection beside each other on PostgreSQL: how one is opened, which is live, how two
// differ, and how one is forgotten. What changes something runs within a transaction of its caller.
import type { Client } from 'pg'
import { RampartError } from '../core/index.ts'
import type { CollectionShape, CollectionState, LogKey, ReadStore } from '../core/ports/index.ts'
import { type Columns, columnsIn, columnsOf, placeOf, requireSameColumns } from '../core/rows/index.ts'
import { run, type RunQuery, type Statement } from './database.ts'
import { collectionSql, createTableSql, type CollectionTable } from './read-store-tables.ts'
import { numberAt, textAt, type Row } from './rows.ts'

type CollectionPair = Parameters<ReadStore['compare']>[0]
type CollectionName = Pick<CollectionState, 'version' | 'generation'>
type Comparison = Awaited<ReturnType<ReadStore['compare']>>

const lockCollections: Statement = {
  name: 'lock-collections',
  text: 'SELECT pg_advisory_xact_lock(1380012368, -2)',
}
const findCollection: Statement = {
  name: 'find-collection',
  text: `SELECT number, shape, is_live, position FROM rampart_read.collections
    WHERE log = $1 AND name = $2 AND version = $3 AND generation = $4`,
}
const insertCollection: Statement = {
  name: 'insert-collection',
  text: `INSERT INTO rampart_read.collections (
      log, name, version, generation, shape, epoch, position, event_id, is_live, tag
    )
    SELECT $1, $2, $3, $4, $5, $6, 0, '', first.is_first,
      CASE WHEN first.is_first THEN $7 END
    FROM (
      SELECT NOT EXISTS (
        SELECT 1 FROM rampart_read.collections WHERE log = $1 AND name = $2
      ) AS is_first
    ) AS first
    RETURNING number`,
}

interface Found {
  readonly number: number
  readonly shape: string
  readonly isLive: boolean
  readonly position: number
}

/** Processes that create, switch or drop collections wait for each other. */
export async function takeCollectionsLock(client: Client): Promise<void> {
  await run(client, lockCollections, [])
}

/**
 * The number of a collection, whose table is created at position 0 of `epoch` when it is not there. Throws
 * `DEFINITION_INVALID` when the same version was built with other indexes or other searchable members.
 */
export async function openCollection(
  client: Client,
  shape: CollectionShape,
  { epoch, generation }: { readonly epoch: string; readonly generation: number },
): Promise<number> {
  const { log, name, version } = shape
  const columns = columnsOf(shape)
  const found = await find(client, { log, name }, { version, generation })
  if (found === undefined) return createCollection(client, shape, { epoch, generation, columns })
  requireSameColumns(shape, found.shape)
  return found.number
}

async function createCollection(
  client: Client,
  { log, name, version }: CollectionShape,
  made: { readonly epoch: string; readonly generation: number; readonly columns: Columns },
): Promise<number> {
  const { epoch, generation, columns } = made
  const tag = generation > 1 ? `${version}.${generation}` : String(version)
  const values = [log, name, version, generation, JSON.stringify(columns), epoch, tag]
  const [row = []] = await run(client, insertCollection, values)
  const number = numberAt(row, 0)
  await client.query(createTableSql({ schema: 'rampart_read', number }, columns))
  return number
}

async function find(
  client: Client,
  { log, name }: { readonly log: LogKey; readonly name: string },
  { version, generation }: CollectionName,
): Promise<Found | undefined> {
  const [row] = await run(client, findCollection, [log, name, version, generation])
  if (row === undefined) return undefined
  return {
    number: numberAt(row, 0),
    shape: textAt(row, 1),
    isLive: textAt(row, 2) === 't',
    position: numberAt(row, 3),
  }
}

async function bothOf(client: Client, pair: CollectionPair) {
  const first = await find(client, pair, pair.live)
  const second = await find(client, pair, pair.other)
  if (first !== undefined && second !== undefined) return { first, second }
  const message = `The projection ${pair.name} does not have both collections any more. Look at them again.`
  throw new RampartError('STORE_UNAVAILABLE', message)
}

/** Makes the other collection live. Throws `STORE_UNAVAILABLE` when it may not be. */
export async function switchLive(client: Client, pair: CollectionPair, tag: string): Promise<void> {
  const { first, second } = await bothOf(client, pair)
  if (!first.isLive || second.position < first.position) {
    const message =
      `The projection ${pair.name} cannot be switched: its live documents contain position ` +
      `${first.position}, the others ${second.position}. Let them catch up.`
    throw new RampartError('STORE_UNAVAILABLE', message)
  }
  const update = 'UPDATE rampart_read.collections SET'
  await client.query(`${update} is_live = false WHERE number = $1`, [first.number])
  await client.query(`${update} is_live = true, tag = $2 WHERE number = $1`, [second.number, tag])
}

function tableOf({ number }: Found): CollectionTable {
  return { schema: 'rampart_read', number }
}

/** Compares two collections key by key. */
export async function compareCollections(client: Client, pair: CollectionPair): Promise<Comparison> {
  const { first, second } = await bothOf(client, pair)
  const text = collectionSql('compare-collections', tableOf(first), { other: String(second.number) })
  const statement = { name: `compare-${first.number}-${second.number}`, text }
  const [row = []] = await run(client, statement, [])
  return {
    documents: [numberAt(row, 0), numberAt(row, 1)],
    differing: numberAt(row, 2),
    sample: JSON.parse(textAt(row, 3)),
    isSame: numberAt(row, 4) === 0,
  }
}

/** Forgets a collection that is not live. */
export async function dropCollection(
  client: Client,
  of: { readonly log: LogKey; readonly name: string },
  collection: CollectionName,
): Promise<void> {
  const found = await find(client, of, collection)
  if (found === undefined) return
  if (found.isLive) {
    const message = `The documents of ${of.name} that readers get cannot be dropped. Switch to others first.`
    throw new RampartError('STORE_UNAVAILABLE', message)
  }
  await dropTables(client, found.number)
}

/** Forgets all collections of a projection, the live one too. */
export async function dropAll(
  client: Client,
  { log, name }: Pick<CollectionShape, 'log' | 'name'>,
): Promise<void> {
  const rows = await run(client, listNumbers, [log, name])
  // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
  for (const row of rows) await dropTables(client, numberAt(row, 0))
}

const listNumbers: Statement = {
  name: 'list-collection-numbers',
  text: 'SELECT number FROM rampart_read.collections WHERE log = $1 AND name = $2',
}

async function dropTables(client: Client, number: number): Promise<void> {
  const perCollection = ['quarantined_keys', 'queued_events', 'skipped_events'].map(
    (table) => `DELETE FROM rampart_read.${table} WHERE collection = ${number};`,
  )
  await client.query(
    `DROP TABLE rampart_read.documents_${number}; ${perCollection.join(' ')}
     DELETE FROM rampart_read.collections WHERE number = ${number}`,
  )
}

const listCollections: Statement = {
  name: 'list-collections',
  text: `SELECT epoch, position, event_id, version, generation, is_live, tag, shape
    FROM rampart_read.collections WHERE log = $1 AND name = $2 ORDER BY version, generation`,
}

/** The collections of a projection, in the order of version and generation. */
export async function collectionStates(
  query: RunQuery,
  log: LogKey,
  name: string,
): Promise<readonly CollectionState[]> {
  return (await query(listCollections, [log, name])).map((row) => stateOf(row, log, name))
}

const listNames: Statement = {
  name: 'list-projection-names',
  text: 'SELECT DISTINCT name FROM rampart_read.collections WHERE log = $1',
}

/** The projections of a log that have collections. */
export async function projectionNames(query: RunQuery, log: LogKey): Promise<readonly string[]> {
  return (await query(listNames, [log])).map((row) => textAt(row, 0))
}

/** A collection by a row of its place, version, generation, part, tag and shape. */
export function stateOf(row: Row, log: LogKey, name: string): CollectionState {
  const [version, generation, isLive, tag, shape] = row.slice(3)
  return {
    version: Number(version),
    generation: Number(generation),
    shape: { log, name, version: Number(version), ...columnsIn(String(shape)) },
    checkpoint: placeOf(row),
    isLive: isLive === 't',
    tag: typeof tag === 'string' ? tag : null,
  }
}
