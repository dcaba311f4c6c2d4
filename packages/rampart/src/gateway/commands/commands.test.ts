// The contract of commands over HTTP: every answer to their sender, and every way to send them wrongly.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { bodyOf, eventsOf, gate, placing, problemIn, serveShop } from '../test/shop.ts'

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const served = await serveShop()
const { get, post, place, engine } = served
afterAll(() => served[Symbol.asyncDispose]())

let orders = 0
const newId = (): string => `order-${++orders}`

async function headOfLog(): Promise<number> {
  const head = await engine.stores[0]?.head()
  return head?.position ?? -1
}

describe('a command that succeeds', () => {
  test('is answered with five members and a consistency token', async () => {
    const id = newId()
    const response = await place(id)
    expect(response.status).toBe(200)
    const body = await bodyOf(response)
    expect(body).toEqual({
      commandId: expect.stringMatching(uuidPattern),
      status: 'succeeded',
      streamId: id,
      version: 1,
      position: await headOfLog(),
    })
    expect(Object.keys(body)).toHaveLength(5)
    expect(response.headers.get('consistency-token')).toMatch(/^[\w-]+$/)
  })

  test('answers with the current version and the head when it decides nothing', async () => {
    const id = newId()
    await place(id)
    await post('/commands/CancelOrder', { streamId: id })
    await place(newId())
    const again = await bodyOf(await post('/commands/CancelOrder', { streamId: id, data: {} }))
    expect(again).toMatchObject({ status: 'succeeded', version: 2, position: await headOfLog() })
  })

  test('may leave its stream id to the server where the decider makes one', async () => {
    const body = await bodyOf(await post('/commands/SendParcel', { data: { grams: 5 } }))
    expect(body.streamId).toMatch(uuidPattern)
    const named = { streamId: '0190A5B2-7C3E-7D4F-8A1B-2C3D4E5F6071', data: { grams: 5 } }
    const lower = await bodyOf(await post('/commands/SendParcel', named))
    expect(lower.streamId).toBe(named.streamId.toLowerCase())
  })

  test.each(['a:b/c d', 'é'.repeat(512), 'x'.repeat(1024), '100%', 'ünï☃'])(
    'takes the stream id %s',
    async (id) => {
      expect((await place(id)).status).toBe(200)
      const events = await bodyOf(await get(`/admin/events?after=${(await headOfLog()) - 1}`))
      expect(events.events[0].stream).toBe(`order-${id}`)
    },
  )
})

describe('a refused command', () => {
  test('is a problem with code, detail, data, command id and token', async () => {
    const id = newId()
    await place(id)
    const response = await place(id)
    expect(response.status).toBe(422)
    expect(response.headers.get('consistency-token')).toMatch(/^[\w-]+$/)
    expect(await problemIn(response)).toEqual({
      type: 'about:blank',
      title: 'Unprocessable Entity',
      status: 422,
      code: 'ORDER_EXISTS',
      detail: 'It is there.',
      data: { status: 'placed' },
      commandId: expect.stringMatching(uuidPattern),
    })
  })

  test('has a sentence where its decider gives none', async () => {
    const problem = await problemIn(await post('/commands/CancelOrder', { streamId: newId() }))
    expect(problem).toMatchObject({ code: 'ORDER_NOT_FOUND', detail: 'Order not found.' })
    expect(problem).not.toHaveProperty('data')
  })
})

