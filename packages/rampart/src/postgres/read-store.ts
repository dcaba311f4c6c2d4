// The read store on PostgreSQL: documents of projections in a schema of their own, which may stand on another
// server than the logs.
import type { CollectionShape, DocumentCollection, LogKey, ReadStore } from '../core/ports/index.ts'
import { connectPrepared, readSchema } from './migrations.ts'
import { createCollectionReader } from './read-store-collection.ts'
import { createCommit } from './read-store-commits.ts'
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
  const store = openConnections(await connectPrepared(url, { schema: readSchema, role }))
  const collections = new Map<number, DocumentCollection>()
  /** The same with the log by the name that it has in the database. */
  const named = <Of extends { readonly log: LogKey }>(of: Of): Of =>
    namespace === undefined ? of : { ...of, log: `${namespace}:${of.log}` }
  return {
    async openCollection(shape, epoch, generation = 1) {
      const number = await store.change((client) =>
        openCollection(client, named(shape), { epoch, generation }),
      )
      const known = collections.get(number) ?? createCollection(store, number, shape)
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
    [Symbol.asyncDispose]: () => store.close(),
  }
}

function createCollection(store: Connections, number: number, shape: CollectionShape): DocumentCollection {
  const commit = createCommit(number, shape)
  const listeners = new Set<() => void>()
  return {
    shape,
    ...createCollectionReader({ query: store.query, number, shape }),
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
