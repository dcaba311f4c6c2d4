// The connection that serves documents out of a write store's file. It reads documents and their checkpoints,
// and nothing else that the file holds.
//
// Two walls stand around it. What it may prepare is a fixed list of statements, of which nothing varies but
// the number of a collection and the indexes that a listing asks for. And SQLite itself asks `mayDo` about
// each step of a statement, where Node lets it (`setAuthorizer`, from Node 24.10 on).
import { constants, type DatabaseSync } from 'node:sqlite'
import { RampartError } from '../core/index.ts'
import { openDatabase } from './database.ts'
import { createReader, isCollectionStatement, type Reader } from './read-store-collection.ts'

/** The reader of a file's documents. */
export interface DocumentReader {
  readonly reader: Reader
  readonly close: () => void
}

const documentTables = /^(?:collections|documents_\d+|words_\d+(?:_[a-z]+)?|quarantined_keys|json_each)$/
const functions: ReadonlySet<string | null> = new Set(['match', 'count'])

/** Opens the connection to a file that its writer has created. */
export function openDocumentReader(file: string): DocumentReader {
  const database = openDatabase({ file, synchronous: 'FULL', readOnly: true, busyTimeoutMs: 2000 })
  restrict(database)
  const listed: Pick<DatabaseSync, 'prepare' | 'exec'> = {
    prepare(sql) {
      if (isCollectionStatement(sql)) return database.prepare(sql)
      throw new RampartError('INTERNAL', `The connection for documents does not know this statement: ${sql}`)
    },
    exec: (sql) => database.exec(sql),
  }
  return {
    reader: createReader(listed, file, () => !database.isOpen),
    close: () => {
      if (database.isOpen) database.close()
    },
  }
}

/** Lets a connection read documents and nothing else, where Node can ask about that. */
export function restrict(database: DatabaseSync): void {
  if (!('setAuthorizer' in database)) return
  database.setAuthorizer((action, first, second) =>
    mayDo({ action, first, second }) ? constants.SQLITE_OK : constants.SQLITE_DENY,
  )
}

interface Step {
  readonly action: number
  readonly first: string | null
  readonly second: string | null
}

function mayDo({ action, first, second }: Step): boolean {
  switch (action) {
    case constants.SQLITE_SELECT:
    case constants.SQLITE_TRANSACTION:
      return true
    case constants.SQLITE_READ:
      return documentTables.test(first ?? '')
    case constants.SQLITE_FUNCTION:
      return functions.has(second)
    // The search index asks whether the file has changed.
    case constants.SQLITE_PRAGMA:
      return first === 'data_version'
    default:
      return false
  }
}
