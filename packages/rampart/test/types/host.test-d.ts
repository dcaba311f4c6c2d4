// What an embedded app may be asked and what must not compile: names, data, refusal codes and documents.
import { context, decider, events, projection, state } from 'rampart'
import { app, openApp, type CommandAnswer } from 'rampart/host'
import { z } from 'zod'

const orderEvents = events('order', {
  OrderPlaced: { version: 1, schema: z.strictObject({ totalPence: z.int() }) },
})
const order = decider(orderEvents, {
  state: state(1, () => ({ open: false })),
  evolve: { OrderPlaced: () => ({ open: true }) },
  commands: {
    PlaceOrder: {
      schema: z.strictObject({ totalPence: z.int() }),
      refuses: ['ORDER_EXISTS', 'TOO_DEAR'],
      decide: (current, data, { refuse }) =>
        current.open ? refuse('ORDER_EXISTS') : orderEvents.make.OrderPlaced(data),
    },
    TouchOrder: { schema: z.strictObject({}), refuses: [], decide: () => [] },
  },
})
const tallyEvents = events('tally', { Tallied: { version: 1, schema: z.strictObject({ n: z.int() }) } })
const tally = decider(tallyEvents, {
  state: state(1, () => 0),
  evolve: { Tallied: (total, { n }) => total + n },
  commands: {
    Tally: {
      schema: z.strictObject({ n: z.int() }),
      refuses: [],
      decide: (_, d) => tallyEvents.make.Tallied(d),
    },
  },
})
const orderPage = projection('order-page', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: { totalPence: 0 },
  on: { OrderPlaced: (_, { data }) => data },
})
const tallies = projection('tallies', {
  version: 1,
  of: tallyEvents,
  key: 'stream',
  initial: { n: 0 },
  on: {},
})
const shop = app('shop', {
  contexts: [
    context('orders', { deciders: [order], projections: [orderPage] }),
    context('tallies', { deciders: [tally], projections: [tallies] }),
  ],
})

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function holds<Statement extends true>(): Statement | undefined {
  return undefined
}

await using running = await openApp(shop, { memory: true })
const stream = running.stream('order', '1')
const answer = await stream.PlaceOrder({ totalPence: 5 }, { key: 'once' })
holds<Equal<typeof answer, CommandAnswer<'ORDER_EXISTS' | 'TOO_DEAR'>>>()
if (answer.status === 'refused') holds<Equal<typeof answer.code, 'ORDER_EXISTS' | 'TOO_DEAR'>>()
await running.stream('tally', 'a').Tally({ n: 1 })
const page = await running.read('order-page').get('1', { after: answer })
if (page !== undefined) holds<Equal<typeof page.data, { totalPence: number }>>()
const { documents } = await running.read('tallies').list({ limit: 5 })
holds<Equal<(typeof documents)[number]['data'], { n: number }>>()
const touched = await stream.TouchOrder({})
holds<Equal<typeof touched, CommandAnswer<never>>>()

// @ts-expect-error another decider's command
stream.Tally({ n: 1 })
// @ts-expect-error an unknown command
stream.ShipOrder({})
// @ts-expect-error wrong data
stream.PlaceOrder({ total: 5 })
// @ts-expect-error wrong data
stream.PlaceOrder({ totalPence: '5' })
// @ts-expect-error no data
stream.PlaceOrder()
// @ts-expect-error an unknown option
stream.PlaceOrder({ totalPence: 5 }, { keys: 'once' })
// @ts-expect-error an unknown decider
running.stream('delivery', '1')
// @ts-expect-error a projection is no decider
running.stream('order-page', '1')
// @ts-expect-error an unknown projection
running.read('order')
// @ts-expect-error an app is opened in a folder or in memory
openApp(shop, {})
// @ts-expect-error a code that this command does not refuse with
if (answer.status === 'refused' && answer.code === 'NOT_MINE') holds<true>()
app('routes', {
  contexts: shop.contexts,
  routes: [
    // @ts-expect-error a route that changes something says what its answers carry
    { method: 'POST', path: '/orders', command: 'PlaceOrder' },
  ],
})

const { OrderPlaced } = orderEvents.make
const placed = await running.transact(
  { decider: 'order', id: '1', key: 'once' },
  (current, { refuse, id }) => {
    holds<Equal<typeof current, { open: boolean }>>()
    if (id === '') return refuse('NAMELESS')
    return current.open ? refuse('TAKEN', { id }) : OrderPlaced({ totalPence: 5 })
  },
)
if (placed.status === 'refused') holds<Equal<typeof placed.code, 'NAMELESS' | 'TAKEN'>>()
else holds<Equal<typeof placed.status, 'succeeded'>>()
await running.read('order-page').get('1', { after: placed })
await running.transact({ decider: 'tally', id: 'a' }, (total) =>
  total > 9 ? [] : [tallyEvents.make.Tallied({ n: total }), tallyEvents.make.Tallied({ n: 1 })],
)

// @ts-expect-error an unknown decider
running.transact({ decider: 'delivery', id: '1' }, () => [])
// @ts-expect-error a stream is named
running.transact({ decider: 'order' }, () => [])
// @ts-expect-error an event of another decider
running.transact({ decider: 'order', id: '1' }, () => tallyEvents.make.Tallied({ n: 1 }))
// @ts-expect-error wrong data
running.transact({ decider: 'order', id: '1' }, () => OrderPlaced({ total: 5 }))
// @ts-expect-error no member of the state
running.transact({ decider: 'order', id: '1' }, (current) => (current.closed ? [] : []))
// @ts-expect-error a decision is made at once
running.transact({ decider: 'order', id: '1' }, async () => [])
