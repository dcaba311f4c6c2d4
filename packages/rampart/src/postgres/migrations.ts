// The schemas of a database, and the steps that lead each of them from nothing to today's tables.
import type { Client } from 'pg'
import { RampartError } from '../core/index.ts'
import type { Access, DatabaseRole } from './access.ts'
import {
  connectMigrator,
  connectWriter,
  endConnection,
  inTransaction,
  readSql,
  run,
  sqlState,
  storeFault,
  type RunQuery,
  type Statement,
} from './database.ts'
import { numberOrNullAt } from './rows.ts'

/** What a database schema holds. */
export interface DatabaseSchema {
  /** The name of the schema, which is created when it is not there. */
  readonly name: string
  /** The SQL files of its steps, oldest first; a schema that knows fewer steps gets the rest. */
  readonly steps: readonly string[]
}

/** Everything that commands change. */
export const writeSchema: DatabaseSchema = {
  name: 'rampart_write',
  steps: [
    'create-write-tables',
    'match-conditions',
    'append-batch',
    'accept-commands',
    'claim-commands',
    'bury-command',
    'open-log',
    'begin-epoch',
    'add-seals',
    'keep-seals',
    'create-roles',
    'grant-write-tables',
    'add-write-leases',
    'append-batch',
    'order-inbox-key',
    'follow-numbers',
    'append-plain',
    'append-lone',
    'append-plain',
    'append-plain',
    'append-lone',
    'append-batch',
    'append-plain',
    'append-lone',
    'keep-seals',
    'append-plain',
  ],
}

/** Documents that commit with events; it stands beside the schema of those. */
export const documentsSchema: DatabaseSchema = {
  name: 'rampart_documents',
  steps: ['create-kept-collections', 'add-kept-logs'],
}

/** Documents of projections, and how far each has come. */
export const readSchema: DatabaseSchema = {
  name: 'rampart_read',
  steps: [
    'create-collections',
    'create-roles',
    'grant-collections',
    'add-read-leases',
    'create-standings',
    'grant-counts',
  ],
}

/** Which processes run. */
export const hostSchema: DatabaseSchema = {
  name: 'rampart_host',
  steps: ['create-processes', 'create-roles', 'grant-processes', 'guard-processes', 'add-logins'],
}

/** A connection, and how to open others like it. */
interface Prepared {
  readonly client: Client
  readonly access: Access
}

/** What a store needs of a database. */
interface Needs {
  readonly schemas: readonly DatabaseSchema[]
  /** Schemas that other processes need. They are prepared as far as this user may. */
  readonly others?: readonly DatabaseSchema[]
  readonly role: DatabaseRole
}

/**
 * Opens a writing connection: takes schemas to what this version knows, if its user may, and then drops
 * the rights that the role has not. Throws `STORE_SCHEMA_NEWER` or `STORE_UNAVAILABLE`.
 */
export async function connectPrepared(
  access: Access,
  { schemas, others = [], role }: Needs,
): Promise<Prepared> {
  const client = await connectWriter(access)
  try {
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    for (const schema of schemas) await migrate({ client, access }, schema)
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    for (const other of others) await prepareForOthers({ client, access }, other)
    return { client, access: await takeRole(client, access, role) }
  } catch (error) {
    await endConnection(client)
    throw storeFault(error, access.url)
  }
}

// Each step is a transaction with its number, under a lock: any number of processes may start at once, and a
// killed start can be repeated.
async function migrate({ client, access }: Prepared, schema: DatabaseSchema): Promise<void> {
  const found = await stepOf(queryOf(client), schema)
  if (found === schema.steps.length) return
  const migrator = await connectMigrator(access)
  try {
    for (let isBehind = true; isBehind;) isBehind = await takeStep(migrator, schema)
  } catch (cause) {
    throw stepFault(cause, `The schema ${schema.name} is at step ${found} of ${schema.steps.length}`)
  } finally {
    await endConnection(migrator)
  }
}

// Whoever takes the steps may be about to: both pass.
function stepFault(cause: unknown, where: string): unknown {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const messages: Readonly<Record<string, string>> = {
    '42501':
      `${where}, and the user of this URL may not go on: ${reason}. Start a process once with the URL of ` +
      'its owner, who may create roles, in RAMPART_STORE: rampart run --roles write.',
    '55P03':
      `${where}, and cannot go on yet: another process takes the next step, or a session has locked its ` +
      'tables.',
  }
  const message = messages[sqlState(cause) ?? '']
  if (message === undefined) return cause
  return new RampartError('STORE_UNAVAILABLE', message, { cause, details: { isAway: true } })
}

// Whoever needs the schema says what it lacks.
async function prepareForOthers(prepared: Prepared, schema: DatabaseSchema): Promise<void> {
  try {
    await migrate(prepared, schema)
  } catch (error) {
    const isRefused = error instanceof RampartError || sqlState(error) !== undefined
    if (!isRefused) throw error
  }
}

/** Takes a role. A user who may not keeps the rights that he has. */
export async function takeRole(client: Client, access: Access, role: DatabaseRole): Promise<Access> {
  try {
    await client.query(`SET ROLE ${role}`)
    return { ...access, role }
  } catch (error) {
    if (sqlState(error) === '42501') return access
    throw error
  }
}

/** Taken by whoever changes schemas, until the end of the transaction. */
export const migrationLock = 'SELECT pg_advisory_xact_lock(1380012368, -1)'

async function takeStep(client: Client, schema: DatabaseSchema): Promise<boolean> {
  const { name, steps } = schema
  return inTransaction(client, async () => {
    await client.query(migrationLock)
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${name}`)
    await client.query(`CREATE TABLE IF NOT EXISTS ${name}.schema_steps (step integer PRIMARY KEY)`)
    const step = await stepOf(queryOf(client), schema)
    const file = steps[step]
    if (file === undefined) return false
    await client.query(readSql(file))
    await client.query(`INSERT INTO ${name}.schema_steps (step) VALUES ($1)`, [step + 1])
    return step + 1 < steps.length
  })
}

function queryOf(client: Client): RunQuery {
  return (statement, values) => run(client, statement, values)
}

// The catalogue tells everyone whether a table is there, also those who may not look into its schema.
const findSteps: Statement = {
  name: 'find-steps',
  text: `SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = 'schema_steps'`,
}

/** How many steps of a schema a database has taken. Throws `STORE_SCHEMA_NEWER`. */
export async function stepOf(query: RunQuery, { name, steps }: DatabaseSchema): Promise<number> {
  const tables = await query(findSteps, [name])
  if (tables.length === 0) return 0
  const findStep = { name: `step-of-${name}`, text: `SELECT max(step) FROM ${name}.schema_steps` }
  const step = numberOrNullAt((await query(findStep, []))[0] ?? [], 0) ?? 0
  if (step <= steps.length) return step
  const message =
    `The schema ${name} is at step ${step}, and this version knows ${steps.length} at most. ` +
    'Run the version that wrote it, or a newer one.'
  throw new RampartError('STORE_SCHEMA_NEWER', message, { details: { schema: step } })
}
