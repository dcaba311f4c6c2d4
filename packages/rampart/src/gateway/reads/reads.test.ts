// The contract of reads over HTTP: documents, pages, freshness, and every way to ask for them wrongly.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeToken, position } from '../../core/codec/index.ts'
import type { LogPlace } from '../../core/ports/index.ts'
import { bodyOf, problemIn, serveShop } from '../test/shop.ts'

const served = await serveShop()
const { get, post, place, engine } = served
afterAll(() => served[Symbol.asyncDispose]())

let last: Record<string, string> = {}
async function placeOrder(id: string, customer = 'ada'): Promise<Record<string, string>> {
  const response = await place(id, customer)
  expect(response.status).toBe(200)
  last = { 'consistency-token': response.headers.get('consistency-token') ?? '' }
  return last
}

beforeAll(async () => {
  for (const [id, customer] of [
    ['c', 'Ada'],
    ['a', 'Bob'],
    ['B', 'Ada'],
    ['é', 'Crème Brûlée'],
  ]) {
    await placeOrder(id ?? '', customer)
  }
  const response = await post('/commands/CancelOrder', { streamId: 'a' })
  last = { 'consistency-token': response.headers.get('consistency-token') ?? '' }
})

describe('a document', () => {
  test('has key, version and data, an entity tag and a token', async () => {
    const response = await get('/reads/order/a', last)
    expect(response.status).toBe(200)
    expect(await bodyOf(response)).toEqual({
      key: 'a',
      version: 2,
      data: { status: 'cancelled', customer: 'Bob' },
    })
    expect(response.headers.get('etag')).toMatch(/^".+"$/)
    expect(response.headers.get('consistency-token')).toMatch(/^[\w-]+$/)
  })

  test('has no version where it gathers several streams', async () => {
    expect(await bodyOf(await get('/reads/customers/Ada', last))).toEqual({ key: 'Ada', data: { orders: 2 } })
    const problem = await problemIn(await get('/reads/customers/Ada?v=1'))
    expect(problem.status).toBe(400)
    expect(problem.detail.toLowerCase()).toContain('token')
  })

  test('is 304 for who has its state, until it changes', async () => {
    const token = await placeOrder('tagged')
    const tag = (await get('/reads/order/tagged', token)).headers.get('etag') ?? ''
    for (const tags of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const response = await get('/reads/order/tagged', { 'if-none-match': tags })
      expect([response.status, await response.text()]).toEqual([304, ''])
      expect(response.headers.get('etag')).toBe(tag)
    }
    const { headers } = await post('/commands/CancelOrder', { streamId: 'tagged' })
    const changed = await get('/reads/order/tagged', {
      'if-none-match': tag,
      'consistency-token': headers.get('consistency-token') ?? '',
    })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(tag)
  })

  test('that is not there is 404 with a token', async () => {
    const response = await get('/reads/order/nobody')
    expect(response.headers.get('consistency-token')).toMatch(/^[\w-]+$/)
    expect(await problemIn(response)).toMatchObject({ status: 404, code: 'READ_NOT_FOUND' })
  })

  test.each(['a:b/c d', 'x'.repeat(1024), '100%', 'é'.repeat(512), '~', "'"])(
    'is found by the key %s',
    async (key) => {
      const token = await placeOrder(key)
      const response = await get(`/reads/order/${encodeURIComponent(key)}`, token)
      expect(await bodyOf(response)).toMatchObject({ key })
    },
  )

  test.each(['%', '%E0%A4%A', 'a%00b', '%0A', '%ED%A0%80', 'x'.repeat(1025)])(
    'cannot have the key %s',
    async (key) => {
      expect((await problemIn(await get(`/reads/order/${key}`))).status).toBe(400)
    },
  )

  test('of streams named by UUIDs has a UUID as key', async () => {
    expect((await problemIn(await get('/reads/parcels/abc'))).status).toBe(400)
    expect((await problemIn(await get('/reads/parcels/0190A5B2-7C3E-7D4F-8A1B-2C3D4E5F6071'))).status).toBe(
      404,
    )
  })

  test('takes no query parameters but v', async () => {
    expect((await problemIn(await get('/reads/order/a?x=1'))).status).toBe(400)
    expect((await problemIn(await get('/reads/order/a?v=1&v=2'))).status).toBe(400)
    expect((await problemIn(await get('/reads/nothing/a'))).code).toBe('PROJECTION_UNKNOWN')
    expect((await problemIn(await get('/reads/__proto__/a'))).code).toBe('PROJECTION_UNKNOWN')
  })

  test('may be asked for with HEAD', async () => {
    const request = new Request('http://localhost/shop/reads/order/a', {
      method: 'HEAD',
      headers: { ...last, accept: 'text/event-stream' },
    })
    const response = await served.gateway.fetch(request)
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(response.headers.get('etag')).toMatch(/^".+"$/)
  })
})

