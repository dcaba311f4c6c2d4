// Opens SQLite databases as the platform needs them: pragmas, version gate, schema steps and clear faults.
import { readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { RampartError } from '../core/index.ts'
import { makeFolder } from './make-folder.ts'

/** How to open a database. */
export interface DatabaseOptions {
  /** Path of the file; its folder is created when it is not there. */
  readonly file: string
  /** `FULL` syncs before a commit returns; `NORMAL` may lose the last commits at a power loss. */
  readonly synchronous: 'FULL' | 'NORMAL'
  readonly readOnly?: boolean
  /** How long a statement waits for another connection's lock. 0 unless said. */
  readonly busyTimeoutMs?: number
}

/** What a file holds and the steps that lead from an empty file to today's tables. */
export interface DatabaseSchema {
  /** Written into the file, so that a file of another kind is recognised. A 31-bit number. */
  readonly applicationId: number
  /** SQL of each step, oldest first; a file that knows fewer steps gets the rest. */
  readonly steps: readonly string[]
}

// A server opens four connections per app, and the system caches their files as well.
const cacheKib = 16 * 1024
// A longer log makes checkpoints rarer, and those who write wait for each of them. The writer of a write
// store sees to its own log (see journal.ts).
const checkpointPages = 4000
const journalBytesMax = 64 * 1024 * 1024

// Older ones can corrupt a database when two connections write and checkpoint together (sqlite.org/wal.html).
const oldestSqlite = [3, 51, 3] as const

/** Opens a database in WAL mode. Throws `SQLITE_TOO_OLD`, or what `storeFault` makes of a failure. */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { file, synchronous, readOnly = false, busyTimeoutMs = 0 } = options
  try {
    if (!readOnly) makeFolder(dirname(file))
    const database = new DatabaseSync(file, { readOnly, timeout: busyTimeoutMs })
    requireSqliteVersion(sqliteVersionOf(database))
    if (!readOnly) {
      database.exec(`PRAGMA journal_mode = WAL`)
      database.exec(`PRAGMA synchronous = ${synchronous}`)
      database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
      database.exec(`PRAGMA journal_size_limit = ${journalBytesMax}`)
    }
    database.exec(`PRAGMA cache_size = -${cacheKib}`)
    database.exec(`PRAGMA temp_store = MEMORY`)
    return database
  } catch (error) {
    throw storeFault(error, file)
  }
}

/** Throws `SQLITE_TOO_OLD` for a SQLite that can corrupt a database. */
export function requireSqliteVersion(version: string): void {
  const parts = version.split('.').map(Number)
  const difference = oldestSqlite
    .map((oldest, index) => (parts[index] ?? 0) - oldest)
    .find((one) => one !== 0)
  if (difference === undefined || difference > 0) return
  const message =
    `SQLite ${version} can corrupt a database that is written while it is checkpointed. ` +
    `Use a Node whose SQLite is ${oldestSqlite.join('.')} or newer: 22.23.1, or 24.21 and later.`
  throw new RampartError('SQLITE_TOO_OLD', message, { details: { version } })
}

/**
 * Takes a file through the schema steps that it lacks, each in a transaction with its number: a killed start
 * can be repeated. Throws `STORE_SCHEMA_NEWER` for a file that knows more steps.
 */
export function migrate(database: DatabaseSync, file: string, schema: DatabaseSchema): void {
  try {
    requireKind(database, file, schema)
    while (stepOf(database, file, schema) < schema.steps.length) takeStep(database, file, schema)
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw storeFault(error, file)
  }
}

/**
 * How many of its steps a file has taken; 0 for an empty one. Throws `STORE_UNAVAILABLE` for a file of
 * another kind and `STORE_SCHEMA_NEWER` for one that has taken more.
 */
export function schemaStep(database: DatabaseSync, file: string, schema: DatabaseSchema): number {
  try {
    requireKind(database, file, schema)
    return stepOf(database, file, schema)
  } catch (error) {
    throw storeFault(error, file)
  }
}

/** Throws `STORE_UNAVAILABLE` for a file of another kind, and for one whose tables nobody has made yet. */
export function requireTables(database: DatabaseSync, file: string, schema: DatabaseSchema): void {
  requireKind(database, file, schema)
  if (numberPragma(database, 'user_version') > 0) return
  const message = `The store ${file} has no tables yet. Start its server once, or restore a backup.`
  throw new RampartError('STORE_UNAVAILABLE', message)
}

