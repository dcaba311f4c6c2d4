// The seal store port over PostgreSQL: seals are stored through the commit queue and read over the pool.
import { position, type Position } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import {
  checkSeals,
  sealEventsMax,
  sealRangeOf,
  type Seal,
  type SealRange,
  type SealStore,
} from '../core/seals/index.ts'
import { sealOf } from '../core/rows/index.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import { digestedLeafOf } from './event-rows.ts'
import { sha256 } from './fresh-leaves.ts'
import type { OpenLog, OpenStore } from './open-store.ts'

const listSeals: Statement = { name: 'list-seals', text: readSql('list-seals') }
const lastSeal: Statement = { name: 'last-seal', text: readSql('find-last-seal') }

/** The seals of one log. */
export function createSealStore(store: OpenStore, { key, identity }: OpenLog): SealStore {
  return {
    rangeAfter: (after) => rangeAfter(store, identity, after),
    async append(seals) {
      const bytes = checkSeals(seals)
      await store.queue.submit<'seal'>({ kind: 'seal', log: identity.number, key, seals }, bytes)
    },
    last: async () => findLastSeal(store.reads().query, identity),
    list: async (after, limit) =>
      listSealsAfter(store.reads().query, { number: identity.number, after, limit }),
  }
}

/** The newest seal of a log. */
export async function findLastSeal(
  query: RunQuery,
  { number }: Pick<LogIdentity, 'number'>,
): Promise<Seal | undefined> {
  const [row] = await query(lastSeal, [number])
  return row === undefined ? undefined : sealOf(row)
}

/** Seals of a log after one of them, in order. */
export async function listSealsAfter(
  query: RunQuery,
  { number, after, limit }: { readonly number: number; readonly after: number; readonly limit: number },
): Promise<readonly Seal[]> {
  return (await query(listSeals, [number, after, limit])).map(sealOf)
}

async function rangeAfter(
  { reads, leaves: fresh, runtime }: OpenStore,
  identity: LogIdentity,
  after: Position,
): Promise<SealRange | undefined> {
  const kept = fresh.after(identity.number, after)
  if (kept.length > 0) {
    // A range takes a millisecond, and many may follow each other.
    await new Promise<void>((resolve) => runtime.soon(resolve))
    return sealRangeOf(position(after + 1), kept, sha256)
  }
  const range = { after, through: after + sealEventsMax, limit: sealEventsMax }
  const events = await reads().events.readDigested(identity, range)
  if (events.length === 0) return undefined
  const leaves = events.map((event) => digestedLeafOf(event, sha256))
  return sealRangeOf(position(after + 1), leaves, sha256)
}
