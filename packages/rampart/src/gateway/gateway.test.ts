// What all endpoints have in common, and the endpoints that belong to no room: health, metrics, pages, admin.
import { afterAll, describe, expect, test } from 'vitest'
import { bodyOf, placing, problemIn, serveShop, withinASecond } from './test/shop.ts'

const served = await serveShop()
const { get, post, place, gateway } = served
afterAll(() => served[Symbol.asyncDispose]())

async function ask(method: string, path: string): Promise<Response> {
  return gateway.fetch(new Request(`http://localhost${path}`, { method }))
}

describe('an address', () => {
  test.each([
    '/',
    '/shop/docs',
    '/healthz',
    '/readyz',
    '/metrics',
    '/shop/openapi.json',
    '/shop/admin/events',
  ])('%s answers GET and HEAD', async (path) => {
    expect((await ask('GET', path)).status).toBe(200)
    const head = await ask('HEAD', path)
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  test.each([
    ['DELETE', '/shop/reads/order/a', 'GET, HEAD'],
    ['POST', '/shop/reads/order', 'GET, HEAD'],
    ['PUT', '/healthz', 'GET, HEAD'],
    ['OPTIONS', '/shop/parcels', 'POST'],
    ['PATCH', '/shop/parcels/0190a5b2-7c3e-7d4f-8a1b-2c3d4e5f6071', 'GET, HEAD, PUT'],
    ['GET', '/shop/parcels', 'POST'],
    ['DELETE', '/shop/commands/PlaceOrder', 'GET, HEAD, POST'],
  ])('does not take %s %s, and says what it takes', async (method, path, allow) => {
    const response = await ask(method, path)
    expect(response.headers.get('allow')).toBe(allow)
    expect(await problemIn(response)).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
  })

  test.each([
    '/nothing',
    '/shop/',
    '/shop/reads',
    '/shop/reads/order/a/b',
    '/shop/commands',
    '/commands/PlaceOrder',
    '//',
    '/%',
  ])('%s is 404', async (path) => {
    expect(await problemIn(await ask('GET', path))).toMatchObject({ status: 404, code: 'ROUTE_UNKNOWN' })
  })
})

describe('the admin endpoint', () => {
  test('lists events with what was recorded of each', async () => {
    const { headers } = await place('admin/1')
    expect(headers.get('consistency-token')).not.toBeNull()
    const { head, events } = await bodyOf(await get('/admin/events?limit=1000'))
    expect(events.at(-1)).toEqual({
      position: head,
      stream: 'order-admin/1',
      version: 1,
      id: expect.any(String),
      type: 'OrderPlaced',
      data: { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] },
      metadata: {
        commandId: expect.any(String),
        correlationId: expect.any(String),
        causationId: events.at(-1).metadata.commandId,
        actor: null,
        recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    })
  })

  test('pages by after and limit', async () => {
    for (let count = 0; count < 60; count++) await place(`page-${count}`)
    const first = await bodyOf(await get('/admin/events'))
    expect(first.events).toHaveLength(50)
    const positions = (answer: { events: { position: number }[] }): readonly number[] =>
      answer.events.map(({ position }) => position)
    expect(positions(first)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    expect(positions(await bodyOf(await get('/admin/events?after=3&limit=2')))).toEqual([4, 5])
    expect((await bodyOf(await get('/admin/events?after=9007199254740991'))).events).toEqual([])
    expect((await get('/admin/events?limit=99999')).status).toBe(200)
  })

  test.each(['after=-1', 'after=x', 'after=9007199254740992', 'limit=0', 'limit=x', 'other=1', 'context=no'])(
    'refuses %s',
    async (query) => {
      expect((await problemIn(await get(`/admin/events?${query}`))).status).toBe(400)
    },
  )

  test('answers with head 0 on an empty log', async () => {
    await using empty = await serveShop()
    expect(await bodyOf(await empty.get('/admin/events'))).toEqual({ head: 0, events: [] })
  })
})

describe('health', () => {
  test('names the lag of every projection', async () => {
    const body = await bodyOf(await ask('GET', '/readyz'))
    expect(body.ready).toBe(true)
    expect(Object.keys(body.projections).toSorted()).toEqual(['shop/customers', 'shop/order', 'shop/parcels'])
    await expect
      .poll(async () => (await bodyOf(await ask('GET', '/readyz'))).projections['shop/order'])
      .toEqual({ lagEvents: 0, lagSeconds: 0 })
  })

  test('is not ready while it drains, yet alive', async () => {
    await using draining = await serveShop()
    draining.gateway.drain()
    const readiness = await draining.gateway.fetch(new Request('http://localhost/readyz'))
    expect([readiness.status, (await bodyOf(readiness)).ready]).toEqual([503, false])
    expect((await draining.gateway.fetch(new Request('http://localhost/healthz'))).status).toBe(200)
  })

  test('metrics count requests by route, commands by status, and show lag', async () => {
    await post('/commands/PlaceOrder', placing('metric'))
    await post('/commands/PlaceOrder', placing('metric'))
    const text = await (await ask('GET', '/metrics')).text()
    expect(text).toMatch(
      /rampart_http_request_duration_seconds_count\{.*route="\/shop\/commands\/:type".*\} \d+/,
    )
    expect(text).toMatch(/rampart_commands_total\{type="PlaceOrder",status="refused"\} 1/)
    expect(text).toContain('rampart_projection_lag_events{projection="shop/order"}')
    expect(text).toContain('rampart_projection_lag_seconds{projection="shop/order"}')
  })
})

describe('the rate limit', () => {
  test('answers 429 beyond it, and leaves health alone', async () => {
    const { statuses, refused, health } = await withinASecond(async () => {
      await using limited = await serveShop({ limits: { ratePerSecond: 5 } })
      const answers: Response[] = []
      for (let count = 0; count < 8; count++)
        answers.push(await limited.get('/reads/order', { 'x-forwarded-for': `10.0.0.${count}` }))
      return {
        statuses: answers.map(({ status }) => status),
        refused: await limited.get('/reads/order'),
        health: (await limited.gateway.fetch(new Request('http://localhost/healthz'))).status,
      }
    })
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await problemIn(refused)).toMatchObject({ code: 'RATE_LIMITED' })
    expect(health).toBe(200)
  })
})

describe('pages', () => {
  test('need nothing from elsewhere, and escape what they show', async () => {
    const page = await (await get('/docs')).text()
    for (const part of ['PlaceOrder', 'ORDER_EXISTS', '/reads/order', 'curl', '/parcels/{id}', 'customer']) {
      expect(page).toContain(part)
    }
    expect(page).not.toMatch(/<script|<link|src=|@import|url\(/)
    expect(page).toContain('width=device-width')
    const front = await (await ask('GET', '/')).text()
    expect(front).toContain('href="/shop/docs"')
    expect((await ask('GET', '/shop')).headers.get('location')).toBe('/shop/docs')
  })
})

test('answering leaves no faults behind', () => {
  expect(served.faults).toEqual([])
})