describe('the idempotency key', () => {
  test('gives a repetition the first answer, and another body a conflict', async () => {
    const [id, key] = [newId(), { 'idempotency-key': `key ${newId()}` }]
    const first = await bodyOf(await post('/commands/PlaceOrder', placing(id), key))
    const head = await headOfLog()
    const again = await post('/commands/PlaceOrder', placing(id), key)
    expect([again.status, await bodyOf(again)]).toEqual([200, first])
    const stale = await post('/commands/PlaceOrder', placing(id), { ...key, 'if-match': '"7"' })
    expect(await bodyOf(stale)).toEqual(first)
    const other = await post('/commands/PlaceOrder', placing(id, 'bob'), key)
    expect(other.status).toBe(409)
    expect(await problemIn(other)).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    expect(await headOfLog()).toBe(head)
  })

  test('makes simultaneous repetitions one command', async () => {
    const [id, key] = [newId(), { 'idempotency-key': newId() }]
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => bodyOf(await post('/commands/PlaceOrder', placing(id), key))),
    )
    expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(1)
  })

  test.each([
    ['empty', ''],
    ['too long', 'k'.repeat(1025)],
    ['a control character', 'a\tb'],
    ['bytes that are no UTF-8', '\u00ed\u00a0\u0080'],
  ])('that is %s is refused', async (_, key) => {
    const response = await post('/commands/PlaceOrder', placing(newId()), { 'idempotency-key': key })
    expect((await problemIn(response)).status).toBe(400)
  })

  test('of 1,024 bytes is taken', async () => {
    const key = { 'idempotency-key': 'k'.repeat(1024) }
    expect((await post('/commands/PlaceOrder', placing(newId()), key)).status).toBe(200)
  })
})

describe('If-Match', () => {
  test('holds a command to a version, else 412 with the actual one', async () => {
    const id = newId()
    await place(id)
    const stale = await post('/commands/CancelOrder', { streamId: id }, { 'if-match': '"0"' })
    expect(await problemIn(stale)).toMatchObject({ status: 412, code: 'VERSION_MISMATCH', version: 1 })
    const fresh = await post('/commands/CancelOrder', { streamId: id }, { 'if-match': '"1"' })
    expect(fresh.status).toBe(200)
  })

  test.each(['1', '*', 'W/"1"', '"1", "2"', '"-1"', '"1.5"', '"9007199254740992"', '"01"', '""', '"x"'])(
    'of %s is refused',
    async (tag) => {
      const head = await headOfLog()
      const response = await post('/commands/PlaceOrder', placing(newId()), { 'if-match': tag })
      expect((await problemIn(response)).status).toBe(400)
      expect(await headOfLog()).toBe(head)
    },
  )
})

describe('Prefer', () => {
  test.each(['respond-async', 'RESPOND-ASYNC', 'wait=0', 'handling=lenient, wait=0; x=y', 'wait="0"'])(
    '%s is answered with 202 and the place of the status',
    async (prefer) => {
      const id = newId()
      const response = await post('/commands/PlaceOrder', placing(id), { prefer })
      expect(response.status).toBe(202)
      const body = await bodyOf(response)
      expect(body).toEqual({
        commandId: expect.stringMatching(uuidPattern),
        status: 'received',
        streamId: id,
      })
      const location = response.headers.get('location') ?? ''
      expect(location).toBe(`/shop/commands/${body.commandId}`)
    },
  )

  test.each([
    'wait=5',
    'wait=99999999999999999999',
    'wait=abc',
    'wait=-1',
    'wait',
    ',;=,',
    'respond-async, wait=3',
  ])('%s waits for the outcome', async (prefer) => {
    expect((await post('/commands/PlaceOrder', placing(newId()), { prefer })).status).toBe(200)
  })
})

