// What the calculator answers over HTTP, on its own routes and on those of every app.
import { randomUUID } from 'node:crypto'
import type { Json } from 'rampart'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, readLog, startServer, temporaryFolder, until, type Answer, type Server } from './server.ts'

const folder = temporaryFolder()
let server: Server
beforeAll(async () => {
  server = await startServer(folder.path)
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  folder.remove()
})

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const wait = { prefer: 'wait=10' }

async function create(value: number, headers: Readonly<Record<string, string>> = wait): Promise<Answer> {
  return ask(`${server.base}/values`, { method: 'POST', body: { value }, headers })
}

async function update(
  id: string,
  operation: string,
  options: { readonly value: number; readonly headers?: Readonly<Record<string, string>> },
): Promise<Answer> {
  const { value, headers = {} } = options
  return ask(`${server.base}/values/${id}`, { method: 'PUT', body: { operation, value }, headers })
}

async function idOf(created: Promise<Answer>): Promise<string> {
  return Object((await created).body).value_id
}

/** The final status of a command. */
async function finalStatus(answer: Answer): Promise<Answer> {
  const location = `${server.base}${answer.headers.get('location')}`
  let status = await ask(location)
  await until(async () => {
    status = await ask(location)
    return Object(status.body).status !== 'received'
  })
  return status
}

