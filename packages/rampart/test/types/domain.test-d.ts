// What a domain may say and what must not compile: the public surface's own mistakes, each held by an
// expectation.
import {
  context,
  decider,
  events,
  projection,
  state,
  type Decider,
  type Events,
  type Projection,
  type Recorded,
} from 'rampart'
import { z } from 'zod'

const line = z.strictObject({ sku: z.string(), quantity: z.int(), unitPricePence: z.int().min(0) })
const orderEvents = events('order', {
  OrderPlaced: {
    version: 2,
    schema: z.strictObject({
      customerId: z.string().optional(),
      placedOn: z.string(),
      lines: z.array(line),
      totalPence: z.int(),
    }),
    tags: (order) => (order.customerId ? [`customer:${order.customerId}`] : []),
    upcast: { 1: (recorded) => ({ ...(recorded as object), totalPence: 0 }) },
  },
  OrderCancelled: { version: 1, schema: z.strictObject({ reason: z.string() }) },
})
const { OrderPlaced, OrderCancelled } = orderEvents.make
type OrderState =
  | { readonly status: 'none' }
  | { readonly status: 'placed' | 'shipped' | 'cancelled'; readonly totalPence: number }

const order = decider(orderEvents, {
  state: state(1, (): OrderState => ({ status: 'none' })),
  evolve: {
    OrderPlaced: (_, { totalPence }) => ({ status: 'placed', totalPence }),
    OrderCancelled: (current) => (current.status === 'none' ? current : { ...current, status: 'cancelled' }),
  },
  commands: {
    PlaceOrder: {
      schema: z.strictObject({
        customerId: z.string().optional(),
        placedOn: z.iso.date(),
        lines: z.array(line).min(1),
      }),
      refuses: ['ORDER_EXISTS', 'QUANTITY_NOT_POSITIVE'],
      creates: true,
      decide(current, data, { refuse }) {
        if (current.status !== 'none') return refuse('ORDER_EXISTS', { status: current.status })
        if (data.lines.some(({ quantity }) => quantity <= 0)) return refuse('QUANTITY_NOT_POSITIVE')
        return OrderPlaced({ ...data, totalPence: 1 })
      },
    },
    CancelOrder: {
      schema: z.strictObject({ reason: z.string() }),
      refuses: ['ORDER_NOT_FOUND', 'ORDER_ALREADY_CANCELLED'],
      decide(current, { reason }, { refuse, id }) {
        if (current.status === 'none')
          return refuse('ORDER_NOT_FOUND', { id }, { detail: 'There is no such order.' })
        if (current.status === 'cancelled') return refuse('ORDER_ALREADY_CANCELLED')
        return [OrderCancelled({ reason })]
      },
    },
  },
})

const orderPage = projection('order', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: { status: 'placed', totalPence: 0 },
  on: {
    OrderPlaced: (page, event) => ({ ...page, totalPence: event.data.totalPence }),
    OrderCancelled: (page) => ({ ...page, status: 'cancelled' }),
  },
})
const salesByDay = projection('sales-by-day', {
  version: 1,
  of: orderEvents,
  key: { OrderPlaced: (event) => event.data.placedOn },
  initial: { orders: 0, salesPence: 0 },
  on: {
    OrderPlaced: (day, event) => ({
      orders: day.orders + 1,
      salesPence: day.salesPence + event.data.totalPence,
    }),
  },
  indexes: ['orders'],
})
const orders = context('orders', { deciders: [order], projections: [orderPage, salesByDay] })