describe('bad input', () => {
  const cases: readonly (readonly [string, string, number, string?])[] = [
    ['no JSON', '{', 400, ''],
    ['nothing', '', 400, ''],
    ['an array', '[]', 400, ''],
    ['a number', '1', 400, ''],
    ['null', 'null', 400, ''],
    ['an unknown member', '{"streamId":"a","data":{},"extra":1}', 400, '/extra'],
    ['a member named __proto__', '{"streamId":"a","__proto__":{"data":1}}', 400, '/__proto__'],
    ['an escaped member', '{"streamId":"a","a/b~c":1}', 400, '/a~1b~0c'],
    ['__proto__ in data', '{"streamId":"a","data":{"__proto__":{"x":1}}}', 400, '/data/__proto__'],
    ['a stream id that is a number', '{"streamId":1,"data":{}}', 400, '/streamId'],
    ['a stream id that is null', '{"streamId":null,"data":{}}', 400, '/streamId'],
    ['no stream id', '{"data":{"customer":"a","lines":[{"sku":"x","quantity":1}]}}', 400, '/streamId'],
    ['an empty stream id', JSON.stringify(placing('')), 400, '/streamId'],
    ['a long stream id', JSON.stringify(placing('x'.repeat(1025))), 400, '/streamId'],
    ['a stream id of too many bytes', JSON.stringify(placing('é'.repeat(513))), 400, '/streamId'],
    ['NUL in a stream id', JSON.stringify(placing('a\0b')), 400, '/streamId'],
    ['a lone surrogate in a stream id', JSON.stringify(placing('a\ud800')), 400, '/streamId'],
    ['a dot segment as stream id', JSON.stringify(placing('..')), 400, '/streamId'],
    ['a lone surrogate in data', JSON.stringify(placing('a', '\ud800')), 400, '/data/customer'],
    ['an infinite number', '{"streamId":"a","data":{"lines":[{"quantity":1e999}]}}', 400],
    ['a wrong type', '{"streamId":"a","data":{"customer":1,"lines":[]}}', 400, '/data/customer'],
    ['an unknown key', '{"streamId":"a","data":{"customer":"a","lines":[],"x":1}}', 400, '/data/lines'],
    [
      'a nested fault',
      '{"streamId":"a","data":{"lines":[{"sku":"","quantity":0}]}}',
      400,
      '/data/lines/0/sku',
    ],
    [
      'deep nesting',
      `{"streamId":"a","data":{"customer":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
      400,
    ],
  ]
  test.each(cases)('%s is answered with a pointer to it', async (_, body, status, pointer) => {
    const head = await headOfLog()
    const problem = await problemIn(await post('/commands/PlaceOrder', body))
    expect(problem.status).toBe(status)
    const pointers: readonly string[] = problem.errors.map((each: { pointer: string }) => each.pointer)
    expect(pointers).toContain(pointer ?? pointers[0])
    expect(await headOfLog()).toBe(head)
  })

  test('keeps NUL inside of data strings, and the last of duplicate keys', async () => {
    const nul = { customer: 'ada', lines: [{ sku: 'a\0b', quantity: 1 }] }
    expect((await post('/commands/PlaceOrder', { streamId: newId(), data: nul })).status).toBe(200)
    const id = newId()
    const data = '{"customer":"a","lines":[{"sku":"x","quantity":1}]}'
    const twice = `{"streamId":"other","streamId":"${id}","data":${data}}`
    expect(await bodyOf(await post('/commands/PlaceOrder', twice))).toMatchObject({ streamId: id })
  })

  test('names at most 100 faults in at most 64 KiB', async () => {
    const lines = Array.from({ length: 5000 }, () => ({ sku: '', quantity: 0, [`k${'x'.repeat(3000)}`]: 1 }))
    const response = await post('/commands/PlaceOrder', {
      streamId: 'a',
      data: { customer: 'a', lines: lines.slice(0, 200) },
    })
    const text = await response.clone().text()
    const problem = await problemIn(response)
    expect(text.length).toBeLessThanOrEqual(64 * 1024)
    expect(problem.errors.length).toBeGreaterThan(0)
    expect(problem.errors.length).toBeLessThanOrEqual(100)
  })

  test('of bytes that are no UTF-8 is refused', async () => {
    const bytes = Uint8Array.from([...Buffer.from('{"streamId":"a'), 0xff, ...Buffer.from('"}')])
    expect(await problemIn(await post('/commands/PlaceOrder', bytes))).toMatchObject({
      code: 'BODY_MALFORMED',
    })
  })

  test.each([
    'text/plain',
    'application/json; charset=latin1',
    'application/jsonp',
    'application/x-www-form-urlencoded',
    'application/json, text/plain',
  ])('of content type %s is refused with 415', async (type) => {
    const response = await post('/commands/PlaceOrder', placing(newId()), { 'content-type': type })
    expect((await problemIn(response)).status).toBe(415)
  })

  test.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json;charset="UTF-8"'])(
    'may be announced as %s',
    async (type) => {
      expect((await post('/commands/PlaceOrder', placing(newId()), { 'content-type': type })).status).toBe(
        200,
      )
    },
  )

  test('that is compressed is refused with 415', async () => {
    const response = await post('/commands/PlaceOrder', placing(newId()), { 'content-encoding': 'gzip' })
    expect((await problemIn(response)).status).toBe(415)
  })

  test('beyond the body limit is refused with 413, and at the limit taken', async () => {
    const body = (length: number): string => {
      const frame = JSON.stringify(placing('limit', ''))
      return JSON.stringify(placing('limit', 'c'.repeat(length - frame.length)))
    }
    await using small = await serveShop({ limits: { bodyBytesMax: 1000 } })
    expect((await problemIn(await small.post('/commands/PlaceOrder', body(1001)))).status).toBe(413)
    expect((await small.post('/commands/PlaceOrder', body(1000))).status).toBe(200)
  })

  test.each(['NoSuchCommand', '__proto__', 'constructor', 'toString', '%00'])(
    'of type %s is 404',
    async (type) => {
      expect(await problemIn(await post(`/commands/${type}`, {}))).toMatchObject({
        status: 404,
        code: 'COMMAND_TYPE_UNKNOWN',
      })
    },
  )

  test('of a decider that throws is 500 without its secrets, and reported', async () => {
    const id = newId()
    await place(id)
    gate.throws = true
    const response = await post('/commands/CancelOrder', { streamId: id })
    gate.throws = false
    const text = await response.clone().text()
    expect((await problemIn(response)).status).toBe(500)
    expect(text).not.toContain('secret')
    expect(served.faults.length).toBeGreaterThan(0)
    expect((await post('/commands/CancelOrder', { streamId: id })).status).toBe(200)
  })
})

describe('the status of a command', () => {
  test('is final with token once it is, as JSON', async () => {
    const id = newId()
    const sent = await bodyOf(await place(id))
    const response = await get(`/commands/${sent.commandId.toUpperCase()}`)
    const status = await bodyOf(response)
    expect(status).toEqual({ ...sent, consistencyToken: response.headers.get('consistency-token') })
    expect(status.consistencyToken).toMatch(/^[\w-]+$/)
  })

  test('tells a refusal with its code, detail and data', async () => {
    const id = newId()
    await place(id)
    const { commandId } = await problemIn(await place(id))
    expect(await bodyOf(await get(`/commands/${commandId}`))).toEqual({
      commandId,
      status: 'refused',
      streamId: id,
      code: 'ORDER_EXISTS',
      detail: 'It is there.',
      data: { status: 'placed' },
      consistencyToken: expect.any(String),
    })
  })

  test('tells of a demanded version that did not hold when the command was handled', async () => {
    const headers = { prefer: 'respond-async', 'if-match': '"9"', 'idempotency-key': 'other-version' }
    const order = placing(newId())
    const { commandId } = await bodyOf(await post('/commands/PlaceOrder', order, headers))
    await expect
      .poll(async () => bodyOf(await get(`/commands/${commandId}`)))
      .toMatchObject({ status: 'failed', code: 'VERSION_MISMATCH', version: 0 })
    const again = await post('/commands/PlaceOrder', order, { ...headers, prefer: 'wait=10' })
    expect(await problemIn(again)).toMatchObject({ status: 412, version: 0 })
  })

  test('of one that failed keeps the secrets of its decider, which are reported', async () => {
    const id = newId()
    await place(id)
    const before = served.faults.length
    gate.throws = true
    const headers = { prefer: 'respond-async', 'idempotency-key': 'fails-later' }
    const { commandId } = await bodyOf(await post('/commands/CancelOrder', { streamId: id }, headers))
    const status = async () => bodyOf(await get(`/commands/${commandId}`))
    await expect.poll(status, { timeout: 15_000 }).toMatchObject({ status: 'failed', code: 'DECIDER_FAILED' })
    gate.throws = false
    const key = { 'idempotency-key': 'fails-later' }
    const again = await post('/commands/CancelOrder', { streamId: id }, key)
    expect(again.status).toBe(500)
    expect(JSON.stringify([await status(), await again.json()])).not.toContain('secret')
    expect(served.faults.length).toBeGreaterThan(before)
  })

  test.each(['0190a5b2-7c3e-7d4f-8a1b-2c3d4e5f6071', 'no-uuid', '%20'])('of %s is 404', async (id) => {
    expect(await problemIn(await get(`/commands/${id}`))).toMatchObject({
      status: 404,
      code: 'COMMAND_UNKNOWN',
    })
  })

  test('of broken percent-encoding is 400', async () => {
    expect((await problemIn(await get('/commands/%E0%A4%A'))).status).toBe(400)
  })

  test('as a stream ends with the final one, whose id is answered with 204', async () => {
    const response = await post('/commands/PlaceOrder', placing(newId()), { prefer: 'respond-async' })
    const path = (response.headers.get('location') ?? '').replace('/shop', '')
    const stream = await get(path, { accept: 'text/event-stream' })
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/)
    const events = eventsOf(stream)
    const seen = []
    for (let event = await events.next(); event !== undefined; event = await events.next()) seen.push(event)
    expect(seen.every(({ id }) => id !== undefined)).toBe(true)
    expect(seen.at(-1)?.data).toMatchObject({ status: 'succeeded', version: 1 })
    expect(seen.length).toBeLessThanOrEqual(2)
    const finalId = seen.at(-1)?.id ?? ''
    const again = await get(path, { accept: 'text/event-stream', 'last-event-id': finalId })
    expect(again.status).toBe(204)
    const other = await get(path, { accept: 'text/event-stream', 'last-event-id': 'received' })
    expect((await eventsOf(other).next())?.data).toMatchObject({ status: 'succeeded' })
  })
})

describe('routes of the app', () => {
  test('answer with the members of the app in place of the generic ones in a 202', async () => {
    const key = { 'idempotency-key': newId() }
    const first = await post('/parcels', { grams: 5 }, key)
    expect(first.status).toBe(202)
    const body = await bodyOf(first)
    expect(body).toEqual({ parcel_id: expect.stringMatching(uuidPattern), command_id: expect.any(String) })
    expect(first.headers.get('location')).toBe(`/shop/commands/${body.command_id}`)
    await expect.poll(async () => (await get(`/parcels/${body.parcel_id}`)).status).toBe(200)
    expect(await bodyOf(await post('/parcels', { grams: 5 }, key))).toEqual(body)
  })

  test('add them to a 200 and a 422 when they wait', async () => {
    const done = await post('/parcels', { grams: 5 }, { prefer: 'wait=5' })
    const body = await bodyOf(done)
    expect(done.status).toBe(200)
    expect(body).toMatchObject({
      status: 'succeeded',
      version: 1,
      parcel_id: body.streamId,
      command_id: body.commandId,
    })
    expect(await bodyOf(await get(`/parcels/${body.parcel_id.toUpperCase()}?v=1`))).toEqual({
      parcel_id: body.streamId,
      version: 1,
      parcel: { grams: 5 },
    })
  })

  test('point into the root of the body, and take UUIDs in the path only', async () => {
    const problem = await problemIn(await post('/parcels', { grams: 'five' }))
    expect(problem.errors).toEqual([{ pointer: '/grams', detail: expect.any(String) }])
    const put = (id: string): Promise<Response> | Response =>
      served.gateway.fetch(
        new Request(`http://localhost/shop/parcels/${id}`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: '{"grams":1}',
        }),
      )
    expect((await problemIn(await put('abc'))).status).toBe(400)
    expect((await problemIn(await get('/parcels/abc'))).status).toBe(400)
    expect((await put('0190a5b2-7c3e-7d4f-8a1b-2c3d4e5f6999')).status).toBe(200)
  })
})

test('a server without trouble reports no faults but that of the decider', async () => {
  await delay(0)
  expect(served.faults.map(String).filter((fault) => !fault.includes('CancelOrder'))).toEqual([])
})
