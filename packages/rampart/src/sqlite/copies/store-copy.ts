// Copies of store files that are in use, and what makes such a copy a store of its own.
//
// All pages of a copy come from one read transaction. Writers go on beside it, and only their log of writes
// grows until the copy is whole; without the transaction each of their commits would begin the copy anew.
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { backup, type DatabaseSync } from 'node:sqlite'
import { systemRuntime, type Runtime } from '../../core/index.ts'
import type { LogKey, LogPlace } from '../../core/ports/index.ts'
import {
  isSqliteError,
  migrate,
  openDatabase,
  readSql,
  requireTables,
  sqlite,
  storeFault,
} from '../database.ts'
import { placeOf, positionOf } from '../places.ts'
import { numberAt, prepareQuery, textAt } from '../rows.ts'
import { writeSchema } from '../writer-service.ts'

/** What to copy, and where to. */
export interface CopyOptions {
  readonly file: string
  /** A file that is not there yet. */
  readonly to: string
  /** Hears how many bytes are copied, and of how many. */
  readonly onProgress?: (done: number, total: number) => void
}

/** A log in a store file, and the last place of it there. */
export interface StoredLog {
  readonly log: LogKey
  readonly head: LogPlace
}

// Steps of a megabyte leave writers their share of the disk.
const pagesPerStep = 256
const busyTimeoutMs = 5000

/** Copies a store file of any kind as it is at one moment, and syncs the copy. */
export async function copySqliteFile(options: CopyOptions): Promise<void> {
  await copyWhile(options, () => undefined)
}

/** The same for a store of logs, with the logs that are in the copy. */
export async function copySqliteStore(options: CopyOptions): Promise<readonly StoredLog[]> {
  return copyWhile(options, (database) => {
    requireTables(database, options.file, writeSchema)
    return logsIn(database)
  })
}

/**
 * Begins an epoch in each log of a copy that is to take the place of the original: whatever lies beyond its
 * heads is a lost future from then on. Brings its tables up to date, and syncs it.
 */
export function beginSqliteEpochs(file: string, runtime: Runtime = systemRuntime): readonly StoredLog[] {
  const database = openDatabase({ file, synchronous: 'FULL' })
  try {
    migrate(database, file, writeSchema)
    database.exec('BEGIN IMMEDIATE')
    for (const { number, head } of headsIn(database)) {
      database.prepare(readSql('begin-epoch')).run(number, runtime.uuid(), head.position)
    }
    const logs = logsIn(database)
    database.exec('COMMIT')
    return logs
  } catch (error) {
    throw storeFault(error, file)
  } finally {
    database.close()
    syncPath(file)
  }
}

async function copyWhile<T>(
  { file, to, onProgress = () => {} }: CopyOptions,
  look: (database: DatabaseSync) => T,
): Promise<T> {
  const database = openDatabase({ file, synchronous: 'FULL', readOnly: true, busyTimeoutMs })
  try {
    database.exec('BEGIN')
    // The transaction begins with its first read.
    const pages = numberAt(prepareQuery(database, 'PRAGMA page_count').get() ?? [], 0)
    const pageBytes = numberAt(prepareQuery(database, 'PRAGMA page_size').get() ?? [], 0)
    const seen = look(database)
    onProgress(0, pages * pageBytes)
    await backup(database, to, {
      rate: pagesPerStep,
      progress: ({ totalPages, remainingPages }) =>
        onProgress((totalPages - remainingPages) * pageBytes, totalPages * pageBytes),
    })
    database.exec('COMMIT')
    syncPath(to)
    onProgress(pages * pageBytes, pages * pageBytes)
    return seen
  } catch (error) {
    // Only the copy takes room.
    throw storeFault(error, isSqliteError(error, sqlite.full) ? to : file)
  } finally {
    database.close()
  }
}

function logsIn(database: DatabaseSync): readonly StoredLog[] {
  return headsIn(database).map(({ log, head }) => ({ log, head }))
}

function headsIn(database: DatabaseSync): readonly (StoredLog & { readonly number: number })[] {
  const logs = prepareQuery(database, readSql('list-logs')).all()
  const findHead = prepareQuery(database, readSql('find-head'))
  return logs.map((row) => {
    const number = numberAt(row, 0)
    const event = findHead.get(placeOf(number, 0), placeOf(number + 1, 0))
    const head = {
      epoch: textAt(row, 2),
      position: positionOf(event === undefined ? 0 : numberAt(event, 0)),
      eventId: event === undefined ? '' : `${textAt(event, 1)}.${numberAt(event, 2)}`,
    }
    return { number, log: textAt(row, 1), head }
  })
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
