// The inbox port over PostgreSQL: changes go through the commit queue of the store, beside its appends.
import { createInboxChanges } from '../core/group-commit/index.ts'
import type { CommandInbox } from '../core/ports/index.ts'
import { deadLetterOf, inboxColumns, inboxCommandOf } from '../core/rows/index.ts'
import { readSql, type Statement } from './database.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { numberAt, numberOrNullAt } from './rows.ts'

const findCommand: Statement = {
  name: 'find-inbox-command',
  text: `SELECT ${inboxColumns} FROM rampart_write.inbox WHERE log = $1 AND command_id = $2`,
}
const measureInbox: Statement = { name: 'measure-inbox', text: readSql('measure-inbox') }
const listDeadLetters: Statement = {
  name: 'list-dead-letters',
  text: `SELECT ${inboxColumns}, cause, buried_at_ms FROM rampart_write.dead_letters
    WHERE log = $1 ORDER BY sequence DESC LIMIT $2`,
}

/** The inbox of one log. */
export function createCommandInbox({ queue, reads }: OpenStore, own: OpenLog): CommandInbox {
  const log = own.identity.number
  return {
    ...createInboxChanges(queue, own),
    find: async (id) => {
      const [row] = await reads().query(findCommand, [log, id])
      return row === undefined ? undefined : inboxCommandOf(row)
    },
    depth: async () => {
      const [row = []] = await reads().query(measureInbox, [log])
      return { commands: numberAt(row, 0), nextDueMs: numberOrNullAt(row, 1) }
    },
    deadLetters: async (limit) => (await reads().query(listDeadLetters, [log, limit])).map(deadLetterOf),
  }
}
