// A small shop for the tests of projections: its events, its read models, and ways to append and to fold by
// hand.
import { encodeEvent, streamId } from '../../core/codec/index.ts'
import {
  events,
  projection,
  systemRuntime,
  type DecidedEvent,
  type Json,
  type Projection,
  type Recorded,
} from '../../core/index.ts'
import { logKey, type EventStore, type ReadStore } from '../../core/ports/index.ts'
import { createMemoryStore } from '../../memory/index.ts'
import { openSqliteReadStore } from '../../sqlite/index.ts'
import { quarantineBounds, type QuarantineBounds } from '../quarantine.ts'
import { createReadModel } from '../create-read-model.ts'
import type { ReadModel } from '../index.ts'
import { createProjectionRunner } from '../create-projection-runner.ts'
import type { ProjectionRunner } from '../projection-runner.ts'
import { showRunner } from '../shown-projection.ts'

/** A schema that lets everything through: these tests are not about validation. */
function anything<T>() {
  const validate = (value: unknown): unknown => ({ value })
  return { '~standard': { version: 1 as const, vendor: 'test', validate } } as never as {
    readonly '~standard': {
      readonly version: 1
      readonly vendor: string
      readonly validate: (value: unknown) => unknown
      readonly types: { readonly input: T; readonly output: T }
    }
  }
}

export const shopEvents = events('order', {
  Placed: { version: 1, schema: anything<{ customer: string; pence: number; products: string[] }>() },
  Cancelled: { version: 1, schema: anything<{ customer: string; pence: number }>() },
  Forgotten: { version: 1, schema: anything<{}>() },
  Noted: { version: 1, schema: anything<{ text: string }>() },
})
const { Placed, Cancelled, Forgotten, Noted } = shopEvents.make

/** One document per order, deleted when it is forgotten; notes only count versions. */
export const orders = projection('orders', {
  version: 1,
  of: shopEvents,
  key: 'stream',
  initial: { status: 'none', pence: 0 },
  on: {
    Placed: (_, { data }) => ({ status: 'placed', pence: data.pence }),
    Cancelled: (doc) => ({ ...doc, status: 'cancelled' }),
    Forgotten: () => null,
  },
  indexes: ['status'],
})

/** One document per customer, with sums that would show an event that counts twice. */
export const customers = projection('customers', {
  version: 1,
  of: shopEvents,
  key: { Placed: ({ data }) => data.customer, Cancelled: ({ data }) => data.customer },
  initial: { orders: 0, pence: 0 },
  on: {
    Placed: (doc, { data }) => ({ orders: doc.orders + 1, pence: doc.pence + data.pence }),
    Cancelled: (doc, { data }) =>
      doc.orders <= 1 ? null : { orders: doc.orders - 1, pence: doc.pence - data.pence },
  },
})

/** One document per product; one order changes several. */
export const products = projection('products', {
  version: 1,
  of: [shopEvents],
  key: { Placed: ({ data }) => data.products },
  initial: { sold: 0, orders: [] as string[] },
  on: {
    Placed: (doc, { data, id }, key) => ({
      sold: doc.sold + data.products.filter((one) => one === key).length,
      orders: [...doc.orders, id],
    }),
  },
  search: ['orders'],
})

/** An event and the stream that it belongs to. */
export interface ShopEvent {
  readonly id: string
  readonly event: DecidedEvent
}

export const make = {
  placed: (id: string, customer = 'ada', more: { pence?: number; products?: string[] } = {}): ShopEvent => ({
    id,
    event: Placed({ customer, pence: more.pence ?? 100, products: more.products ?? ['mug'] }),
  }),
  cancelled: (id: string, customer = 'ada', pence = 100): ShopEvent => ({
    id,
    event: Cancelled({ customer, pence }),
  }),
  forgotten: (id: string): ShopEvent => ({ id, event: Forgotten({}) }),
  noted: (id: string, text = 'hello'): ShopEvent => ({ id, event: Noted({ text }) }),
}