describe('freshness', () => {
  test('with v waits for the version', async () => {
    await placeOrder('versioned')
    const waiting = get('/reads/order/versioned?v=2', { prefer: 'wait=5' })
    await post('/commands/CancelOrder', { streamId: 'versioned' })
    expect(await bodyOf(await waiting)).toMatchObject({ version: 2, data: { status: 'cancelled' } })
  })

  test('with v that does not come in time is 504 with the current version', async () => {
    await placeOrder('slow')
    const behind = await problemIn(await get('/reads/order/slow?v=3', { prefer: 'wait=1' }))
    expect(behind).toMatchObject({ status: 504, code: 'READ_MODEL_BEHIND', version: 1 })
    const absent = await problemIn(await get('/reads/order/absent?v=1', { prefer: 'wait=0' }))
    expect(absent).toMatchObject({ status: 504, version: 0 })
  })

  test.each(['-1', '1.5', '9007199254740992', 'x', '', '1e3', '0x1', '%20'])(
    'with v=%s is refused',
    async (v) => {
      expect((await problemIn(await get(`/reads/order/a?v=${v}`))).status).toBe(400)
    },
  )

  test('with the token of a command contains what it did', async () => {
    const all = Array.from({ length: 100 }, async (_, index) => {
      const response = await place(`fresh-${index}`)
      const token = { 'consistency-token': response.headers.get('consistency-token') ?? '' }
      const [one, page] = await Promise.all([
        get(`/reads/order/fresh-${index}`, token),
        get('/reads/order?customer=ada', token),
      ])
      return [one.status, page.status]
    })
    expect(new Set((await Promise.all(all)).flat())).toEqual(new Set([200]))
  })

  async function tokenAt(changes: Partial<LogPlace>): Promise<Record<string, string>> {
    const [log] = engine.stores
    if (log === undefined) throw new Error('no log')
    const token = encodeToken(new Map([[log.log, { ...(await log.head()), ...changes }]]))
    return { 'consistency-token': token, prefer: 'wait=0' }
  }

  test('with a token that the model has not reached is 504 with the token of where it stands', async () => {
    // A shop without streams, which would have their turns first.
    await using quiet = await serveShop()
    const made = (await quiet.place('there')).headers.get('consistency-token') ?? ''
    expect((await quiet.get('/reads/order/there', { 'consistency-token': made })).status).toBe(200)
    let problem: { readonly status: number; readonly consistencyToken: string } | undefined
    // The model follows within microseconds: some read overtakes it.
    for (let attempt = 0; problem === undefined && attempt < 500; attempt++) {
      const token = (await quiet.place(`ahead-${attempt}`)).headers.get('consistency-token') ?? ''
      const here = { 'consistency-token': token, prefer: 'wait=0' }
      const response = await quiet.get('/reads/order/there', here)
      if (response.status !== 200) problem = await problemIn(response)
    }
    if (problem === undefined) throw new Error('no read was faster than the model')
    expect(problem).toMatchObject({ status: 504, code: 'READ_MODEL_BEHIND' })
    const here = { 'consistency-token': problem.consistencyToken, prefer: 'wait=0' }
    expect((await quiet.get('/reads/order/there', here)).status).toBe(200)
  })

  test.each<Partial<LogPlace>>([
    { epoch: '0190a5b2-7c3e-7d4f-8a1b-2c3d4e5f6071' },
    { position: position(1_000_000), eventId: 'x.0' },
    { position: position(1) },
    { eventId: 'x.0' },
  ])('with a token of a history that the log has lost is refused: %o', async (changes) => {
    const problem = await problemIn(await get('/reads/order/a', await tokenAt(changes)))
    expect(problem).toMatchObject({ status: 400, code: 'TOKEN_INVALID' })
    expect(problem.detail).toMatch(/a history that the log has lost/)
  })

  test.each(['x', '', 'e30', '!!!', 'a, b', 'é', 'x'.repeat(9000)])(
    'with the token %s is refused',
    async (text) => {
      const response = await get('/reads/order/a', {
        'consistency-token': Buffer.from(text).toString('latin1'),
      })
      expect((await problemIn(response)).status).toBe(400)
    },
  )

  test('with a token of an unknown log is refused, beside a known one too', async () => {
    const head = await engine.stores[0]?.head()
    if (head === undefined) throw new Error('no log')
    for (const logs of [['default/other/0'], [engine.stores[0]?.log ?? '', 'default/other/0']]) {
      const token = encodeToken(new Map(logs.map((log) => [log, head])))
      const problem = await problemIn(await get('/reads/order/a', { 'consistency-token': token }))
      expect(problem).toMatchObject({ status: 400, code: 'TOKEN_INVALID' })
    }
  })

  test('serves 1,000 waiters at once, and all wake', async () => {
    await placeOrder('crowd')
    const waiting = Array.from({ length: 1000 }, () => get('/reads/order/crowd?v=2', { prefer: 'wait=20' }))
    await post('/commands/CancelOrder', { streamId: 'crowd' })
    const statuses = (await Promise.all(waiting)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200]))
  })
})

