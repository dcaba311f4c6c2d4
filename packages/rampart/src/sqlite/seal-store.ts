// The seal store port over SQLite: seals are stored through the commit queue and read over the connection
// for reads.
import { checkSeals, type SealStore } from '../core/seals/index.ts'
import type { OpenLog, OpenStore } from './open-store.ts'

/** The seals of one log. */
export function createSealStore(store: OpenStore, { key, identity }: OpenLog): SealStore {
  const { number } = identity
  return {
    rangeAfter: async (after) => store.reads().digester.rangeAfter({ log: number, after }),
    async append(seals) {
      const bytes = checkSeals(seals)
      await store.queue.submit<'seal'>({ kind: 'seal', log: number, key, seals }, bytes)
    },
    last: async () => store.reads().seals.last(number),
    list: async (after, limit) => store.reads().seals.list(number, after, limit),
  }
}