/** Appends events one after the other; answers with the place of the last. */
export async function append(store: EventStore, ...list: readonly ShopEvent[]) {
  for (const { id, event } of list) {
    const { stored } = encodeEvent(shopEvents, event)
    const write = { decider: 'order', id: streamId(id), expectedVersion: 'any' as const, events: [stored] }
    await store.append({ writes: [write] })
  }
  return store.head()
}

/** What a document should be. */
export interface Expected {
  readonly key: string
  readonly version: number | null
  readonly position: number
  readonly data: Json
}

/** The documents of a projection, folded event by event from nothing, in the order of their keys. */
export function foldFromNothing(of: Projection, list: readonly ShopEvent[]): readonly Expected[] {
  const documents = new Map<string, Expected>()
  const versions = new Map<string, number>()
  for (const [index, { id, event }] of list.entries()) {
    const version = (versions.get(id) ?? 0) + 1
    versions.set(id, version)
    const data = JSON.parse(JSON.stringify(event.data)) as Json
    const recorded: Recorded = { ...event, data, id, version, position: index + 1, recordedAt: '' }
    if (!of.reads.includes(event.type)) continue
    for (const key of of.keysOf(recorded)) {
      const held = documents.get(key)
      const before = held?.data ?? null
      const handler = of.on[event.type]
      if (handler === undefined && !of.perStream) continue
      const after = handler === undefined ? before : handler(before ?? of.initial, recorded, key)
      const isChange = after !== before
      if (!isChange && !of.perStream) continue
      const position = isChange || held === undefined ? index + 1 : held.position
      documents.set(key, { key, version: of.perStream ? version : null, position, data: after })
    }
  }
  return [...documents.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

/** A log and a read store in memory, and runners on them. */
export interface Shop extends AsyncDisposable {
  readonly log: EventStore
  readonly reads: ReadStore
  readonly run: (
    of: Projection,
    options?: {
      readonly batchSize?: number
      readonly log?: EventStore
      readonly reads?: ReadStore
      readonly bounds?: QuarantineBounds
    },
  ) => Promise<RunningShop>
}

/** A running projection of the shop with its read model. */
export interface RunningShop extends AsyncDisposable {
  readonly runner: ProjectionRunner
  readonly model: ReadModel
  readonly faults: readonly unknown[]
  /** Resolves when it contains the head of the log. */
  readonly caughtUp: () => Promise<void>
  /** All documents, deleted ones too, in the order of their keys. */
  readonly documents: () => Promise<readonly Expected[]>
}

/** Opens an empty shop. */
export async function openShop(): Promise<Shop> {
  const store = createMemoryStore()
  const log = await store.openLog(logKey('shop'))
  const reads = await openSqliteReadStore({ file: ':memory:', thread: 'caller' })
  return {
    log,
    reads,
    run: (of, options = {}) => runOn(of, { log, reads, ...options }),
    async [Symbol.asyncDispose]() {
      await reads[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

async function runOn(
  of: Projection,
  options: { log: EventStore; reads: ReadStore; batchSize?: number; bounds?: QuarantineBounds },
): Promise<RunningShop> {
  const { log, reads, batchSize = 1000, bounds = quarantineBounds } = options
  const faults: unknown[] = []
  const runner = await createProjectionRunner({
    projection: of,
    store: log,
    readStore: reads,
    runtime: systemRuntime,
    batchSize,
    bounds,
    reportFault: (fault) => faults.push(fault),
  })
  const model = createReadModel({
    shown: showRunner({ runner, runtime: systemRuntime }),
    runtime: systemRuntime,
  })
  return {
    runner,
    model,
    faults,
    async caughtUp() {
      const token = new Map([[log.log, await log.head()]])
      await model.list({ where: [], search: null, afterKey: null, limit: 1 }, { token, waitMs: 10_000 })
    },
    async documents() {
      const after = { position: (await log.head()).position, key: '' }
      const all = await runner.collection.changes({ after: { ...after, position: 0 as never }, limit: 1e6 })
      return all.documents.toSorted((a, b) => (a.key < b.key ? -1 : 1))
    },
    [Symbol.asyncDispose]: () => runner.stop(),
  }
}
