// The read store on PostgreSQL: documents of projections in a schema of their own, which may stand on another
// server than the logs.
import type { Lease, LeaseHints } from '../core/leases/index.ts'
import type { CollectionShape, DocumentCollection, LogKey, ReadStore } from '../core/ports/index.ts'
import { systemRuntime, type Runtime } from '../core/index.ts'
import { accessOf } from './access.ts'
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
  projectionNames,
  switchLive,
} from './read-store-generations.ts'
import { createKeptLooks } from './read-store-kept.ts'
import { createNewsDesk, createSharedReads, hintOf, type NewsDesk } from './read-store-shared.ts'
import { startWakeUps, type WakeUpOptions, type WakeUps } from './wake-ups.ts'

/** Names a projection by its log. */
type ProjectionName = Pick<CollectionShape, 'log' | 'name'>

/** How to open a read store on PostgreSQL. */
export interface PostgresReadStoreOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Whose rights it works with, if the user of the URL may take them; `rampart_projector` unless said. */
  readonly role?: 'rampart_projector' | 'rampart_reader'
  /**
   * Who serves documents out of the same database, as `rampart_reader` if that user may be it; who keeps them
   * does unless said.
   */
  readonly readerUrl?: string
  /** Begins the keys of all logs in the database, so that apps with equal context names can share it. */
  readonly namespace?: string
  /** The machine's own unless given. */
  readonly runtime?: Runtime
  /** How long one statement may take before it is given up; 30 s unless said. */
  readonly statementMs?: number
  /** How many connections read, beside the one that writes; 4 unless said. */
  readonly readersMax?: number
}

/**
 * Opens a read store on PostgreSQL 15 or newer, and takes its schema to what this version knows. It does so
 * with the rights of the URL's user, and then drops those that `role` has not. Throws `STORE_SCHEMA_NEWER` or
 * `STORE_UNAVAILABLE`.
 */
export async function openPostgresReadStore(options: PostgresReadStoreOptions): Promise<ReadStore> {
  const { namespace, role = 'rampart_projector', readerUrl, runtime = systemRuntime } = options
  const prepared = await connectPrepared(accessOf(options), { schemas: [readSchema], role })
  const store = openConnections({ ...prepared, readerUrl })
  const news = openNews({ access: prepared.access, runtime, onSilent: store.giveUp })
  const { query } = store
  const hints = leaseHints(news)
  const leases = createLeaseStore({ query, schema: 'rampart_read', namespace, hints })
  const under = (lease: Lease): ReadStore => {
    const fence = { lease, rowName: `${leasePrefix(namespace)}${lease.name}` }
    return { ...storeOver({ store: fenced(store, fence), namespace, fence, news }), leases: both, ...noEnd }
  }
  const both = { ...leases, under }
  const whole = storeOver({ store, namespace, fence: undefined, news })
  const named = (log: LogKey): string => (namespace === undefined ? log : `${namespace}:${log}`)
  const kept = createKeptLooks({ query: store.documents, access: prepared.access, runtime, named })
  return {
    ...whole,
    leases: both,
    kept,
    async [Symbol.asyncDispose]() {
      await Promise.all([news.wakeUps.close(), kept.close(), store.close()])
    },
  }
}

const noEnd = { [Symbol.asyncDispose]: () => Promise.resolve() }

/** Hints between processes about projections, which are named as they are in the database. */
interface News {
  readonly desk: NewsDesk
  readonly wakeUps: WakeUps
  /** Lets this process and the others know. */
  readonly spread: (of: ProjectionName) => void
}

function openNews(options: Omit<WakeUpOptions, 'channel' | 'onWake'>): News {
  const desk = createNewsDesk()
  const wakeUps = startWakeUps({ ...options, channel: 'rampart_read', onWake: desk.hear })
  const spread = (of: ProjectionName): void => {
    const hint = hintOf(of)
    desk.hear(hint)
    wakeUps.tell(hint)
  }
  return { desk, wakeUps, spread }
}

// Their words stand in the place of names of projections, with no log before them.
function leaseHints({ desk, spread }: News): LeaseHints {
  return {
    tell: (name) => spread({ log: '', name }),
    listen: (name, callback) => desk.listen('', name, callback),
  }
}

interface StoreParts {
  readonly store: Connections
  readonly namespace: string | undefined
  /** The lease that changes are made under. */
  readonly fence: Fence | undefined
  readonly news: News
}

function storeOver(parts: StoreParts): Omit<ReadStore, typeof Symbol.asyncDispose> {
  const { store, namespace, fence, news } = parts
  const { desk, spread } = news
  /** The same with the log by the name that it has in the database. */
  const named: Named = (of) => (namespace === undefined ? of : { ...of, log: `${namespace}:${of.log}` })
  const collections = new Map<number, DocumentCollection>()
  return {
    async openCollection(shape, epoch, generation = 1) {
      const number = await store.change((client) =>
        openCollection(client, named(shape), { epoch, generation }),
      )
      const onMoved = (): void => spread(named(shape))
      const known = collections.get(number) ?? createCollection({ store, number, shape, fence, onMoved })
      collections.set(number, known)
      // It may be the first one, which others wait for.
      onMoved()
      return known
    },
    ...collectionOperations(parts, named),
    shared: createSharedReads({ ...store, named: (log) => named({ log }).log, desk, spread }),
  }
}

type Named = <Of extends { readonly log: LogKey }>(of: Of) => Of

/** What is done with whole collections of a projection. */
function collectionOperations({ store, news: { spread } }: StoreParts, named: Named) {
  return {
    async beginAnew(shape, epoch, generation) {
      await store.change(async (client) => {
        await dropAll(client, named(shape))
        await openCollection(client, named(shape), { epoch, generation })
      })
      spread(named(shape))
    },
    collections: async (log, name) => {
      const states = await collectionStates(store.query, named({ log }).log, name)
      return states.map((state) => ({ ...state, shape: { ...state.shape, log } }))
    },
    async switchLive(pair, tag) {
      await store.change((client) => switchLive(client, named(pair), tag))
      spread(named(pair))
    },
    compare: (pair) => store.change((client) => compareCollections(client, named(pair))),
    dropCollection: (log, name, collection) =>
      store.change((client) => dropCollection(client, named({ log, name }), collection)),
    names: (log) => projectionNames(store.query, named({ log }).log),
    async forget(log, name) {
      await store.change((client) => dropAll(client, named({ log, name })))
      spread(named({ log, name }))
    },
  } satisfies Partial<ReadStore>
}

interface CollectionParts extends Pick<StoreParts, 'store' | 'fence'> {
  readonly number: number
  readonly shape: CollectionShape
  /** Called after each commit. */
  readonly onMoved: () => void
}

function createCollection(parts: CollectionParts): DocumentCollection {
  const { store, number, shape, fence, onMoved } = parts
  const table = { schema: 'rampart_read', number } as const
  const commit = createCommit(number, shape, fence)
  const { get, page, changes } = createCollectionReader({ query: store.documents, table, shape })
  const listeners = new Set<() => void>()
  return {
    shape,
    ...createCollectionReader({ query: store.query, table, shape }),
    get,
    page,
    changes,
    async commit(request) {
      await store.write((client) => commit(client, request))
      onMoved()
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
