// Puts a copy in the place of what commands change in a database, as one transaction: whoever dies in it, or
// is stopped by a file that does not fit, has changed nothing.
//
//   1  lock      what is there, so that no process goes on or starts on it; processes that run are refused
//   2  aside     the schema that is there gets another name; an empty one goes
//   3  tables    as they were when the copy was made
//   4  rows      file by file; numbers that tables make themselves go on after them
//   5  steps     that the schema has taken since
//   6  epoch     each log begins one, so that whatever lies beyond its head is a lost future
//   7  reads     what is derived of the log that was there is not read until somebody has looked at it
import { Client } from 'pg'
import { RampartError, type Runtime } from '../../core/index.ts'
import { connectionOf } from '../access.ts'
import { placeOf, readSql, run, sqlState, storeFault, type Statement } from '../database.ts'
import {
  documentsSchema,
  hostSchema,
  migrationLock,
  readSchema,
  writeSchema,
  type DatabaseSchema,
} from '../migrations.ts'
import { numberAt, textAt } from '../rows.ts'
import { copyIn } from './copy-stream.ts'
import { logsIn, type CopiedLog, type CopiedTable } from './database-copy.ts'

/** What to restore, and where to. */
export interface RestoreOptions {
  readonly url: string
  /** How far the schema was. */
  readonly step: number
  readonly tables: readonly CopiedTable[]
  /** The rows of a table. What it throws ends the restore. */
  readonly rowsOf: (table: CopiedTable) => AsyncIterable<Buffer>
  /** Whether a database that is not empty may be replaced. */
  readonly replace: boolean
  readonly runtime: Runtime
  /** Hears of every step before it is taken. */
  readonly onStep: (what: string) => void
}

/** What a restore came to. */
export interface RestoredDatabase {
  readonly logs: readonly CopiedLog[]
  /** The schema in which what was there before is kept; null when there was nothing. */
  readonly aside: string | null
}

/**
 * Restores a copy. Throws `STORE_LOCKED` while processes have the database open, `INPUT_INVALID` for one that
 * is not empty unless it may be replaced, and `STORE_SCHEMA_NEWER` for the copy of a newer version.
 */
export async function restoreDatabase(options: RestoreOptions): Promise<RestoredDatabase> {
  requireKnown(options.step)
  const client = await connect(options.url)
  try {
    await client.query('BEGIN')
    options.onStep('locks what is there')
    await lockStore(client, options.url)
    options.onStep('moves aside what is there')
    const aside = await makeRoom(client, options)
    options.onStep('makes the tables')
    await createTables(client, 0, options.step)
    for (const table of options.tables) {
      // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
      await fill(client, table, options.rowsOf(table))
    }
    await createTables(client, options.step, writeSchema.steps.length)
    options.onStep('begins an epoch of each log')
    await beginEpochs(client, options.runtime)
    await stopReadModels(client)
    const logs = await logsIn(client)
    options.onStep('commits')
    await client.query('COMMIT')
    return { logs, aside }
  } catch (error) {
    throw storeFault(error, options.url)
  } finally {
    // What is not committed ends with the connection.
    await client.end().catch(() => undefined)
  }
}

function requireKnown(step: number): void {
  const known = writeSchema.steps.length
  if (step <= known) return
  const message =
    `The backup has the schema ${writeSchema.name} at step ${step}, and this version knows ${known} at ` +
    'most. Restore with the version that made it, or a newer one.'
  throw new RampartError('STORE_SCHEMA_NEWER', message)
}

const lockMs = 5000

