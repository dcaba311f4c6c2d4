// Reads the inbox over a read-only connection.
import type { DatabaseSync } from 'node:sqlite'
import type { CommandId } from '../core/codec/index.ts'
import type { DeadLetter, InboxCommand } from '../core/ports/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import { readSql } from './database.ts'
import { deadLetterOf, inboxCommandOf } from '../core/rows/index.ts'
import { numberAt, numberOrNullAt, prepareQuery } from './rows.ts'

/** Reads of the inbox. */
export interface InboxReader {
  readonly find: (log: LogIdentity, id: CommandId) => InboxCommand | undefined
  readonly depth: (log: LogIdentity) => { readonly commands: number; readonly nextDueMs: number | null }
  readonly deadLetters: (log: LogIdentity, limit: number) => readonly DeadLetter[]
}

/** Prepares the reads on a connection. */
export function createInboxReader(database: DatabaseSync): InboxReader {
  const find = prepareQuery(database, `${readSql('select-inbox-command')} WHERE log = ? AND command_id = ?`)
  const measure = prepareQuery(database, readSql('measure-inbox'))
  const letters = prepareQuery(database, readSql('list-dead-letters'))
  return {
    find: ({ number }, id) => {
      const row = find.get(number, id)
      return row === undefined ? undefined : inboxCommandOf(row)
    },
    depth: ({ number }) => {
      const [row = []] = measure.allNamed({ log: number })
      return { commands: numberAt(row, 0), nextDueMs: numberOrNullAt(row, 1) }
    },
    deadLetters: ({ number }, limit) => letters.all(number, limit).map(deadLetterOf),
  }
}
