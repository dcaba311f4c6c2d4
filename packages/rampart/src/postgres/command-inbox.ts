// The inbox port over PostgreSQL: changes go through the commit queue of the store, beside its appends.
import { checkBurial, checkInboxCommand } from '../core/checks/index.ts'
import type { CommandInbox } from '../core/ports/index.ts'
import { readSql, type Statement } from './database.ts'
import { deadLetterOf, inboxColumns, inboxCommandOf } from './inbox-rows.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { numberAt, numberOrNullAt } from './rows.ts'

// What an operation without texts of its own counts for against the bounds of the queue.
const smallBytes = 200

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
export function createCommandInbox(
  { queue, reads }: OpenStore,
  { identity, accepted: listeners }: OpenLog,
): CommandInbox {
  const log = identity.number
  return {
    accept: async (command) => {
      const accepted = checkInboxCommand(command)
      return queue.submit<'accept'>({ kind: 'accept', log, accepted }, accepted.bytes)
    },
    claim: async (request) => queue.submit<'claim'>({ kind: 'claim', log, request }, smallBytes),
    release: async (commandIds, retryAtMs, cause) => {
      const bytes = smallBytes * (commandIds.length + 1) + (cause?.length ?? 0)
      const released = { log, commandIds, retryAtMs, cause: cause ?? null }
      await queue.submit<'release'>({ kind: 'release', ...released }, bytes)
    },
    bury: async (burial) => {
      const checked = checkBurial(burial)
      await queue.submit<'bury'>({ kind: 'bury', log, burial: checked }, checked.bytes)
    },
    find: async (id) => {
      const [row] = await reads().query(findCommand, [log, id])
      return row === undefined ? undefined : inboxCommandOf(row)
    },
    depth: async () => {
      const [row = []] = await reads().query(measureInbox, [log])
      return { commands: numberAt(row, 0), nextDueMs: numberOrNullAt(row, 1) }
    },
    deadLetters: async (limit) => (await reads().query(listDeadLetters, [log, limit])).map(deadLetterOf),
    onAccepted: (callback) => {
      listeners.add(callback)
      return () => void listeners.delete(callback)
    },
  }
}