/** The text of `sql/<name>.sql`. */
export function readSql(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8')
}

/** The one path of a file, whatever links lead to it: two names of one store must meet at one lock. */
export function canonicalPath(file: string): string {
  makeFolder(dirname(file))
  try {
    return realpathSync(file)
  } catch {
    // The file is not there yet; its folder is.
    return join(realpathSync(dirname(file)), basename(file))
  }
}

/** The extended SQLite result code of an error (sqlite.org/rescode.html); `undefined` for other errors. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode : undefined
}

/** The primary result codes that decide what a failure means. */
export const sqlite = {
  /** A table, an index or a column is not there, or a statement is wrong. */
  missing: 1,
  notAllowed: 3,
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notDatabase: 26,
} as const

/** True when an error carries this primary result code. */
export function isSqliteError(error: unknown, primaryCode: number): boolean {
  const code = sqliteCode(error)
  return code !== undefined && (code & 0xff) === primaryCode
}

/** The fault that a failed use of a database means; faults pass through untouched. */
export function storeFault(error: unknown, file: string): RampartError {
  if (error instanceof RampartError) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (isSqliteError(error, sqlite.full)) {
    const message = `The disk of ${file} is full, and nothing of this was stored. Free space and retry.`
    return new RampartError('STORE_FULL', message, { cause: error })
  }
  const advice = adviceFor(error)
  return new RampartError('STORE_UNAVAILABLE', `The database ${file} failed: ${reason}. ${advice}`, {
    cause: error,
  })
}

const readOnlyDirectory = 1544

function adviceFor(error: unknown): string {
  if (sqliteCode(error) === readOnlyDirectory) {
    return 'A reader needs the files ending in -wal and -shm beside it, or write access to its folder.'
  }
  if (isSqliteError(error, sqlite.notDatabase) || isSqliteError(error, sqlite.corrupt)) {
    return (
      'The file is damaged or is no SQLite database: restore it from a backup, or name another file. ' +
      'One with read models alone can be deleted instead: they are derived anew.'
    )
  }
  if (isSqliteError(error, sqlite.cannotOpen)) return 'Check that the folder exists and may be written.'
  if (isSqliteError(error, sqlite.busy)) return 'Another connection holds its lock: stop it and try again.'
  return 'Check the disk and the permissions of the file.'
}

function sqliteVersionOf(database: DatabaseSync): string {
  return String(database.prepare('SELECT sqlite_version() AS version').get()?.['version'])
}

function numberPragma(database: DatabaseSync, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
}

/** Throws `STORE_UNAVAILABLE` for a file of another kind; an empty one may become any. */
export function requireKind(database: DatabaseSync, file: string, schema: DatabaseSchema): void {
  const kind = numberPragma(database, 'application_id')
  if (kind === schema.applicationId) return
  const isEmpty = kind === 0 && numberPragma(database, 'schema_version') === 0
  if (isEmpty) return
  const message = `The file ${file} holds something else than this kind of store. Name another file.`
  throw new RampartError('STORE_UNAVAILABLE', message)
}

function stepOf(database: DatabaseSync, file: string, schema: DatabaseSchema): number {
  const step = numberPragma(database, 'user_version')
  if (step <= schema.steps.length) return step
  const message =
    `The store ${file} has schema ${step}, and this version knows ${schema.steps.length} at most. ` +
    'Run the version that wrote it, or a newer one.'
  throw new RampartError('STORE_SCHEMA_NEWER', message, { details: { schema: step } })
}

function takeStep(database: DatabaseSync, file: string, schema: DatabaseSchema): void {
  database.exec('BEGIN IMMEDIATE')
  // Another process may have taken the step while this one waited for the lock.
  const step = stepOf(database, file, schema)
  const sql = schema.steps[step]
  if (sql !== undefined) {
    database.exec(sql)
    database.exec(`PRAGMA application_id = ${schema.applicationId}`)
    database.exec(`PRAGMA user_version = ${step + 1}`)
  }
  database.exec('COMMIT')
}
