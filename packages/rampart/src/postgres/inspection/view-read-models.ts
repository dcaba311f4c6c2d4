// Looks at the read models of an app beside the processes that write them, and holds one view of them when
// asked to.
import type { ReadModelViews, ViewedCollection } from '../../core/inspection/index.ts'
import type { CollectionState, LogKey } from '../../core/ports/index.ts'
import { placeOf } from '../../core/rows/index.ts'
import { endConnection, run, storeFault, type RunQuery, type Statement } from '../database.ts'
import { documentsSchema, readSchema, stepOf } from '../migrations.ts'
import { collectionStates } from '../read-store-generations.ts'
import { numberAt, textAt } from '../rows.ts'
import { beginMoment, connectToLook } from './one-moment.ts'
import { viewCollection } from './view-collection.ts'

/** Documents that follow the events of a log, or commit with them. */
type Kind = 'reads' | 'write'

const schemas = { reads: readSchema, write: documentsSchema } as const
const schemaNames = { reads: 'rampart_read', write: 'rampart_documents' } as const

/**
 * Opens read models of an app for looking; `undefined` where none are. Throws `STORE_UNAVAILABLE` and
 * `STORE_SCHEMA_NEWER`.
 */
export async function openPostgresReadModelViews(
  url: string,
  app: string,
  kind: Kind,
): Promise<ReadModelViews | undefined> {
  const client = await connectToLook(url)
  const asFault = (error: unknown): never => {
    throw storeFault(error, url)
  }
  const query: RunQuery = (statement, values) => run(client, statement, values).catch(asFault)
  try {
    await stepOf(query, schemas[kind])
    if ((await query(findTables, [`${schemaNames[kind]}.collections`])).length === 0) {
      await endConnection(client)
      return undefined
    }
  } catch (fault) {
    await endConnection(client)
    throw fault
  }
  let isHeld = false
  const find = kind === 'reads' ? findFollowing : findKept
  return {
    live: (log, name) => find(query, { app, log, name }),
    isUsed: async () => (await query(findAny[kind], [`${app}:`])).length > 0,
    holdStill: async () => {
      if (!isHeld) await client.query(beginMoment).catch(asFault)
      isHeld = true
    },
    [Symbol.asyncDispose]: () => endConnection(client),
  }
}

const findTables: Statement = {
  name: 'find-collections',
  text: "SELECT 'there' WHERE to_regclass($1) IS NOT NULL",
}

// Who runs a projection says so beside its documents.
const findAny: Readonly<Record<Kind, Statement>> = {
  reads: {
    name: 'find-any-following',
    text: `SELECT 'there' FROM rampart_read.collections WHERE starts_with(log, $1)
      UNION SELECT 'there' FROM rampart_read.standings WHERE starts_with(log, $1)`,
  },
  write: {
    name: 'find-any-kept',
    text: `SELECT 'there' FROM rampart_documents.collections AS c
      JOIN rampart_write.logs AS l ON l.number = c.log WHERE starts_with(l.key, $1) LIMIT 1`,
  },
}

interface Wanted {
  readonly app: string
  readonly log: LogKey
  readonly name: string
}

const findLive: Statement = {
  name: 'find-live',
  text: 'SELECT number FROM rampart_read.collections WHERE log = $1 AND name = $2 AND is_live',
}

async function findFollowing(
  query: RunQuery,
  { app, log, name }: Wanted,
): Promise<ViewedCollection | undefined> {
  const [row] = await query(findLive, [`${app}:${log}`, name])
  const found = await collectionStates(query, `${app}:${log}`, name)
  const state = found.find((one) => one.isLive)
  if (row === undefined || state === undefined) return undefined
  return viewCollection(query, { schema: schemaNames.reads, number: numberAt(row, 0) }, state)
}

// What is kept comes before what was, or is being built.
const findNewest: Statement = {
  name: 'find-newest-kept',
  text: `SELECT now.epoch, now.position, now.event_id, c.number, c.version, c.shape
    FROM rampart_documents.collections AS c
    JOIN rampart_documents.collections_now AS now ON now.number = c.number
    JOIN rampart_write.logs AS l ON l.number = c.log
    WHERE l.key = $1 AND c.name = $2 ORDER BY c.is_kept DESC, c.version DESC LIMIT 1`,
}

async function findKept(query: RunQuery, { app, log, name }: Wanted): Promise<ViewedCollection | undefined> {
  const [row] = await query(findNewest, [`${app}:${log}`, name])
  if (row === undefined) return undefined
  const version = numberAt(row, 4)
  // What the writer has written there.
  const columns = JSON.parse(textAt(row, 5)) as Pick<CollectionState['shape'], 'indexes' | 'search'>
  const shape = { log, name, version, ...columns }
  const state = { version, generation: 1, shape, checkpoint: placeOf(row), isLive: true, tag: null }
  return viewCollection(query, { schema: schemaNames.write, number: numberAt(row, 3) }, state)
}
