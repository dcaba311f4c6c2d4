// The journal of a database (its write-ahead log) and the moving of its pages into the file, which SQLite
// calls a checkpoint. A worker does most of it, and the writer what is left when the journal is long.
import type { DatabaseSync } from 'node:sqlite'
import { openDatabase } from './database.ts'
import { numberAt, prepareQuery } from './rows.ts'
import type { Service } from './worker-main.ts'

/** The journal as one connection sees it. */
export interface Journal {
  /** How many pages it holds; it begins anew once all of them are in the file. */
  readonly length: () => number
  /** How many of them the file lacks. */
  readonly waiting: () => number
  /**
   * Moves what can be moved without waiting for anyone. Somebody else may be at it, and then it does nothing.
   * The pages are on disk only when it has reached the end of the journal: until then a failed sync of the
   * file must not be passed over, or what it lost would go with the journal.
   */
  readonly move: () => void
}

/** Prepares the statements on a connection that may write. */
export function createJournal(database: DatabaseSync): Journal {
  const look = prepareQuery(database, 'PRAGMA wal_checkpoint(NOOP)')
  const move = prepareQuery(database, 'PRAGMA wal_checkpoint(PASSIVE)')
  return {
    length: () => numberAt(look.get() ?? [], 1),
    waiting: () => {
      const row = look.get() ?? []
      return numberAt(row, 1) - numberAt(row, 2)
    },
    move: () => void move.get(),
  }
}

/** How many pages must wait before the worker moves them: few are moved at the same cost as some. */
export const movedPagesMin = 4000
// A move syncs the file when no commit came while it wrote: the first is long, and those after it are short.
const movesMax = 4

/** Opens the mover of a store file in a worker thread; each call makes it look. */
export function serve(file: string): Service<null, null, null> {
  const database = openDatabase({ file, synchronous: 'FULL', busyTimeoutMs: 2000 })
  const journal = createJournal(database)
  return {
    ready: null,
    handle: () => {
      if (journal.waiting() < movedPagesMin) return null
      for (let moves = 0; moves < movesMax && journal.waiting() > 0; moves++) journal.move()
      return null
    },
    close: () => database.close(),
  }
}
