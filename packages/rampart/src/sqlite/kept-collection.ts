// Collections of documents that commit with events, over SQLite: written through the commit queue, read over
// a connection of their own.
import type { CollectionShape, KeptChange, KeptCollection } from '../core/ports/index.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { createCollectionReader } from './read-store-collection.ts'

/** Opens a collection of a log. */
export async function openKeptCollection(
  store: OpenStore,
  log: OpenLog,
  asked: Omit<CollectionShape, 'log'>,
): Promise<KeptCollection> {
  const shape = { ...asked, log: log.key }
  const opening = { kind: 'openDocuments', log: log.identity.number, shape } as const
  const { number } = await store.queue.submit<'openDocuments'>(opening, JSON.stringify(shape).length)
  const reads = createCollectionReader({ reader: store.documents(), number, shape })
  return {
    shape,
    number,
    ...reads,
    quarantined: async () => [],
    queued: async () => [],
    skipped: async () => [],
    ...createBuilding(store, log, number),
    ...createKeeping(store, log, { number, checkpoint: reads.checkpoint }),
  }
}

function createBuilding(
  { queue }: OpenStore,
  { identity }: OpenLog,
  number: number,
): Pick<KeptCollection, 'commit' | 'onCommitted'> {
  const committed = new Set<() => void>()
  return {
    async commit({ from, to, documents }) {
      const build = { number, from, to, documents }
      const operation = { kind: 'buildDocuments', log: identity.number, build } as const
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
  { queue }: OpenStore,
  { identity, kept }: OpenLog,
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