describe('the routes of values', () => {
  test('accept a new value with its id and where its status is', async () => {
    const answer = await create(3, {})
    expect(answer.status).toBe(202)
    expect(answer.body).toEqual({
      value_id: expect.stringMatching(uuid),
      command_id: expect.stringMatching(uuid),
    })
    const { command_id: commandId, value_id: id } = Object(answer.body)
    expect(answer.headers.get('location')).toBe(`/commands/${commandId}`)
    const status = await finalStatus(answer)
    expect(status.body).toMatchObject({ commandId, status: 'succeeded', streamId: id, version: 1 })
  })

  test('accept an update, and show its result within the freshness that the reader asks for', async () => {
    const id = await idOf(create(3))
    const answer = await update(id, 'MULTIPLY', { value: 3 })
    expect(answer.status).toBe(202)
    expect(answer.body).toEqual({ value_id: id, command_id: expect.stringMatching(uuid) })
    const read = await ask(`${server.base}/values/${id}?v=2`)
    expect(read.status).toBe(200)
    expect(read.body).toEqual({ value_id: id, value: 9, version: 2 })
  })

  test('come to 12 from 2, plus 2, times 3', async () => {
    const id = await idOf(create(2, {}))
    await update(id, 'ADD', { value: 2 })
    await update(id, 'MULTIPLY', { value: 3 })
    const { body } = await ask(`${server.base}/values/${id}?v=3`)
    expect(body).toEqual({ value_id: id, value: 12, version: 3 })
  })

  test('answer 404 for a value that does not exist', async () => {
    const { status, headers } = await ask(`${server.base}/values/${randomUUID()}`)
    expect(status).toBe(404)
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
  })

  test('wait for the outcome when asked to, with both ids in the answer', async () => {
    const created = await create(5)
    expect(created.status).toBe(200)
    const { value_id: id } = Object(created.body)
    expect(created.body).toEqual({
      commandId: expect.stringMatching(uuid),
      command_id: Object(created.body).commandId,
      status: 'succeeded',
      streamId: id,
      value_id: id,
      version: 1,
      position: expect.any(Number),
    })
    const token = created.headers.get('consistency-token') ?? ''
    const read = await ask(`${server.base}/values/${id}`, { headers: { 'consistency-token': token } })
    expect(read.body).toEqual({ value_id: id, value: 5, version: 1 })
    const refused = await update(randomUUID(), 'ADD', { value: 1, headers: wait })
    expect(refused.status).toBe(422)
    expect(refused.body).toMatchObject({
      code: 'VALUE_NOT_FOUND',
      command_id: Object(refused.body).commandId,
      value_id: expect.stringMatching(uuid),
    })
  })

  test('answer a known key with the first answer, also in the other form', async () => {
    const key = { 'idempotency-key': 'create-once' }
    const first = await create(8, { ...key, ...wait })
    const again = await create(8, { ...key, ...wait })
    expect(again.body).toEqual(first.body)
    const { value_id, command_id } = Object(first.body)
    const accepted = await create(8, { ...key, prefer: 'respond-async' })
    expect(accepted.status).toBe(202)
    expect(accepted.body).toEqual({ value_id, command_id })
    const other = await create(9, { ...key, ...wait })
    expect([other.status, Object(other.body).code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED'])
  })

  test('keep ids in lower case', async () => {
    const id = await idOf(create(1))
    const answer = await update(id.toUpperCase(), 'ADD', { value: 1, headers: wait })
    expect(answer.body).toMatchObject({ value_id: id, version: 2 })
    expect((await ask(`${server.base}/values/${id.toUpperCase()}?v=2`)).body).toMatchObject({ value_id: id })
  })
})

describe('refusals', () => {
  test('take an update of an unknown value, and refuse it later without an event', async () => {
    const before = (await readLog(server.base)).length
    const id = 'ffffffff-ffff-4fff-bfff-ffffffffffff'
    const answer = await update(id, 'ADD', { value: 1 })
    expect(answer.status).toBe(202)
    const { body } = await finalStatus(answer)
    expect(body).toMatchObject({
      status: 'refused',
      code: 'VALUE_NOT_FOUND',
      detail: `Value ${id} does not exist.`,
    })
    expect(await readLog(server.base)).toHaveLength(before)
  })

  test('refuse a second value under one id', async () => {
    const streamId = randomUUID()
    const createAt = (value: number) =>
      ask(`${server.base}/commands/CreateValue`, { method: 'POST', body: { streamId, data: { value } } })
    expect(await createAt(1)).toMatchObject({ status: 200, body: { version: 1 } })
    expect(await createAt(2)).toMatchObject({
      status: 422,
      body: { code: 'VALUE_EXISTS', detail: `Value ${streamId} already exists.` },
    })
  })

  test('refuse a result beyond the largest number, and keep the value', async () => {
    const id = await idOf(create(1))
    await update(id, 'MULTIPLY', { value: 1e308, headers: wait })
    const answer = await update(id, 'MULTIPLY', { value: 1e308, headers: wait })
    expect(answer).toMatchObject({ status: 422, body: { code: 'VALUE_NOT_FINITE' } })
    expect((await ask(`${server.base}/values/${id}`)).body).toEqual({
      value_id: id,
      value: 1e308,
      version: 2,
    })
  })

  test('show zero where a result is negative zero', async () => {
    const id = await idOf(create(0))
    await update(id, 'MULTIPLY', { value: -1, headers: wait })
    const { body } = await ask(`${server.base}/values/${id}?v=2`)
    expect(Object.is(Object(body).value, 0)).toBe(true)
  })
})

describe('the generic contract', () => {
  test('creates a value without a stream id, and reads it under the id it was given', async () => {
    const created = await ask(`${server.base}/commands/CreateValue`, {
      method: 'POST',
      body: { data: { value: 4 } },
    })
    const { streamId } = Object(created.body)
    expect(created).toMatchObject({
      status: 200,
      body: { streamId: expect.stringMatching(uuid), version: 1 },
    })
    const added = await ask(`${server.base}/commands/UpdateValue`, {
      method: 'POST',
      body: { streamId: streamId.toUpperCase(), data: { operation: 'ADD', value: 0 } },
    })
    expect(added).toMatchObject({ status: 200, body: { streamId, version: 2 } })
    const { body } = await ask(`${server.base}/reads/values/${streamId}?v=2`)
    expect(body).toEqual({ key: streamId, version: 2, data: { value: 4 } })
  })

  test('gives each event the command that caused it, and each command an event or a refusal', async () => {
    const id = await idOf(create(1))
    const answers = [
      await update(id, 'ADD', { value: 0 }),
      await update(id, 'MULTIPLY', { value: 2 }),
      await update(randomUUID(), 'ADD', { value: 1 }),
      await create(7, {}),
    ]
    const finals = await Promise.all(answers.map(finalStatus))
    const log = await readLog(server.base)
    for (const { body } of finals) {
      const { commandId, status, position, streamId } = Object(body)
      const caused = log.filter(({ causationId }) => causationId === commandId)
      const events = { succeeded: [{ position, id: streamId }], refused: [] }[String(status)]
      expect(caused).toMatchObject(events ?? ['a final status'])
    }
    const causes = await Promise.all(
      log.map(({ causationId }) => ask(`${server.base}/commands/${causationId}`)),
    )
    expect(causes.every(({ body }) => Object(body).status === 'succeeded')).toBe(true)
  })

  test('sends exactly one final status to whoever watches, before or after the outcome', async () => {
    const watch = async (answer: Answer): Promise<readonly Json[]> => {
      const response = await fetch(`${server.base}${answer.headers.get('location')}`, {
        headers: { accept: 'text/event-stream' },
      })
      // The server ends the stream after the final status.
      const text = await response.text()
      return [...text.matchAll(/^data: ?(.*)$/gm)].map(([, data = '']) => JSON.parse(data))
    }
    const isFinal = (status: Json) => Object(status).status !== 'received'
    const early = await create(1, {})
    const whileRunning = await watch(early)
    expect(whileRunning.filter(isFinal)).toMatchObject([{ status: 'succeeded' }])
    const late = await update(randomUUID(), 'ADD', { value: 1 })
    await finalStatus(late)
    expect((await watch(late)).filter(isFinal)).toMatchObject([
      { status: 'refused', code: 'VALUE_NOT_FOUND' },
    ])
  })
})

describe('bad input', () => {
  const known = '0197a5b2-0000-7000-8000-000000000001'
  const put = { method: 'PUT', path: `/values/${known}` }
  const post = { method: 'POST', path: '/values' }
  const rows = [
    ['malformed JSON', 400, post, '{"value":'],
    ['a body that is no object', 400, post, '[3]'],
    ['a missing value', 400, post, '{}'],
    ['a missing value of an update', 400, put, '{"operation":"ADD"}'],
    ['an operation in lower case', 400, put, '{"operation":"add","value":1}'],
    ['an unknown operation', 400, put, '{"operation":"DIVIDE","value":1}'],
    ['a value that is a string', 400, post, '{"value":"3"}'],
    ['a value that is null', 400, post, '{"value":null}'],
    ['NaN', 400, post, '{"value":NaN}'],
    ['a number beyond all numbers', 400, post, '{"value":1e999}'],
    ['a member that nobody knows', 400, post, '{"value":3,"unit":"m"}'],
    ['__proto__', 400, post, '{"value":3,"__proto__":{"value":4}}'],
    [
      'a path that is no UUID',
      400,
      { method: 'PUT', path: '/values/seven' },
      '{"operation":"ADD","value":1}',
    ],
    ['a path that is no UUID, to read', 400, { method: 'GET', path: '/values/seven' }, undefined],
    ['the wrong method on a value', 405, { method: 'POST', path: `/values/${known}` }, '{"value":3}'],
    ['the wrong method on all values', 405, { method: 'PUT', path: '/values' }, '{"value":3}'],
    ['a deletion', 405, { method: 'DELETE', path: `/values/${known}` }, undefined],
    ['a path below a value', 404, { method: 'GET', path: `/values/${known}/parts` }, undefined],
  ] as const

  test.each(rows)('answers %s with %i and records nothing', async (_, status, { method, path }, body) => {
    const before = (await readLog(server.base)).length
    const answer = await ask(`${server.base}${path}`, { method, ...(body === undefined ? {} : { body }) })
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.body).toMatchObject({ status, title: expect.any(String) })
    expect(answer.headers.has('allow')).toBe(status === 405)
    expect(await readLog(server.base)).toHaveLength(before)
    expect((await ask(`${server.base}/healthz`)).status).toBe(200)
  })
})
