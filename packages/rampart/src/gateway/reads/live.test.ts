// Live reads: what a stream says first, what it says later, and where it goes on after a break.
import { afterAll, describe, expect, test } from 'vitest'
import { bodyOf, eventsOf, placing, problemIn, serveShop } from '../test/shop.ts'

const served = await serveShop({ limits: { streamsMax: 20 } })
const { get, post, place } = served
afterAll(() => served[Symbol.asyncDispose]())
const accept = { accept: 'text/event-stream' }

async function stream(path: string, lastEventId?: string): Promise<ReturnType<typeof eventsOf>> {
  const response = await get(path, {
    ...accept,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  return eventsOf(response)
}

async function cancel(id: string): Promise<void> {
  expect((await post('/commands/CancelOrder', { streamId: id })).status).toBe(200)
}

async function settled(id: string, version: number): Promise<void> {
  expect((await get(`/reads/order/${id}?v=${version}`)).status).toBe(200)
}

describe('a stream of one document', () => {
  test('says what is there, then each change', async () => {
    await place('one')
    await settled('one', 1)
    const events = await stream('/reads/order/one')
    const first = await events.next()
    expect(first).toMatchObject({
      event: undefined,
      data: { key: 'one', version: 1, data: { status: 'placed' } },
    })
    await cancel('one')
    const second = await events.next()
    expect(second?.data).toMatchObject({ key: 'one', version: 2, data: { status: 'cancelled' } })
    expect(second?.id).not.toBe(first?.id)
    await events.close()
  })

  test('opens on a key that is not there yet, and waits', async () => {
    const events = await stream('/reads/order/later')
    const first = events.next()
    await place('other')
    await place('later')
    expect((await first)?.data).toMatchObject({ key: 'later', version: 1 })
    await events.close()
  })

  test('goes on after the last event with the latest state only', async () => {
    await place('resumed')
    await settled('resumed', 1)
    const before = await stream('/reads/order/resumed')
    const id = (await before.next())?.id
    await before.close()
    await cancel('resumed')
    await settled('resumed', 2)
    const after = await stream('/reads/order/resumed', id)
    expect((await after.next())?.data).toMatchObject({ version: 2 })
    await after.close()
  })

  test('may demand a version first', async () => {
    const behind = await get('/reads/order/never?v=1', { ...accept, prefer: 'wait=0' })
    expect(await problemIn(behind)).toMatchObject({ status: 504, version: 0 })
  })
})

describe('a stream of a listing', () => {
  test('says every document once, then changes, and nothing else after a break', async () => {
    for (const id of ['l1', 'l2', 'l3']) await place(id, 'lister')
    await settled('l3', 1)
    const path = '/reads/order?customer=lister'
    const events = await stream(path)
    const seen = await events.take(3)
    expect(seen.map(({ data }) => data.key)).toEqual(['l1', 'l2', 'l3'])
    await cancel('l2')
    const changed = await events.next()
    expect(changed?.data).toMatchObject({ key: 'l2', version: 2, data: { status: 'cancelled' } })
    await events.close()

    await cancel('l1')
    await cancel('l3')
    await place('l4', 'lister')
    await settled('l4', 1)
    const resumed = await stream(path, changed?.id)
    const missed = await resumed.take(3)
    expect(missed.map(({ data }) => [data.key, data.version])).toEqual([
      ['l1', 2],
      ['l3', 2],
      ['l4', 1],
    ])
    await resumed.close()
  })

  test('can be taken up again in the middle of what was there at first', async () => {
    const path = '/reads/order?limit=1000'
    const whole = await stream(path)
    const { items } = await bodyOf(await get(path))
    const all = await whole.take(items.length)
    await whole.close()
    const half = all[Math.floor(all.length / 2)]
    const rest = await stream(path, half?.id)
    const tail = await rest.take(all.length - Math.floor(all.length / 2) - 1)
    expect(tail.map(({ data }) => data.key)).toEqual(
      all.slice(Math.floor(all.length / 2) + 1).map(({ data }) => data.key),
    )
    await rest.close()
  })

  test('says null of what is listed no more, and nothing of what never was', async () => {
    await place('f1', 'filtered')
    await settled('f1', 1)
    const events = await stream('/reads/order?status=placed&customer=filtered')
    expect((await events.next())?.data).toMatchObject({ key: 'f1' })
    await place('elsewhere', 'other')
    await cancel('f1')
    expect((await events.next())?.data).toEqual({ key: 'f1', version: 2, data: null })
    await place('f2', 'filtered')
    expect((await events.next())?.data).toMatchObject({ key: 'f2' })
    await events.close()
  })

  test('honours a search', async () => {
    await place('s1', 'Crème Brûlée')
    await settled('s1', 1)
    const events = await stream('/reads/order?search=creme+bru')
    expect((await events.next())?.data).toMatchObject({ key: 's1' })
    await place('s2', 'cremeless')
    await place('s3', 'A CREME BRULEE')
    expect((await events.next())?.data).toMatchObject({ key: 's3' })
    await events.close()
  })

  test('finds nothing by a search without words, as a list does', async () => {
    await place('s4', 'anybody')
    await settled('s4', 1)
    expect((await bodyOf(await get('/reads/order?search=-'))).items).toEqual([])
    const events = await stream('/reads/order?search=-')
    const first = events.next()
    await place('s5', 'anybody')
    await settled('s5', 1)
    const later = new Promise((resolve) => setTimeout(resolve, 100, 'nothing'))
    expect(await Promise.race([first, later])).toBe('nothing')
    await events.close()
  })

  test.each(['text/event-streamx', 'application/json, text/event-stream;q=0', 'x-text/event-stream'])(
    'is not what is asked for by %s',
    async (asked) => {
      const response = await get('/reads/order', { accept: asked })
      expect(response.headers.get('content-type')).toBe('application/json')
    },
  )

  test('of many keys has an id for the key too, so that keys of one position are told apart', async () => {
    const events = await stream('/reads/customers')
    const [first] = await events.take(1)
    expect(first?.data).toEqual({ key: expect.any(String), data: { orders: expect.any(Number) } })
    await events.close()
  })
})

describe('an id that cannot be gone on from', () => {
  test.each(['garbage', '', '0', '\u00ff', Buffer.from('[1,"e",1]').toString('base64url'), 'x'.repeat(4000)])(
    '%s makes the stream say reset, then everything',
    async (id) => {
      const events = await stream('/reads/order/one', id)
      expect(await events.next()).toEqual({ id: undefined, event: 'reset', data: {} })
      expect((await events.next())?.data).toMatchObject({ key: 'one' })
      await events.close()
    },
  )

  test('of another version, epoch or future makes it say reset', async () => {
    const events = await stream('/reads/order/one')
    const id = (await events.next())?.id ?? ''
    await events.close()
    const said = JSON.parse(Buffer.from(id, 'base64url').toString('utf8'))
    const [tag, epoch, seen, eventId, ...cursor] = said
    expect([tag, epoch, seen, eventId, ...cursor]).toHaveLength(7)
    for (const parts of [
      [`${tag}1`, epoch, seen, eventId, ...cursor],
      [tag, 'other', seen, eventId, ...cursor],
      [tag, epoch, seen, 'lost.0', ...cursor],
      [tag, epoch, 1e15, eventId, ...cursor],
      [tag, epoch, seen, eventId, 1e15, ...cursor.slice(1)],
      [tag, epoch, 1e15, eventId, 1e15, ...cursor.slice(1)],
      [tag, epoch, seen, eventId, -1, ...cursor.slice(1)],
    ]) {
      const other = Buffer.from(JSON.stringify(parts)).toString('base64url')
      const reset = await stream('/reads/order', other)
      expect(await reset.next()).toMatchObject({ event: 'reset' })
      expect((await reset.next())?.data.data).not.toBeNull()
      await reset.close()
    }
  })
})

describe('streams', () => {
  test('are bounded in number, and give their place back when clients leave', async () => {
    const open = await Promise.all(Array.from({ length: 20 }, () => stream('/reads/order')))
    expect(await problemIn(await get('/reads/order', accept))).toMatchObject({
      status: 503,
      code: 'SERVER_FULL',
    })
    await Promise.all(open.map((each) => each.close()))
    const events = await stream('/reads/order')
    await events.close()
  })

  test('end with a hint to reconnect when the server drains', async () => {
    await using draining = await serveShop()
    await draining.place('d')
    const response = await draining.get('/reads/order', accept)
    const events = eventsOf(response)
    await events.take(1)
    draining.gateway.drain()
    expect(await events.next()).toBeUndefined()
    expect(events.text().match(/^retry: \d+$/gm)?.length).toBe(2)
    expect((await problemIn(await draining.get('/reads/order', accept))).status).toBe(503)
    expect((await problemIn(await draining.post('/commands/PlaceOrder', placing('e')))).code).toBe(
      'SHUTTING_DOWN',
    )
    expect(draining.faults).toEqual([])
  })

  test('leave no faults behind', () => {
    expect(served.faults).toEqual([])
  })
})
