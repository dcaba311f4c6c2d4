// Connects to PostgreSQL as the platform needs it: bounded waits, schema steps, and clear faults.
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Client, Pool, type ClientConfig } from 'pg'
import { RampartError } from '../core/index.ts'
import { plainTypes, type Row } from './rows.ts'

/** Runs one statement and gives its rows. */
export type RunQuery = (query: Statement, values: readonly unknown[]) => Promise<readonly Row[]>

/** A statement with the name under which each connection prepares it. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** A name for one of many statements that are put together; PostgreSQL allows 63 characters. */
export function statementName(kind: string, parts: readonly string[]): string {
  return `${kind}-${hash('sha1', parts.join('\0'))}`
}

/** A pool of connections that read. */
export interface Readers {
  readonly query: RunQuery
  readonly close: () => Promise<void>
}

const connectMs = 5000
const statementMs = 30_000
const lockMs = 5000
const readersMax = 4

// The writer looks single rows up by keys. Plans that are kept must not depend on how few rows there were
// when they were made.
const writerOptions = ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'].map(
  (name) => `-c ${name}=off`,
)

/** Opens the one connection that writes. */
export async function connectWriter(url: string): Promise<Client> {
  const client = new Client({ ...bounds(url), lock_timeout: lockMs, options: writerOptions.join(' ') })
  // A connection that is lost between two statements shows at the next one.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    throw storeFault(error, url)
  }
}

/** Opens a pool for reads; it connects when it is asked. */
export function openReaders(url: string): Readers {
  const pool = new Pool({ ...bounds(url), max: readersMax })
  pool.on('error', () => undefined)
  return {
    query: async (statement, values) => {
      try {
        return await run(pool, statement, values)
      } catch (error) {
        throw storeFault(error, url)
      }
    },
    close: () => pool.end(),
  }
}

/** Runs a prepared statement on a connection; errors come as the driver throws them. */
export async function run(
  connection: Pick<Client, 'query'>,
  { name, text }: Statement,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const result = await connection.query<unknown[]>({
    name,
    text,
    values: [...values],
    rowMode: 'array',
    types: plainTypes,
  })
  return result.rows
}

function bounds(url: string): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    idle_in_transaction_session_timeout: 1000,
    keepAlive: true,
    application_name: 'rampart',
  }
}

/** The text of `sql/<name>.sql`. */
export function readSql(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8')
}

const migrationLock = 'SELECT pg_advisory_xact_lock(1380012368, -1)'

/** What a database schema holds, and the steps that lead from nothing to today's tables. */
export interface DatabaseSchema {
  /** The name of the schema, which is created when it is not there. */
  readonly name: string
  /** SQL of each step, oldest first; a schema that knows fewer steps gets the rest. */
  readonly steps: readonly string[]
}

/**
 * Takes a schema through the steps that it lacks, each in a transaction with its number, under a lock: any
 * number of processes may start at once, and a killed start can be repeated. Throws `STORE_SCHEMA_NEWER` for
 * a schema that knows more steps.
 */
export async function migrate(client: Client, schema: DatabaseSchema): Promise<void> {
  for (let isBehind = true; isBehind;) isBehind = await takeStep(client, schema)
}

async function takeStep(client: Client, schema: DatabaseSchema): Promise<boolean> {
  const { name, steps } = schema
  return inTransaction(client, async () => {
    await client.query(migrationLock)
    const step = await stepOf(client, schema)
    const sql = steps[step]
    if (sql === undefined) return false
    await client.query(sql)
    await client.query(`INSERT INTO ${name}.schema_steps (step) VALUES ($1)`, [step + 1])
    return step + 1 < steps.length
  })
}

async function stepOf(client: Client, { name, steps }: DatabaseSchema): Promise<number> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${name}`)
  await client.query(`CREATE TABLE IF NOT EXISTS ${name}.schema_steps (step integer PRIMARY KEY)`)
  const found = await client.query<{ step: number }>(`SELECT max(step) AS step FROM ${name}.schema_steps`)
  const step = found.rows[0]?.step ?? 0
  if (step <= steps.length) return step
  const message =
    `The schema ${name} is at step ${step}, and this version knows ${steps.length} at most. ` +
    'Run the version that wrote it, or a newer one.'
  throw new RampartError('STORE_SCHEMA_NEWER', message, { details: { schema: step } })
}

/** Runs several statements as one transaction; errors come as they are thrown. */
export async function inTransaction<Value>(client: Client, work: () => Promise<Value>): Promise<Value> {
  await client.query('BEGIN')
  try {
    const value = await work()
    await client.query('COMMIT')
    return value
  } catch (error) {
    // A connection that is lost has rolled back by itself.
    await client.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

/** The code of an error that the server sent (its SQLSTATE); `undefined` for all others. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined
}

const dataClasses = ['21', '22', '23', '54']

/** True for an error that the data of a statement made, so that other data may go through. */
export function isDataError(error: unknown): boolean {
  return dataClasses.includes(sqlState(error)?.slice(0, 2) ?? '')
}

const passing = ['40001', '40P01', '55P03']

/**
 * True for an error that undid a statement because of others, so that the same one may go through next
 * time.
 */
export function isPassing(error: unknown): boolean {
  return passing.includes(sqlState(error) ?? '')
}

/**
 * True for an error that leaves open whether its statement was committed: no answer came (the driver's
 * own errors have no SQLSTATE), the server went away, or its disk failed, which it may do after the
 * commit was written.
 */
export function isLost(error: unknown): boolean {
  if (error instanceof RampartError) return false
  const state = sqlState(error)
  return state === undefined || /^(?:08|57P|58)/.test(state)
}

/** The fault that a failed use of a database means; faults pass through untouched. */
export function storeFault(error: unknown, url: string): RampartError {
  if (error instanceof RampartError) return error
  const reason = error instanceof Error ? error.message : String(error)
  const where = placeOf(url)
  if (sqlState(error) === '53100') {
    const message = `The disk of ${where} is full, and nothing of this was stored. Free space and retry.`
    return new RampartError('STORE_FULL', message, { cause: error })
  }
  const message = `The database ${where} failed: ${reason}. ${adviceFor(error)}`
  return new RampartError('STORE_UNAVAILABLE', message, { cause: error })
}

/** Host, port and name of a database: what a message may say of its URL, which holds a password. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'of the given URL'
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

function adviceFor(error: unknown): string {
  const state = sqlState(error) ?? ''
  if (state.startsWith('28')) return 'Check the user and the password in the URL.'
  if (state === '3D000') return 'Create the database, or name another one in the URL.'
  if (state === '42501') return 'The role in the URL lacks a right: see the roles that the migration makes.'
  if (state === '53300') return 'The server has no connection left: raise its limit or lower the pools.'
  return 'Check that the server runs and can be reached; this process tries again by itself.'
}