describe('a page', () => {
  async function keysOf(path: string): Promise<readonly string[]> {
    const { items } = await bodyOf(await get(path, last))
    return items.map(({ key }: { key: string }) => key)
  }

  test('lists documents by key in byte order, and goes on at its cursor', async () => {
    const all = await keysOf('/reads/order?limit=1000')
    expect(all).toEqual(all.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
    const walked: string[] = []
    for (let next: string | undefined = ''; next !== undefined;) {
      const page = await bodyOf(await get(`/reads/order?limit=7${next === '' ? '' : `&cursor=${next}`}`))
      walked.push(...page.items.map(({ key }: { key: string }) => key))
      next = page.next
    }
    expect(walked).toEqual(all)
  })

  test('has 50 items unless said, and 1,000 at most', async () => {
    expect(await keysOf('/reads/order')).toHaveLength(50)
    expect((await get('/reads/order?limit=99999999999999999999')).status).toBe(200)
    expect(await keysOf('/reads/order?limit=3')).toHaveLength(3)
  })

  test('filters by indexes, alone and together, and by words', async () => {
    expect(await keysOf('/reads/order?customer=Ada')).toEqual(['B', 'c'])
    expect(await keysOf('/reads/order?customer=Bob&status=cancelled')).toEqual(['a'])
    expect(await keysOf('/reads/order?customer=Bob&status=placed')).toEqual([])
    expect(await keysOf('/reads/order?search=creme%20BRUL')).toEqual(['é'])
    expect(await keysOf('/reads/order?customer=Cr%C3%A8me+Br%C3%BBl%C3%A9e')).toEqual(['é'])
  })

  test.each([
    'limit=0',
    'limit=-1',
    'limit=1.5',
    'limit=x',
    'limit=',
    'limit=1e9',
    'cursor=x',
    'cursor=',
    'cursor=WyJcdTAwMDAiXQ',
    'nothing=1',
    'v=1',
    '__proto__=1',
    'status=%E0%A4%A',
    'status=a&status=b',
    'limit=1&limit=2',
  ])('with %s is refused', async (query) => {
    expect((await problemIn(await get(`/reads/order?${query}`))).status).toBe(400)
  })

  test('cannot be searched without declared members, nor be of an unknown projection', async () => {
    expect((await problemIn(await get('/reads/customers?search=x'))).status).toBe(400)
    expect((await problemIn(await get('/reads/nothing'))).status).toBe(404)
  })

  test('carries a token, and waits for one', async () => {
    const token = await placeOrder('zz-newest', 'zoe')
    const response = await get('/reads/order?customer=zoe', token)
    expect(response.headers.get('consistency-token')).toMatch(/^[\w-]+$/)
    expect((await bodyOf(response)).items).toHaveLength(1)
  })
})

test('reading leaves no faults behind', () => {
  expect(served.faults).toEqual([])
})
