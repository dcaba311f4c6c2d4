// The event store port over SQLite: appends go through the commit queue, reads over a connection of their
// own.
import { checkAppend } from '../core/checks/index.ts'
import type { AppendRequest, AppendResult, CollectionShape, EventStore } from '../core/ports/index.ts'
import { openKeptCollection, type KeptReads, type LogIdentity } from '../core/group-commit/index.ts'
import { createCommandInbox } from './command-inbox.ts'
import { createHistory } from './history.ts'
import { createLogPages } from './log-pages.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { createCollectionReader } from './read-store-collection.ts'
import { createSealStore } from './seal-store.ts'

/** The event store of one log. */
export function createEventStore(store: OpenStore, log: OpenLog): EventStore {
  const { identity, appended } = log
  const readsOf = (number: number, shape: CollectionShape): KeptReads =>
    createCollectionReader({ reader: store.documents(), number, shape })
  return {
    log: log.key,
    ...createHistory(store, log),
    capabilities: { durable: true, reopens: true, dynamicConsistency: true },
    inbox: createCommandInbox(store, log),
    seals: createSealStore(store, log),
    append: (request) => append(store, identity, request),
    ...createLogPages({ runtime: store.runtime, events: () => store.reads().events }, identity),
    head: async () => store.reads().events.head(identity),
    findOutcome: async (id) => {
      const { outcomes } = store.reads()
      return outcomes.findWithEvents(identity, id) ?? outcomes.findKept(identity, id, store.runtime.nowMs())
    },
    loadState: async (decider, id) => store.reads().findState(identity, decider, id),
    openDocuments: (asked) => openKeptCollection({ queue: store.queue, log, readsOf }, asked),
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
