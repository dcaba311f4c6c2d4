// How the importer takes the answers of a gateway, good and bad, from a server that answers as it is told.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { systemRuntime, type Json, type Runtime } from 'rampart'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createHttpSender, findOrders, type Gateway } from './http-sender.ts'
import type { Invoice } from './invoice-file.ts'

interface Request {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
interface Reply {
  readonly status: number
  readonly body?: Json
  readonly retryAfter?: string
  /** Breaks the connection instead of answering. */
  readonly breaks?: boolean
}

const requests: Request[] = []
let replies: (request: Request) => Reply
const server = createServer((incoming, outgoing) => {
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const request = {
      url: incoming.url ?? '',
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString(),
    }
    requests.push(request)
    const { status, body, retryAfter, breaks = false } = replies(request)
    if (breaks) incoming.socket.destroy()
    else if (retryAfter !== undefined) outgoing.writeHead(status, { 'retry-after': retryAfter }).end()
    else outgoing.writeHead(status).end(JSON.stringify(body))
  })
})

const waitsMs: number[] = []
/** Waits a hundredth of the time between attempts, and notes how long it should have been. */
const hasty: Runtime = {
  ...systemRuntime,
  setTimer(delayMs, callback, options) {
    // What is longer ends a request that gets no answer.
    if (delayMs >= 30_000) return systemRuntime.setTimer(delayMs, callback, options)
    waitsMs.push(delayMs)
    return systemRuntime.setTimer(delayMs / 100, callback, options)
  },
}
let gateway: Gateway
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  gateway = { base: `http://127.0.0.1:${port}`, token: undefined, runtime: hasty }
})
beforeEach(() => {
  requests.length = 0
  waitsMs.length = 0
})
afterAll(() => server.close())

const invoice: Invoice = { number: '536365', command: 'PlaceOrder', data: { lines: [] }, subjects: [] }
const send = (changed: Partial<Invoice> = {}) =>
  createHttpSender(gateway, `${gateway.base}/orders`)({ ...invoice, ...changed })

/** Replies in turn, the last one again and again. */
function inTurn(...turns: readonly Reply[]): void {
  let next = 0
  replies = () => turns[Math.min(next++, turns.length - 1)] ?? { status: 500 }
}

describe('sending an invoice', () => {
  test('posts a command under the key of the invoice, with the token as bearer', async () => {
    inTurn({ status: 200 })
    gateway = { ...gateway, token: 'secret' }
    expect(await send()).toBe('placed')
    expect(await send({ command: 'RecordReturn', number: 'C1é' })).toBe('returned')
    gateway = { ...gateway, token: undefined }
    expect(requests).toMatchObject([
      {
        url: '/orders/commands/PlaceOrder',
        headers: { 'idempotency-key': 'import-536365', authorization: 'Bearer secret' },
        body: '{"streamId":"536365","data":{"lines":[]}}',
      },
      { url: '/orders/commands/RecordReturn', headers: { 'idempotency-key': 'import-C1%C3%A9' } },
    ])
  })

  test.each([
    [400, { code: 'INPUT_INVALID' }, 'INVALID'],
    [413, {}, 'INVALID'],
    [409, { code: 'IDEMPOTENCY_KEY_REUSED' }, 'IDEMPOTENCY_KEY_REUSED'],
    [422, { code: 'ORDER_EXISTS' }, 'ORDER_EXISTS'],
  ] as const)('takes %i for a refusal', async (status, body, code) => {
    inTurn({ status, body })
    expect(await send()).toEqual({ refused: code })
    expect(requests).toHaveLength(1)
  })

  test('tries again what is busy, broken or undecided, and waits as long as it is told', async () => {
    inTurn(
      { status: 503 },
      { status: 429, retryAfter: '7' },
      { status: 0, breaks: true },
      { status: 202, body: { status: 'received' } },
      { status: 200 },
    )
    expect(await send()).toBe('placed')
    expect(requests).toHaveLength(5)
    expect(waitsMs[1]).toBe(7_000)
    expect(waitsMs).toHaveLength(4)
    expect(waitsMs[3]).toBeGreaterThan(waitsMs[0] ?? 0)
  })

  test('gives up after eight attempts, and says why', async () => {
    inTurn({ status: 503 })
    await expect(send()).rejects.toThrow(/Gave up on invoice 536365 after 8 attempts: .* answers 503/)
    expect(requests).toHaveLength(8)
  })

  test.each([401, 403, 404, 500])('fails at once on %i, which no retry mends', async (status) => {
    inTurn({ status, body: { detail: 'No.' } })
    await expect(send()).rejects.toThrow(`answers ${status}: No.`)
    expect(requests).toHaveLength(1)
  })
})

describe('finding the orders app', () => {
  const openapi = (path: string): Reply => ({ status: 200, body: { paths: { [path]: {} } } })

  test('prefers the prefix, and takes the root of a gateway that serves nothing else', async () => {
    replies = ({ url }) =>
      url === '/orders/openapi.json' ? openapi('/orders/commands/PlaceOrder') : { status: 404, body: {} }
    expect(await findOrders(gateway)).toBe(`${gateway.base}/orders`)
    replies = ({ url }) =>
      url === '/openapi.json' ? openapi('/commands/PlaceOrder') : { status: 404, body: {} }
    expect(await findOrders(gateway)).toBe(gateway.base)
  })

  test('says that there is no orders app, or no gateway', async () => {
    replies = () => openapi('/commands/CreateValue')
    await expect(findOrders(gateway)).rejects.toThrow(/has no orders app/)
    const absent = { ...gateway, base: 'http://127.0.0.1:1' }
    await expect(findOrders(absent)).rejects.toThrow(/cannot be reached \(.*\)/)
  })
})