context('stored', { deciders: [order], repositories: { order: 'stateStored' } })
context('seldom', { deciders: [order], repositories: { order: { snapshotEvery: 1000 } } })
// @ts-expect-error a repository of a decider that the context does not have
context('x', { deciders: [order], repositories: { orders: 'stateStored' } })
// @ts-expect-error a kind of repository that there is not
context('x', { deciders: [order], repositories: { order: 'stored' } })
state(2, () => ({ open: false, note: '' }), { migrate: { 1: (stored) => ({ ...Object(stored), note: '' }) } })
// @ts-expect-error a migration makes JSON
state(2, () => ({ at: '' }), { migrate: { 1: () => new Date(0) } })

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<Statement extends true>(): Statement | undefined {
  return undefined
}
holds<Equal<(typeof orders)['name'], 'orders'>>()
holds<Equal<(typeof orders)['deciders'][0]['name'], 'order'>>()
type Codes<D> = D extends Decider<string, infer _Commands, infer Known> ? Known : never
holds<
  Equal<
    Codes<typeof order>,
    {
      readonly PlaceOrder: 'ORDER_EXISTS' | 'QUANTITY_NOT_POSITIVE'
      readonly CancelOrder: 'ORDER_NOT_FOUND' | 'ORDER_ALREADY_CANCELLED'
    }
  > extends boolean
    ? true
    : never
>()
type DocOf<P> = P extends Projection<string, infer Doc> ? Doc : never
holds<Equal<DocOf<typeof salesByDay>, { orders: number; salesPence: number }>>()
holds<Equal<(typeof orderEvents)['name'], 'order'>>()
void (orderEvents satisfies Events<'order', unknown>)

// @ts-expect-error a Date is not JSON: it would come back as a string
events('x', { A: { version: 1, schema: z.strictObject({ at: z.date() }) } })
// @ts-expect-error a bigint is not JSON
events('x', { A: { version: 1, schema: z.strictObject({ at: z.bigint() }) } })
// @ts-expect-error a schema that transforms accepts something else than what it stores
events('x', { A: { version: 1, schema: z.strictObject({ n: z.string().transform(Number) }) } })
// @ts-expect-error a default makes what is accepted differ from what is stored
events('x', { A: { version: 1, schema: z.strictObject({ n: z.number().default(0) }) } })
// @ts-expect-error an event has a schema version
events('x', { A: { schema: z.strictObject({ n: z.number() }) } })
// @ts-expect-error wrong payload
OrderCancelled({ reasn: 'x' })

const counted = events('y', { Counted: { version: 1, schema: z.strictObject({ n: z.number() }) } })
decider(counted, {
  // @ts-expect-error a Map is not JSON: a snapshot would lose it
  state: state(1, () => new Map<string, number>()),
  evolve: { Counted: (s) => s },
  commands: {},
})
decider(counted, {
  state: state(1, () => 0),
  // @ts-expect-error an event nobody evolves
  evolve: {},
  commands: {},
})
decider(counted, {
  state: state(1, () => 0),
  evolve: { Counted: (s, { n }) => s + n },
  commands: {
    Count: {
      schema: z.strictObject({}),
      refuses: ['NO'],
      // @ts-expect-error a refusal that was not declared
      decide: (_state, _data, { refuse }) => refuse('MAYBE'),
    },
  },
})
decider(counted, {
  state: state(1, () => 0),
  evolve: { Counted: (s, { n }) => s + n },
  commands: {
    Count: {
      schema: z.strictObject({ n: z.number() }),
      refuses: [],
      // @ts-expect-error an event of another aggregate
      decide: () => OrderCancelled({ reason: 'x' }),
    },
  },
})
decider(counted, {
  state: state(1, () => 0),
  evolve: { Counted: (s, { n }) => s + n },
  commands: {
    // @ts-expect-error a command without a decision
    Count: { schema: z.strictObject({ n: z.number() }), refuses: [] },
  },
})
projection('p', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: { n: 0 },
  on: {
    // @ts-expect-error not an event of its source
    Unknown: (doc: { n: number }) => doc,
  },
})
const shipped = events('delivery', {
  OrderShipped: { version: 1, schema: z.strictObject({ orderId: z.string() }) },
})
projection('both', {
  version: 1,
  of: [orderEvents, shipped],
  key: { OrderPlaced: (event) => event.id, OrderShipped: (event) => event.data.orderId },
  initial: { shipped: false },
  on: {
    OrderShipped: (page, event) => ({ ...page, shipped: event.data.orderId !== '' }),
    // @ts-expect-error no such field
    OrderPlaced: (page, event) => ({ ...page, shipped: event.data.shippedOn }),
  },
})
projection('early', {
  version: 1,
  synchronous: true,
  of: orderEvents,
  // @ts-expect-error a synchronous projection folds events before they have a position
  key: { OrderPlaced: (event) => String(event.position) },
  initial: { version: 0, at: '' },
  // @ts-expect-error nor do they have a time
  on: { OrderPlaced: (_, event) => ({ version: event.version, at: event.recordedAt }) },
})
// @ts-expect-error a document is JSON
projection('dates', { version: 1, of: shipped, key: 'stream', initial: { at: new Date(0) }, on: {} })
projection('keyless', {
  version: 1,
  of: shipped,
  key: 'stream',
  initial: { n: 0 },
  on: {},
  // @ts-expect-error not a member of the document
  indexes: ['m'],
})
projection('wrong-doc', {
  version: 1,
  of: shipped,
  key: 'stream',
  initial: { n: 0 },
  // @ts-expect-error another document than the initial one
  on: { OrderShipped: () => ({ n: 'one' }) },
})

