// Changes of an inbox, which go through the commit queue of its store, beside the appends.
import { checkBurial, checkInboxCommand } from '../checks/checked-request.ts'
import type { CommandInbox } from '../ports/command-inbox.ts'
import type { LogIdentity } from './batch.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { LogListeners } from './listeners.ts'

// What an operation without texts of its own counts for against the bounds of the queue.
const smallBytes = 200

/** The part of an inbox that changes it, and tells who listens. */
export function createInboxChanges(
  queue: CommitQueue,
  { identity, accepted: listeners }: Pick<LogListeners, 'accepted'> & { readonly identity: LogIdentity },
): Pick<CommandInbox, 'accept' | 'claim' | 'release' | 'bury' | 'onAccepted'> {
  const log = identity.number
  return {
    accept: async (command) => {
      const accepted = checkInboxCommand(command)
      return queue.submit<'accept'>({ kind: 'accept', log, accepted }, accepted.bytes)
    },
    claim: async (request) => queue.submit<'claim'>({ kind: 'claim', log, request }, smallBytes),
    release: async (commandIds, retryAtMs, { cause = null, owner = null, untried = 0 } = {}) => {
      const bytes = smallBytes * (commandIds.length + 1) + (cause?.length ?? 0)
      const released = { log, commandIds, retryAtMs, cause, owner, untried }
      await queue.submit<'release'>({ kind: 'release', ...released }, bytes)
    },
    bury: async (burial) => {
      const checked = checkBurial(burial)
      await queue.submit<'bury'>({ kind: 'bury', log, burial: checked }, checked.bytes)
    },
    onAccepted: (callback) => {
      listeners.add(callback)
      return () => void listeners.delete(callback)
    },
  }
}
