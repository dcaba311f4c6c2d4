// The writer of a store file with all that it holds: lock, connection, tables. Runs in any thread.
import { migrate, openDatabase, readSql, storeFault, type DatabaseSchema } from './database.ts'
import { createBatchWriter, type SynchronousWriter } from './batch-writer.ts'
import { unpackBatch, type PackedBatch } from './packed-batch.ts'
import { lockStore, type StoreLock } from './store-lock.ts'
import type { Service } from './worker-main.ts'
import type { WriterLimits } from './writer-state.ts'

/** How to open the writer. */
export interface WriterOptions extends WriterLimits {
  /** The one path of the file (see `canonicalPath`). */
  readonly file: string
}

/** An open writer. */
export interface OpenWriter extends SynchronousWriter {
  /** Closes the database and gives the lock back. */
  readonly close: () => void
}

const busyTimeoutMs = 2000

// Documents that commit with events have the tables of a read store; what is added there is added here.
const documentTables = ['create-collections', 'create-quarantine', 'add-generations'].map(readSql).join('\n')

/** The tables of a write store. */
export const writeSchema: DatabaseSchema = {
  applicationId: 0x72616d57,
  steps: [
    readSql('create-write-tables'),
    readSql('add-inbox-roles'),
    readSql('create-states'),
    readSql('create-tags'),
    readSql('create-seals'),
    readSql('add-inbox-causes'),
    documentTables,
  ],
}

/**
 * Locks, opens and migrates a store file. Throws `STORE_LOCKED`, `STORE_SCHEMA_NEWER` or `STORE_UNAVAILABLE`.
 */
export function openWriter(options: WriterOptions): OpenWriter {
  const { file } = options
  const lock = lockStore(file)
  try {
    return openLocked(options, lock)
  } catch (error) {
    lock.release()
    throw storeFault(error, file)
  }
}

function openLocked(options: WriterOptions, lock: StoreLock): OpenWriter {
  const { file } = options
  const database = openDatabase({ file, synchronous: 'FULL', busyTimeoutMs })
  try {
    migrate(database, file, writeSchema)
    // The writer itself sees to the journal, because SQLite would pass over what fails then.
    database.exec('PRAGMA wal_autocheckpoint = 0')
    // The lock proves that whoever claimed commands is gone.
    database.exec('UPDATE inbox SET owner = NULL, lease_until_ms = 0 WHERE owner IS NOT NULL')
    const writer = createBatchWriter({ ...options, database })
    const close = (): void => {
      database.close()
      lock.release()
    }
    return { ...writer, close }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Opens the writer in a worker thread. */
export function serve(options: WriterOptions): Service<null, PackedBatch, string> {
  const writer = openWriter(options)
  return {
    ready: null,
    handle: (packed) => JSON.stringify(writer.commit(unpackBatch(packed))),
    close: writer.close,
  }
}