// What must compile: a plain initial state, a command that refuses nothing, one that does nothing, a
// deletion.
decider(counted, {
  state: state(1, () => ({ n: 0, open: false })),
  evolve: { Counted: (current, { n }) => ({ n: current.n + n, open: true }) },
  commands: {
    Count: {
      schema: z.strictObject({ n: z.number() }),
      refuses: [],
      decide: (_state, { n }) => counted.make.Counted({ n }),
    },
    Stop: {
      schema: z.strictObject({}),
      refuses: ['CLOSED'],
      decide: (current, _data, { refuse }) => (current.open ? [] : refuse('CLOSED')),
    },
  },
})
projection('sold', {
  version: 1,
  of: orderEvents,
  key: { OrderPlaced: (event) => event.data.lines.map(({ sku }) => sku) },
  initial: { quantity: 0 },
  on: {
    OrderPlaced: (product, event, key) => ({
      quantity: product.quantity + event.data.lines.filter(({ sku }) => sku === key).length,
    }),
  },
})
projection('open', {
  version: 1,
  of: counted,
  key: 'stream',
  initial: { n: 0 },
  on: { Counted: (doc, event: Recorded<'Counted', { n: number }>) => (event.data.n === 0 ? null : doc) },
})
interface Line {
  readonly sku: string
  readonly note?: string
}
interface Basket {
  readonly status: 'empty' | 'full'
  readonly lines: readonly Line[]
}
// An interface is JSON as much as a type alias is.
state(1, (): Basket => ({ status: 'empty', lines: [] }))
interface Dated {
  readonly lines: readonly { readonly on: Date }[]
}
// @ts-expect-error a Date deep inside an interface is not JSON
state(1, (): Dated => ({ lines: [] }))
type PageOfOrder = { readonly status: 'placed' | 'cancelled'; readonly notes: string[] }
const placedOrder: PageOfOrder = { status: 'placed', notes: [] }
// Handlers answer with literals of a union, and may not change the document that they got.
projection('unions', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: placedOrder,
  on: {
    OrderPlaced: () => ({ status: 'placed', notes: [] }),
    OrderCancelled: (page, { data }) => ({
      ...page,
      status: 'cancelled',
      notes: [...page.notes, data.reason],
    }),
  },
})
projection('mutating', {
  version: 1,
  of: counted,
  key: 'stream',
  initial: placedOrder,
  on: {
    Counted: (page) => {
      // @ts-expect-error a document is frozen
      page.notes.push('x')
      return page
    },
  },
})
