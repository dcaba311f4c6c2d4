// The event store port over PostgreSQL: appends go through the commit queue, reads over the pool.
import { checkAppend } from '../core/checks/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { AppendRequest, AppendResult, EventStore } from '../core/ports/index.ts'
import { createCommandInbox } from './command-inbox.ts'
import { createHistory } from './history.ts'
import { openDocuments } from './kept-collection.ts'
import { createLogPages } from './log-pages.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { findOutcome } from './outcome-store.ts'
import { createSealStore } from './seal-store.ts'
import { findState } from './state-store.ts'

/** The event store of one log. */
export function createEventStore(store: OpenStore, log: OpenLog): EventStore {
  const { identity, appended } = log
  return {
    log: log.key,
    ...createHistory(store, log),
    ...createLogPages(store, identity),
    capabilities: { durable: true, reopens: true, dynamicConsistency: true },
    inbox: createCommandInbox(store, log),
    seals: createSealStore(store, log),
    append: (request) => append(store, identity, request),
    head: async () => store.reads().events.head(identity),
    findOutcome: async (id) =>
      findOutcome(store.reads().query, identity, { id, nowMs: store.runtime.nowMs() }),
    loadState: async (decider, id) => findState(store.reads().query, identity, { decider, id }),
    openDocuments: (asked) => openDocuments(store, log, asked),
    onAppended: (callback) => {
      appended.add(callback)
      return () => void appended.delete(callback)
    },
  }
}

function append(
  { queue }: OpenStore,
  { number }: LogIdentity,
  request: AppendRequest,
): Promise<AppendResult> {
  try {
    const checked = checkAppend(request)
    return queue.submit<'append'>({ kind: 'append', log: number, append: checked }, checked.bytes)
  } catch (fault) {
    return Promise.reject(fault)
  }
}
