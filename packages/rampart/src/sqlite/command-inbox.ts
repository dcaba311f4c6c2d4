// The inbox port over SQLite: changes go through the commit queue of the store, beside its appends.
import { checkBurial, checkInboxCommand } from '../core/checks/index.ts'
import type { CommandInbox } from '../core/ports/index.ts'
import type { OpenLog, OpenStore } from './open-store.ts'

// What an operation without texts of its own counts for against the bounds of the queue.
const smallBytes = 200

/** The inbox of one log. */
export function createCommandInbox(
  { queue, reads }: OpenStore,
  { identity, accepted }: OpenLog,
): CommandInbox {
  const log = identity.number
  return {
    accept: async (command) => {
      const checked = checkInboxCommand(command)
      return queue.submit<'accept'>({ kind: 'accept', log, accepted: checked }, checked.bytes)
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
    find: async (id) => reads().inbox.find(identity, id),
    depth: async () => reads().inbox.depth(identity),
    deadLetters: async (limit) => reads().inbox.deadLetters(identity, limit),
    onAccepted: (callback) => {
      accepted.add(callback)
      return () => void accepted.delete(callback)
    },
  }
}