async function connect(url: string): Promise<Client> {
  const client = new Client({
    ...connectionOf({ url }),
    lock_timeout: lockMs,
    keepAlive: true,
    application_name: 'rampart operator',
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    throw storeFault(error, url)
  }
}

const listSessions: Statement = {
  name: 'list-sessions',
  text: `SELECT count(*), coalesce(string_agg(DISTINCT host(client_addr), ', '), 'this machine')
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND application_name LIKE 'rampart%' AND application_name <> 'rampart operator'`,
}
// One that has lost its connections at this moment comes back to what it remembers.
const listRegistered: Statement = {
  name: 'list-registered',
  text: `SELECT count(*), coalesce(string_agg(DISTINCT pid || ' on ' || host, ', '), '')
    FROM rampart_host.processes WHERE seen > clock_timestamp() - interval '10 seconds'`,
}

// A process that starts now waits for the first table that it looks at, and then sees the restored ones.
async function lockStore(client: Client, url: string): Promise<void> {
  try {
    await client.query(migrationLock)
    for (const schema of [writeSchema, documentsSchema]) {
      // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
      const names = (await tablesOf(client, schema)).map((table) => `${schema.name}.${table}`)
      // oxlint-disable-next-line no-await-in-loop -- the same
      if (names.length > 0) await client.query(`LOCK TABLE ${names.join(', ')} IN ACCESS EXCLUSIVE MODE`)
    }
  } catch (cause) {
    if (sqlState(cause) !== '55P03') throw cause
    throw locked(url, 'something holds its tables', cause)
  }
  const [row = []] = await run(client, listSessions, [])
  const sessions = numberAt(row, 0)
  if (sessions > 0) throw locked(url, `processes have it open (${sessions} sessions from ${textAt(row, 1)})`)
  if ((await tablesOf(client, hostSchema)).length === 0) return
  const [registered = []] = await run(client, listRegistered, [])
  if (numberAt(registered, 0) > 0) throw locked(url, `processes run (${textAt(registered, 1)})`)
}

const listOwn: Statement = {
  name: 'list-own-tables',
  text: `SELECT relname FROM pg_class
    WHERE relnamespace = to_regnamespace($1) AND relkind = 'r' ORDER BY relname`,
}

async function tablesOf(client: Client, { name }: DatabaseSchema): Promise<readonly string[]> {
  return (await run(client, listOwn, [name])).map((row) => textAt(row, 0))
}

function locked(url: string, why: string, cause?: unknown): RampartError {
  const message =
    `The database ${placeOf(url)} cannot be restored while ${why}. Stop them and run this again: ` +
    'rampart doctor says who they are. Nothing was changed.'
  return new RampartError('STORE_LOCKED', message, { cause })
}

/** Frees the name of the schema, and says where what was there is kept. */
async function makeRoom(client: Client, options: RestoreOptions): Promise<string | null> {
  const { name } = writeSchema
  if (await isEmpty(client)) {
    await client.query(`DROP SCHEMA IF EXISTS ${name}, ${documentsSchema.name} CASCADE`)
    return null
  }
  if (!options.replace) {
    const message =
      `The database ${placeOf(options.url)} holds a store already. Name an empty one, or say --replace: ` +
      'what is there is then kept aside, in a schema of another name.'
    throw new RampartError('INPUT_INVALID', message)
  }
  const time = new Date(options.runtime.nowMs())
    .toISOString()
    .replaceAll(/[-:]|\.\d+Z/g, '')
    .toLowerCase()
  await client.query(`ALTER SCHEMA ${name} RENAME TO ${name}_before_${time}`)
  // Documents that commit with events belong to those, and are built from the restored ones before a start.
  if ((await tablesOf(client, documentsSchema)).length > 0) {
    await client.query(
      `ALTER SCHEMA ${documentsSchema.name} RENAME TO ${documentsSchema.name}_before_${time}`,
    )
  }
  return `${name}_before_${time}`
}

async function isEmpty(client: Client): Promise<boolean> {
  const own = (await tablesOf(client, writeSchema)).filter(
    (table) => !['schema_steps', 'leases'].includes(table),
  )
  const conditions = own.map((table) => `NOT EXISTS (SELECT FROM ${writeSchema.name}.${table})`)
  const found = await client.query<{ empty: boolean }>(
    `SELECT ${conditions.join(' AND ') || 'true'} AS empty`,
  )
  return found.rows[0]?.empty === true
}

/** Takes the steps of the schema after one up to another. */
async function createTables(client: Client, after: number, upTo: number): Promise<void> {
  const { name, steps } = writeSchema
  if (after === 0) {
    await client.query(`CREATE SCHEMA ${name}`)
    await client.query(`CREATE TABLE ${name}.schema_steps (step integer PRIMARY KEY)`)
  }
  for (const [index, step] of steps.slice(after, upTo).entries()) {
    // oxlint-disable-next-line no-await-in-loop -- each stands on the one before
    await client.query(readSql(step))
    // oxlint-disable-next-line no-await-in-loop -- the same
    await client.query(`INSERT INTO ${name}.schema_steps (step) VALUES ($1)`, [after + index + 1])
  }
}

async function fill(
  client: Client,
  { name, columns }: CopiedTable,
  rows: AsyncIterable<Buffer>,
): Promise<void> {
  const table = `${writeSchema.name}.${client.escapeIdentifier(name)}`
  const names = columns.map((column) => client.escapeIdentifier(column))
  await copyIn(client, `COPY ${table} (${names.join(', ')}) FROM STDIN`, rows)
}

const stopped: Statement = {
  name: 'stop-read-models',
  text: `UPDATE rampart_read.standings SET standing = jsonb_set(standing::jsonb, '{stopped}', to_jsonb($1::text))::text`,
}

// Who only serves them knows what its projector said before. The next one says what has become of them.
async function stopReadModels(client: Client): Promise<void> {
  if (!(await tablesOf(client, readSchema)).includes('standings')) return
  const reason = 'The log was restored, and no process with the role project has looked at it since.'
  await run(client, stopped, [reason])
}

async function beginEpochs(client: Client, runtime: Runtime): Promise<void> {
  await client.query(`SELECT ${writeSchema.name}.follow_numbers()`)
  const logs = await run(client, { name: 'list-logs', text: 'SELECT number FROM rampart_write.logs' }, [])
  for (const row of logs) {
    const begin = { name: 'begin-epoch', text: 'SELECT rampart_write.begin_epoch($1, $2)' }
    // oxlint-disable-next-line no-await-in-loop -- a handful of logs
    await run(client, begin, [numberAt(row, 0), runtime.uuid()])
  }
}
