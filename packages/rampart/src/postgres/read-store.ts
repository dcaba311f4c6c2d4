// The read store on PostgreSQL: documents of projections in a schema of their own, which may stand on another
// server than the logs.
import type { Lease } from '../core/leases/index.ts'
import type { CollectionShape, DocumentCollection, LogKey, ReadStore } from '../core/ports/index.ts'
import { connectPrepared, readSchema } from './migrations.ts'
import { createCollectionReader } from './read-store-collection.ts'
import { createLeaseStore, leasePrefix } from './lease-store.ts'
import { createCommit } from './read-store-commits.ts'
import { fenced, type Fence } from './read-store-fence.ts'
import { openConnections, type Connections } from './read-store-connections.ts'
import {
  collectionStates,
  compareCollections,
  dropAll,
  dropCollection,
  openCollection,
  switchLive,
} from './read-store-generations.ts'

/** How to open a read store on PostgreSQL. */
export interface PostgresReadStoreOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Whose rights it works with, if the user of the URL may take them; `rampart_projector` unless said. */
  readonly role?: 'rampart_projector' | 'rampart_reader'
  /** Begins the keys of all logs in the database, so that apps with equal context names can share it. */
  readonly namespace?: string
}

/**
 * Opens a read store on PostgreSQL 15 or newer, and takes its schema to what this version knows. It does so
 * with the rights of the URL's user, and then drops those that `role` has not. Throws `STORE_SCHEMA_NEWER` or
 * `STORE_UNAVAILABLE`.
 */
export async function openPostgresReadStore(options: PostgresReadStoreOptions): Promise<ReadStore> {
  const { url, namespace, role = 'rampart_projector' } = options
  const store = openConnections(await connectPrepared(url, { schemas: [readSchema], role }))
  const { query } = store
  const leases = createLeaseStore({ query, schema: 'rampart_read', namespace })
  const under = (lease: Lease): ReadStore => {
    const fence = { lease, rowName: `${leasePrefix(namespace)}${lease.name}` }
    return { ...storeOver({ store: fenced(store, fence), namespace, fence }), leases: both, ...noEnd }
  }
  const both = { ...leases, under }
  const whole = storeOver({ store, namespace, fence: undefined })
  return { ...whole, leases: both, [Symbol.asyncDispose]: () => store.close() }
}

const noEnd = { [Symbol.asyncDispose]: () => Promise.resolve() }

interface StoreParts {
  readonly store: Connections
  readonly namespace: string | undefined
  /** The lease that changes are made under. */
  readonly fence: Fence | undefined
}

function storeOver({ store, namespace, fence }: StoreParts): Omit<ReadStore, typeof Symbol.asyncDispose> {
  const collections = new Map<number, DocumentCollection>()
  /** The same with the log by the name that it has in the database. */
  const named = <Of extends { readonly log: LogKey }>(of: Of): Of =>
    namespace === undefined ? of : { ...of, log: `${namespace}:${of.log}` }
  return {
    async openCollection(shape, epoch, generation = 1) {
      const number = await store.change((client) =>
        openCollection(client, named(shape), { epoch, generation }),
      )
      const known = collections.get(number) ?? createCollection({ store, number, shape, fence })
      collections.set(number, known)
      return known
    },
    beginAnew: (shape, epoch, generation) =>
      store.change(async (client) => {
        await dropAll(client, named(shape))
        await openCollection(client, named(shape), { epoch, generation })
      }),
    collections: async (log, name) => {
      const states = await collectionStates(store.query, named({ log }).log, name)
      return states.map((state) => ({ ...state, shape: { ...state.shape, log } }))
    },
    switchLive: (pair, tag) => store.change((client) => switchLive(client, named(pair), tag)),
    compare: (pair) => store.change((client) => compareCollections(client, named(pair))),
    dropCollection: (log, name, collection) =>
      store.change((client) => dropCollection(client, named({ log, name }), collection)),
  }
}

interface CollectionParts extends Pick<StoreParts, 'store' | 'fence'> {
  readonly number: number
  readonly shape: CollectionShape
}

function createCollection({ store, number, shape, fence }: CollectionParts): DocumentCollection {
  const table = { schema: 'rampart_read', number } as const
  const commit = createCommit(number, shape, fence)
  const listeners = new Set<() => void>()
  return {
    shape,
    ...createCollectionReader({ query: store.query, table, shape }),
    async commit(request) {
      await store.write((client) => commit(client, request))
      for (const listener of listeners) listener()
    },
    onCommitted(callback) {
      // Wrapped, so that the same function may listen twice and each end ends its own.
      const listener = (): void => callback()
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
