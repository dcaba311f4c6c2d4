// One process per store file: a lock on a small file beside it, which the system frees however the process
// ends.
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { RampartError } from '../core/index.ts'
import { isSqliteError, sqlite, storeFault } from './database.ts'

const lookMs = 50

/** A held lock. */
export interface StoreLock {
  readonly release: () => void
}

/**
 * Takes the lock of a store file. Throws `STORE_LOCKED` when another writer has it, in this process or
 * another.
 */
export function lockStore(file: string): StoreLock {
  const lockFile = `${file}.lock`
  const database = openLockFile(lockFile)
  try {
    // The lock is SQLite's own lock on the file; nothing is ever written to it.
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isSqliteError(error, sqlite.busy)) throw storeFault(error, lockFile)
    const message =
      `The store ${file} is in use: another writer holds ${lockFile}. ` +
      'Stop the process that has the store open, or name another file. ' +
      'Do not delete the lock file: it frees itself when that process ends.'
    throw new RampartError('STORE_LOCKED', message, { details: { file, lockFile } })
  }
  return { release: () => database.close() }
}

/** Whether a process has a store file open for writing. Looks without taking the lock for itself. */
export function isStoreHeld(file: string): boolean {
  const lockFile = `${file}.lock`
  if (!existsSync(lockFile)) return false
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(lockFile, { readOnly: true, timeout: 0 })
    // A read needs a lock of its own, which the writer's excludes.
    database.prepare('SELECT 1 FROM sqlite_schema').get()
    return false
  } catch (error) {
    if (isSqliteError(error, sqlite.busy)) return true
    throw storeFault(error, lockFile)
  } finally {
    database?.close()
  }
}

function openLockFile(lockFile: string): DatabaseSync {
  try {
    // Whoever only looks whether the lock is held has it for an instant.
    return new DatabaseSync(lockFile, { timeout: lookMs })
  } catch (error) {
    throw storeFault(error, lockFile)
  }
}
