// Connects to PostgreSQL as the platform needs it: bounded waits, schema steps, and clear faults.
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Client, type ClientConfig } from 'pg'
import { RampartError, systemRuntime } from '../core/index.ts'
import { connectionOf, type Access } from './access.ts'
import { plainTypes, type Row } from './rows.ts'

/** Runs one statement and gives its rows. */
export type RunQuery = (query: Statement, values: readonly unknown[]) => Promise<readonly Row[]>

/** Runs one statement and gives its rows as they come. */
export type RunForRows = (query: Statement, values: readonly unknown[]) => AsyncGenerator<Row>

/** A statement with the name under which each connection prepares it. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** A name for one of many statements that are put together; PostgreSQL allows 63 characters. */
export function statementName(kind: string, parts: readonly string[]): string {
  return `${kind}-${hash('sha1', parts.join('\0'))}`
}

const connectMs = 5000
/** An end in order takes no longer. */
export const endMs = 1000
const lockMs = 5000
/** After the time-out of a statement the server must have said so; later, its connection is dead. */
export const answerMs = 2000

// The writer looks single rows up by keys. Plans are kept, because making one costs more than a lone append,
// and so must not depend on how few rows there were when they were made.
const writerSettings = [
  'plan_cache_mode=force_generic_plan',
  ...['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'].map((name) => `${name}=off`),
]

// A step of a schema takes as long as its tables are large. It ends soon after the process that takes it.
const stepMs = 3_600_000
const migratorSettings = ['client_connection_check_interval=5000']

/**
 * Opens a connection that writes. With `pipeline`, a statement is sent although the one before it is not
 * answered yet; the server takes them in order.
 */
export function connectWriter(access: Access, { pipeline = false } = {}): Promise<Client> {
  return connect(access, { settings: writerSettings, pipeline })
}

/** Opens a connection for the steps of schemas, which no bound for statements cuts off. */
export function connectMigrator(access: Access): Promise<Client> {
  const limits = { ...access.limits, statementMs: stepMs }
  return connect({ ...access, limits }, { settings: migratorSettings, pipeline: false })
}

interface Connecting {
  readonly settings: readonly string[]
  readonly pipeline: boolean
}

async function connect(access: Access, { settings, pipeline }: Connecting): Promise<Client> {
  const client = new Client({
    ...bounds(access, settings),
    query_timeout: answerMsOf(access),
    lock_timeout: lockMs,
    pipeline,
  })
  // A connection that is lost between two statements shows at the next one.
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    throw storeFault(error, access.url)
  }
}

/** Ends a connection in order, or at once when its server does not answer any more. */
export async function endConnection(client: Client): Promise<void> {
  const late = systemRuntime.setTimer(endMs, () => cutConnection(client))
  await client.end().catch(() => undefined)
  late.cancel()
}

/** Ends a connection at once, and drops what it has not sent yet. */
export function cutConnection(client: Client): void {
  client.end().catch(() => undefined)
  const { stream } = client.connection
  // A socket that is only destroyed goes on sending; TLS around one has no other end.
  if ('resetAndDestroy' in stream && typeof stream.resetAndDestroy === 'function') stream.resetAndDestroy()
  else stream.destroy()
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

/** When a connection whose server has not answered is dead. */
export function answerMsOf({ limits }: Access): number {
  return limits.statementMs + answerMs
}

/** How a connection is made, with the bounds of what it may ask. */
export function bounds(access: Access, settings: readonly string[] = []): ClientConfig {
  const { statementMs } = access.limits
  return {
    ...connectionOf(access, settings),
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

// Away for now: it cannot be reached, or does not take connections yet, or no more of them, or lacks roles
// or tables, which another process makes.
function isAway(error: unknown): boolean {
  return isLost(error) || sqlState(error) === '53300' || lacksRoles(error) || lacksTables(error)
}

function lacksTables(error: unknown): boolean {
  return ['42P01', '3F000'].includes(sqlState(error) ?? '')
}

function lacksRoles(error: unknown): boolean {
  return sqlState(error) === '28000' && String(error).includes('role "rampart_')
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
  const details = isAway(error) ? { isAway: true } : {}
  return new RampartError('STORE_UNAVAILABLE', message, { cause: error, details })
}

/** Host, port and name of a database: what a message may say of its URL, which holds a password. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return 'of the given URL'
  const { host, pathname } = new URL(url)
  return `${host}${pathname}`
}

function adviceFor(error: unknown): string {
  const state = sqlState(error) ?? ''
  if (lacksRoles(error)) return 'The first process with the role write makes these roles: start it, too.'
  if (lacksTables(error))
    return 'A process with the role write, of the owner, makes its tables: start it, too.'
  if (state.startsWith('28')) return 'Check the user and the password in the URL.'
  if (state === '3D000') return 'Create the database, or name another one in the URL.'
  if (state === '42501') return 'The role in the URL lacks a right: see the roles that the migration makes.'
  if (state === '55P03') return 'A session has locked what this needs: rampart doctor names it.'
  if (state === '53300') return 'The server has no connection left: raise its limit or lower the pools.'
  return 'Check that the server runs and can be reached.'
}
