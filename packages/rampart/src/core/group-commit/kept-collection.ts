// A collection of documents that commit with events, as its users see it: what changes it goes through
// the commit queue, beside the appends, and who listens hears of each batch.
import type { KeptChange, KeptCollection } from '../ports/document-store.ts'
import type { LogKey } from '../ports/log.ts'
import type { CollectionShape, DocumentCollection } from '../ports/document-collection.ts'
import type { LogIdentity } from './batch.ts'
import type { CommitQueue } from './commit-queue.ts'
import type { LogListeners } from './listeners.ts'

/** How the documents of a collection are read; nothing in them is ever quarantined. */
export type KeptReads = Pick<DocumentCollection, 'checkpoint' | 'load' | 'get' | 'page' | 'changes'>

/** What a kept collection stands on. */
export interface KeptCollectionOptions {
  readonly queue: CommitQueue
  readonly log: LogListeners & { readonly key: LogKey; readonly identity: LogIdentity }
  /** Makes the reading side of the collection with that number. */
  readonly readsOf: (number: number, shape: CollectionShape) => KeptReads
}

/** Opens a collection of a log. */
export async function openKeptCollection(
  { queue, log, readsOf }: KeptCollectionOptions,
  asked: Omit<CollectionShape, 'log'>,
): Promise<KeptCollection> {
  const shape = { ...asked, log: log.key }
  const opening = { kind: 'openDocuments', log: log.identity.number, shape } as const
  const { number } = await queue.submit<'openDocuments'>(opening, JSON.stringify(shape).length)
  const reads = readsOf(number, shape)
  return {
    shape,
    number,
    ...reads,
    quarantined: async () => [],
    queued: async () => [],
    skipped: async () => [],
    ...createBuilding(queue, log.identity.number, number),
    ...createKeeping(queue, log, { number, checkpoint: reads.checkpoint }),
  }
}

function createBuilding(
  queue: CommitQueue,
  log: number,
  number: number,
): Pick<KeptCollection, 'commit' | 'onCommitted'> {
  const committed = new Set<() => void>()
  return {
    async commit({ from, to, documents }) {
      const operation = { kind: 'buildDocuments', log, build: { number, from, to, documents } } as const
      await queue.submit<'buildDocuments'>(operation, JSON.stringify(documents).length)
      for (const callback of committed) callback()
    },
    onCommitted(callback) {
      // Wrapped, so that the same function may listen twice and each end ends its own.
      const listener = (): void => callback()
      committed.add(listener)
      return () => void committed.delete(listener)
    },
  }
}

function createKeeping(
  queue: CommitQueue,
  { identity, kept }: KeptCollectionOptions['log'],
  { number, checkpoint }: Pick<KeptCollection, 'number' | 'checkpoint'>,
): Pick<KeptCollection, 'keep' | 'onChanged'> {
  // Whoever listens before it is kept; afterwards they listen with those who opened it before.
  const early = new Set<(change: KeptChange) => void>()
  return {
    async keep() {
      const operation = { kind: 'keepDocuments', log: identity.number, number } as const
      await queue.submit<'keepDocuments'>(operation, 0)
      const listeners = (kept.get(number) ?? new Set()).union(early)
      kept.set(number, listeners)
      const place = await checkpoint()
      for (const callback of listeners) callback({ place, keys: new Set() })
    },
    onChanged(callback) {
      const listener = (change: KeptChange): void => callback(change)
      const listeners = kept.get(number) ?? early
      listeners.add(listener)
      return () => {
        early.delete(listener)
        kept.get(number)?.delete(listener)
      }
    },
  }
}
