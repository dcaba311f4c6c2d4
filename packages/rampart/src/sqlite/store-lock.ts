// One process per store file: a lock on a small file beside it, which the system frees however the process
// ends.
import { DatabaseSync } from 'node:sqlite'
import { RampartError } from '../core/index.ts'
import { isSqliteError, sqlite, storeFault } from './database.ts'

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

function openLockFile(lockFile: string): DatabaseSync {
  try {
    return new DatabaseSync(lockFile, { timeout: 0 })
  } catch (error) {
    throw storeFault(error, lockFile)
  }
}
