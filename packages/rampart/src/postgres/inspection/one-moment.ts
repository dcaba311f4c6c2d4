// Looks at a database from one moment, over a connection of its own, which changes nothing.
import { Client } from 'pg'
import { RampartError } from '../../core/index.ts'
import {
  answerMs,
  endConnection,
  placeOf,
  run,
  storeFault,
  type RunQuery,
  type Statement,
} from '../database.ts'
import { textAt } from '../rows.ts'

const connectMs = 5000
const statementMs = 30_000
/** Whoever looks waits no longer for a session that has locked a table. */
const lockMs = 3000

/** Connects for looking; statements of 0 ms have no bound. Throws `STORE_UNAVAILABLE`. */
export async function connectToLook(url: string, statementsMs: number = statementMs): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementsMs,
    ...(statementsMs === 0 ? {} : { query_timeout: statementsMs + answerMs }),
    keepAlive: true,
    application_name: 'rampart operator',
  })
  // A connection that is lost between two statements shows at the next one.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    throw storeFault(error, url)
  }
}

/** Begins a transaction that sees one moment, and writes nothing. */
export const beginMoment = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'

/**
 * Looks at a database from one moment, whatever is written meanwhile. Throws `INPUT_INVALID` for one that
 * has no store of logs, unless any will do, and `STORE_UNAVAILABLE`.
 */
export async function atOneMoment<Seen>(
  url: string,
  look: (query: RunQuery) => Promise<Seen>,
  of: 'a store' | 'any database' = 'a store',
): Promise<Seen> {
  const client = await connectToLook(url)
  try {
    await client.query(`${beginMoment}; SET LOCAL lock_timeout = ${lockMs}`)
    const query: RunQuery = (statement, values) => run(client, statement, values)
    if (of === 'a store') await requireStore(query, url)
    return await look(query)
  } catch (error) {
    throw storeFault(error, url)
  } finally {
    await endConnection(client)
  }
}

const findStore: Statement = {
  name: 'find-store',
  text: "SELECT 'there' WHERE to_regclass('rampart_write.events') IS NOT NULL",
}

/** Throws `INPUT_INVALID` for a database without a store of logs. */
export async function requireStore(query: RunQuery, url: string): Promise<void> {
  if ((await query(findStore, [])).length > 0) return
  const message =
    `The database ${placeOf(url)} has no store of Rampart (the schema rampart_write). ` +
    'Name the one that the processes were started with: RAMPART_STORE, or --store.'
  throw new RampartError('INPUT_INVALID', message)
}

const listApps: Statement = {
  name: 'list-apps',
  text: "SELECT DISTINCT split_part(key, ':', 1) AS app FROM rampart_write.logs ORDER BY app",
}

/** The apps whose logs stand in a database: each of their keys begins with the name of its app. */
export async function appsIn(query: RunQuery): Promise<readonly string[]> {
  return (await query(listApps, [])).map((row) => textAt(row, 0))
}

/** The key of a log as its app knows it. */
export function withoutApp(key: string): string {
  return key.slice(key.indexOf(':') + 1)
}
