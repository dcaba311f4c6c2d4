// What the orders app answers over HTTP, on both kinds of repositories: its commands, refusals and four
// read models.
import { join } from 'node:path'
import { context, type Json } from 'rampart'
import { app, startHost } from 'rampart/host'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { orders } from '../src/context.ts'
import { ask, readLog, startOrders, temporaryFolder } from './server.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

interface Served extends AsyncDisposable {
  readonly base: string
}

/** The same app but for one setting: the state of an order is a row. */
async function serveStateStored(dataFolder: string): Promise<Served> {
  const { name, deciders, projections } = orders
  const stored = context(name, { deciders, projections, repositories: { order: 'stateStored' } })
  const host = await startHost({
    mounts: [{ prefix: '', app: app('orders', { contexts: [stored] }) }],
    environment: { PORT: '0', RAMPART_DATA: dataFolder },
  })
  return { base: host.url, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
}

const starts: readonly (readonly [string, (dataFolder: string) => Promise<Served>])[] = [
  ['eventSourced', startOrders],
  ['stateStored', serveStateStored],
]

describe.each(starts)('orders that are %s', (kind, start) => {
  let server: Served
  beforeAll(async () => {
    server = await start(join(folder.path, kind))
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const lamp = { sku: 'LAMP 1', description: 'RED LAMP', quantity: 2, unitPricePence: 1250 }
  const cup = { sku: 'CUP', description: 'TEA CUP', quantity: 3, unitPricePence: 99 }
  const data = { customerId: '17850', country: 'France', placedOn: '2011-02-01', lines: [lamp, cup] }

  const send = (command: string, streamId: string, body: Json) =>
    ask(`${server.base}/commands/${command}`, { body: { streamId, data: body } })

  /** What a read model shows of a key after a command. */
  async function readAfter(answer: Awaited<ReturnType<typeof send>>, target: string): Promise<Json> {
    const token = answer.headers.get('consistency-token') ?? ''
    return Object(
      (await ask(`${server.base}/reads/${target}`, { headers: { 'consistency-token': token } })).body,
    ).data
  }

  test('carries an order through its life into all read models', async () => {
    const placed = await send('PlaceOrder', '1', data)
    expect(placed).toMatchObject({ status: 200, body: { status: 'succeeded', streamId: '1', version: 1 } })
    expect(await readAfter(placed, 'order/1')).toEqual({ status: 'placed', totalPence: 2797, ...data })
    const returned = await send('RecordReturn', 'C2', { ...data, lines: [{ ...cup, quantity: -1 }] })
    expect(await readAfter(returned, 'order/C2')).toMatchObject({ status: 'returned', totalPence: -99 })
    const day = { orders: 1, salesPence: 2797, returns: 1, returnsPence: 99 }
    expect(await readAfter(returned, 'sales-by-day/2011-02-01')).toEqual(day)
    expect(await readAfter(returned, 'products/LAMP%201')).toEqual({
      description: 'RED LAMP',
      quantitySold: 2,
    })

    const cancelled = await send('CancelOrder', '1', { reason: 'The lamp broke.' })
    expect(cancelled).toMatchObject({ status: 200, body: { version: 2 } })
    const versioned = await ask(`${server.base}/reads/order/1?v=2`)
    expect(versioned.body).toMatchObject({
      key: '1',
      version: 2,
      data: { status: 'cancelled', lines: data.lines },
    })
    expect(await readAfter(cancelled, 'customer-orders/17850')).toEqual({
      orders: [
        { number: '1', status: 'cancelled', totalPence: 2797 },
        { number: 'C2', status: 'returned', totalPence: -99 },
      ],
    })
    const left = { ...day, orders: 0, salesPence: 0 }
    expect(await readAfter(cancelled, 'sales-by-day/2011-02-01')).toEqual(left)
    expect(await readAfter(cancelled, 'products/CUP')).toEqual({ description: 'TEA CUP', quantitySold: 0 })
  })

  test('finds orders by customer and by status, and products by their words', async () => {
    const anonymous = {
      country: 'EIRE',
      placedOn: '2011-02-02',
      lines: [{ ...lamp, sku: 'L2', description: '' }],
    }
    await send('PlaceOrder', 'find-1', { ...data, customerId: 'finder' })
    await send('PlaceOrder', 'find-2', anonymous)
    const lines = [{ ...cup, sku: 'BOX', description: 'ROSE STORAGE BOX' }]
    const last = await send('RecordReturn', 'C-find-3', {
      ...data,
      customerId: 'finder',
      lines: [{ ...cup, quantity: -3 }],
    })
    const boxed = await send('PlaceOrder', 'find-4', { ...data, lines })
    const keysOf = async (query: string, after = last): Promise<readonly string[]> => {
      const headers = { 'consistency-token': after.headers.get('consistency-token') ?? '' }
      const { items } = Object((await ask(`${server.base}/reads/${query}`, { headers })).body)
      return items.map(({ key }: { readonly key: string }) => key)
    }
    expect(await keysOf('order?customerId=finder')).toEqual(['C-find-3', 'find-1'])
    expect(await keysOf('order?status=returned&customerId=finder')).toEqual(['C-find-3'])
    expect(await keysOf('products?search=rose%20box', boxed)).toEqual(['BOX'])
    expect((await ask(`${server.base}/reads/order?country=EIRE`)).status).toBe(400)
  })

  describe('refusals', () => {
    test('name their code, and record nothing', async () => {
      await send('PlaceOrder', '10', data)
      await send('RecordReturn', 'C11', { ...data, lines: [{ ...cup, quantity: -1 }] })
      await send('PlaceOrder', '12', data)
      await send('CancelOrder', '12', { reason: '' })
      const before = await readLog(server.base)
      const outcomes = [
        await send('PlaceOrder', '10', data),
        await send('RecordReturn', '10', { ...data, lines: [{ ...cup, quantity: -1 }] }),
        await send('PlaceOrder', '13', { ...data, lines: [lamp, { ...cup, quantity: 0 }] }),
        await send('RecordReturn', 'C13', data),
        await send('CancelOrder', '13', { reason: 'x' }),
        await send('CancelOrder', '12', { reason: 'x' }),
        await send('CancelOrder', 'C11', { reason: 'x' }),
      ]
      expect(outcomes.map(({ status, body }) => [status, Object(body).code])).toEqual([
        [422, 'ORDER_EXISTS'],
        [422, 'ORDER_EXISTS'],
        [422, 'QUANTITY_NOT_POSITIVE'],
        [422, 'QUANTITY_NOT_NEGATIVE'],
        [422, 'ORDER_NOT_FOUND'],
        [422, 'ORDER_ALREADY_CANCELLED'],
        [422, 'ORDER_NOT_OPEN'],
      ])
      expect(outcomes.every(({ body }) => /^[A-Z].*\.$/.test(Object(body).detail))).toBe(true)
      expect(await readLog(server.base)).toEqual(before)
    })
  })

  describe('bad input', () => {
    const rows: readonly (readonly [string, string, Json])[] = [
      ['no lines', '/data/lines', { ...data, lines: [] }],
      [
        'a negative price',
        '/data/lines/1/unitPricePence',
        { ...data, lines: [lamp, { ...cup, unitPricePence: -1 }] },
      ],
      ['half a penny', '/data/lines/0/unitPricePence', { ...data, lines: [{ ...cup, unitPricePence: 0.5 }] }],
      ['a sku that can be no key', '/data/lines/0/sku', { ...data, lines: [{ ...cup, sku: '..' }] }],
      ['a day that does not exist', '/data/placedOn', { ...data, placedOn: '2011-02-30' }],
      ['a customer without a name', '/data/customerId', { ...data, customerId: '' }],
      ['an inexact total', '/data/lines/0/quantity', { ...data, lines: [{ ...cup, quantity: 2 ** 53 }] }],
      ['a member that nobody knows', '/data/gift', { ...data, gift: true }],
    ]

    test.each(rows)('answers %s with a pointer to it', async (_, pointer, body) => {
      const before = await readLog(server.base)
      for (const command of ['PlaceOrder', 'RecordReturn']) {
        const answer = await send(command, 'bad', body)
        expect(answer.status).toBe(400)
        expect(Object(answer.body).errors).toContainEqual({ pointer, detail: expect.any(String) })
      }
      expect(await readLog(server.base)).toEqual(before)
    })

    test('demands the number of the order', async () => {
      const answer = await ask(`${server.base}/commands/PlaceOrder`, { body: { data } })
      expect(answer.status).toBe(400)
    })
  })
})
