// Collections of documents that commit with events, over PostgreSQL: written through the commit queue,
// read over connections of their own, and followed where other processes change them.
import { openKeptCollection, type KeptReads } from '../core/group-commit/index.ts'
import type { CollectionShape, KeptCollection } from '../core/ports/index.ts'
import { followKept } from './kept-follower.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { createCollectionReader } from './read-store-collection.ts'

/** Opens a collection of a log. */
export async function openDocuments(
  store: OpenStore,
  log: OpenLog,
  asked: Omit<CollectionShape, 'log'>,
): Promise<KeptCollection> {
  const { queue, runtime } = store
  const query = await store.documents()
  const readsOf = (number: number, shape: CollectionShape): KeptReads =>
    createCollectionReader({ query, table: { schema: 'rampart_documents', number }, shape })
  const collection = await openKeptCollection({ queue, log, readsOf }, asked)
  const { number } = collection
  return {
    ...collection,
    async keep() {
      await collection.keep()
      if (log.followers.has(number)) return
      const tell: Parameters<typeof followKept>[0]['tell'] = (change) => {
        for (const callback of log.kept.get(number) ?? []) callback(change)
      }
      const from = await collection.checkpoint()
      log.followers.set(number, followKept({ number, query, runtime, from, tell }))
    },
  }
}
