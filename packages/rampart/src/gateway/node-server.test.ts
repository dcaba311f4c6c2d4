// The gateway on a socket: what Node's parser refuses, who is too many, who is too slow, and how it ends.
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, describe, expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { serveGateway, type GatewayLimits, type ListeningGateway } from './index.ts'
import { placing, serveShop, type ServedShop } from './test/shop.ts'

interface Listening extends AsyncDisposable {
  readonly shop: ServedShop
  readonly server: ListeningGateway
  readonly url: string
}

async function listen(limits: Partial<GatewayLimits> = {}): Promise<Listening> {
  const shop = await serveShop({ limits })
  const server = await serveGateway(shop.gateway, {
    host: '127.0.0.1',
    port: 0,
    runtime: systemRuntime,
    reportFault: (fault) => shop.faults.push(fault),
  })
  return {
    shop,
    server,
    url: `http://127.0.0.1:${server.port}`,
    async [Symbol.asyncDispose]() {
      shop.gateway.drain()
      await server.close(200)
      await shop[Symbol.asyncDispose]()
    },
  }
}

const listening = await listen({ bodyBytesMax: 10_000 })
afterAll(() => listening[Symbol.asyncDispose]())

/** Sends raw bytes, and gives what comes back until the connection closes or `until` has been seen. */
async function raw(text: string | Buffer, until?: RegExp, port = listening.server.port): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  const { promise, resolve } = Promise.withResolvers<string>()
  let seen = ''
  socket.on('data', (chunk) => {
    seen += String(chunk)
    if (until?.test(seen)) resolve(seen)
  })
  socket.on('close', () => resolve(seen))
  socket.on('error', () => resolve(seen))
  socket.write(text)
  const answer = await promise
  socket.destroy()
  return answer
}

function problemOf(answer: string): { readonly status: number; readonly code: string } {
  expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /)
  expect(answer.toLowerCase()).toContain('content-type: application/problem+json')
  const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
  expect(answer).toContain(` ${problem.status} `)
  return problem
}

describe('what is no request', () => {
  test.each([
    ['garbage', 'garbage\r\n\r\n', 400],
    ['bytes', Buffer.from([0, 1, 2, 3, 255, 10, 13, 10]), 400],
    ['another protocol', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['an empty address', 'GET  HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a header with NUL', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n', 400],
    [
      'two lengths',
      'POST /shop/commands/X HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
    ['a negative length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n', 400],
    ['too many header bytes', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17 * 1024)}\r\n\r\n`, 431],
    ['a long address', `GET /${'x'.repeat(17 * 1024)} HTTP/1.1\r\nHost: a\r\n\r\n`, 431],
    ['a tunnel', 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ])('%s is answered with a problem', async (_, text, status) => {
    expect(problemOf(await raw(text)).status).toBe(status)
  })

  test.each([
    ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a b@c:x/\r\nConnection: close\r\n\r\n', 400],
    ['an address without a slash', 'GET nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
    [
      'an absolute address',
      'GET http://other.example/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      404,
    ],
    [
      'an encoded dot segment',
      'GET /shop/reads/order/%2e%2e HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
      404,
    ],
    ['TRACE', 'TRACE /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 405],
    [
      'an expectation',
      'GET /nothing HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nConnection: close\r\n\r\n',
      404,
    ],
    ['HTTP/1.0', 'GET /nothing HTTP/1.0\r\n\r\n', 404],
  ])('%s is answered with a problem as well', async (_, text, status) => {
    expect(problemOf(await raw(text)).status).toBe(status)
  })

  test.each([
    ['headers', 'GET / HTTP/1.1\r\nHost: a\r\nX: '],
    [
      'a body',
      'POST /shop/commands/PlaceOrder HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{',
    ],
    ['anything', ''],
  ])('a request that never sends the rest of %s is cut off with 408', async (_, text) => {
    await using hasty = await listen({ requestMs: 1000 })
    const startedMs = systemRuntime.elapsedMs()
    const answer = await raw(text, undefined, hasty.server.port)
    // Without that setting it would be a quarter of a minute.
    expect(systemRuntime.elapsedMs() - startedMs).toBeLessThan(14_000)
    expect(problemOf(answer).status).toBe(408)
  })
})

describe('a body that is too large', () => {
  test('is refused by its length at once, and the server goes on', async () => {
    const head = 'POST /shop/commands/PlaceOrder HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
    const answer = await raw(`${head}Content-Length: 10000000000\r\n\r\n{`, /\}$/)
    expect(problemOf(answer).status).toBe(413)
    expect((await fetch(`${listening.url}/healthz`)).status).toBe(200)
  })

  test('is refused while it streams', async () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const sending = request(`${listening.url}/shop/commands/PlaceOrder`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    sending.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    sending.on('error', reject)
    for (let count = 0; count < 20; count++) sending.write('x'.repeat(1000))
    expect(await promise).toBe(413)
    sending.destroy()
  })

  test('is read in time and little memory also when it comes in tiny chunks', async () => {
    const body = JSON.stringify(placing('tiny')).replace('{', `{${' '.repeat(9000)}`)
    const chunks = body.replaceAll(/./g, '1\r\n$&\r\n')
    const head = 'POST /shop/commands/PlaceOrder HTTP/1.1\r\nHost: a\r\nConnection: close\r\n'
    const type = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await raw(`${head}${type}${chunks}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('does not cost a client its connection when it fits', async () => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
    for (const id of ['n1', 'n2']) {
      const body = JSON.stringify(placing(id))
      const response = await fetch(`${listening.url}/shop/commands/PlaceOrder`, { ...init, body })
      expect(response.status).toBe(200)
      await response.text()
    }
  })
})

describe('connections', () => {
  test('beyond the limit get a 503 problem, and places are given back', async () => {
    await using small = await listen({ connectionsMax: 3 })
    const open: Socket[] = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const socket = connect({ port: small.server.port, host: '127.0.0.1' })
        await new Promise((resolve) => socket.once('connect', resolve))
        return socket
      }),
    )
    const body = JSON.stringify(placing('refused'))
    const head = 'POST /shop/commands/PlaceOrder HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
    const post = `${head}Content-Length: ${body.length}\r\n\r\n${body}`
    const answer = await raw(post, undefined, small.server.port)
    expect(problemOf(answer)).toMatchObject({ status: 503, code: 'SERVER_FULL' })
    for (const socket of open) socket.destroy()
    await expect
      .poll(async () => (await fetch(`${small.url}/readyz`).catch(() => undefined))?.status)
      .toBe(200)
    expect((await small.shop.engine.stores[0]?.head())?.position).toBe(0)
  })

  test('of 200 clients that read nothing stay within bounds of memory', async () => {
    await using busy = await listen()
    const text = 'x'.repeat(8000)
    for (let count = 0; count < 50; count++) await busy.shop.place(`slow-${count}`, text)
    await busy.shop.get('/reads/order/slow-49?v=1')
    const before = process.memoryUsage.rss()
    const sockets = Array.from({ length: 200 }, () => {
      const socket = connect({ port: busy.server.port, host: '127.0.0.1' })
      socket.on('error', () => {})
      socket.pause()
      socket.write('GET /shop/reads/order HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n')
      return socket
    })
    const metrics = async (): Promise<string> => (await fetch(`${busy.url}/metrics`)).text()
    await expect.poll(metrics).toContain('rampart_event_streams 200')
    for (let round = 0; round < 20; round++) await busy.shop.place(`wake-${round}`, text)
    expect((await fetch(`${busy.url}/healthz`)).status).toBe(200)
    expect(process.memoryUsage.rss() - before).toBeLessThan(300 * 1024 * 1024)
    for (const socket of sockets) socket.destroy()
    await expect.poll(metrics).toContain('rampart_event_streams 0')
  })
})

describe('answers that nobody reads', () => {
  const head = 'HTTP/1.1\r\nHost: a\r\n'
  const stuck = async ({ shop, server }: Listening, text: string): Promise<Socket> => {
    for (let count = 0; count < 200; count++) await shop.place(`unread-${count}`, 'x'.repeat(60_000))
    await shop.get('/reads/order/unread-199?v=1')
    const socket = connect({ port: server.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.pause()
    socket.write(text)
    return socket
  }

  test.each([
    ['for a while', { unreadMs: 300 }],
    ['beyond what may wait for all clients', { unsentBytesMax: 50_000 }],
  ])('%s cost a stream its connection, and it can be taken up again', async (_, limits) => {
    await using small = await listen(limits)
    const socket = await stuck(small, `GET /shop/reads/order ${head}Accept: text/event-stream\r\n\r\n`)
    const metrics = async (): Promise<string> => (await fetch(`${small.url}/metrics`)).text()
    await expect.poll(metrics).toMatch(/reads\/:projection",status="200"} \d/)
    await expect.poll(metrics).toContain('rampart_event_streams 0')
    socket.destroy()
    expect((await fetch(`${small.url}/shop/reads/order/unread-0`)).status).toBe(200)
  })

  test('are not made ahead for requests that a client sends at once', async () => {
    await using small = await listen()
    const text = `GET /shop/reads/order?limit=1000 ${head}\r\n`.repeat(100)
    const socket = await stuck(small, text)
    const metrics = async (): Promise<string> => (await fetch(`${small.url}/metrics`)).text()
    await expect.poll(metrics).toMatch(/reads\/:projection",status="200"} \d/)
    const [, answered] = /reads\/:projection",status="200"} (\d+)/.exec(await metrics()) ?? []
    expect(Number(answered)).toBeLessThan(10)
    socket.destroy()
  })
})

test('requests that a client sends at once are answered in their order', async () => {
  const paths = ['/healthz', '/nothing', '/readyz', '/shop/reads/order/none']
  const texts = paths.map((path, index) => {
    const end = index === paths.length - 1 ? 'Connection: close\r\n' : ''
    return `GET ${path} HTTP/1.1\r\nHost: a\r\n${end}\r\n`
  })
  const statuses = (await raw(texts.join(''))).match(/(?<=HTTP\/1\.1 )\d{3}/g)
  expect(statuses).toEqual(['200', '404', '200', '404'])
})

test('a hostile flood leaves the process small, alive and without faults', async () => {
  await using flooded = await listen()
  const big = `{"streamId":"x","data":${'['.repeat(400_000)}`
  const bodies = [
    big,
    `{"a":"${'x'.repeat(900_000)}"}`,
    '{"streamId":',
    '\u0000',
    `[${'1,'.repeat(400_000)}1]`,
  ]
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        fetch(`${flooded.url}/shop/commands/PlaceOrder`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: bodies[(index + round) % bodies.length] ?? '',
        }).then(async (response) => [response.status, (await response.text()).length] as const),
      ),
    )
    for (const [status, length] of answers) {
      expect(status).toBe(400)
      expect(length).toBeLessThanOrEqual(64 * 1024)
    }
  }
  expect(process.memoryUsage.rss()).toBeLessThan(768 * 1024 * 1024)
  expect((await fetch(`${flooded.url}/readyz`)).status).toBe(200)
  expect((await flooded.shop.engine.stores[0]?.head())?.position).toBe(0)
  expect(flooded.shop.faults).toEqual([])
})

test('a port that is taken is a fault that says what to do', async () => {
  const options = {
    host: '127.0.0.1',
    port: listening.server.port,
    runtime: systemRuntime,
    reportFault: () => {},
  }
  await expect(serveGateway(listening.shop.gateway, options)).rejects.toMatchObject({
    code: 'SETTING_INVALID',
    message: expect.stringContaining('is in use'),
  })
})

test('closing answers what is in flight, ends streams, and refuses what comes later', async () => {
  const closing = await listen()
  await closing.shop.place('held')
  const held = fetch(`${closing.url}/shop/reads/order/held?v=9`, { headers: { prefer: 'wait=60' } })
  const stream = await fetch(`${closing.url}/shop/reads/order`, { headers: { accept: 'text/event-stream' } })
  const read = stream.text()
  await expect
    .poll(async () => (await fetch(`${closing.url}/metrics`)).text())
    .toContain('rampart_event_streams 1')
  const startedMs = systemRuntime.elapsedMs()
  closing.shop.gateway.drain()
  const closed = closing.server.close(60_000)
  expect((await held).status).toBe(503)
  expect(await read).toMatch(/retry: \d+\n\n$/)
  await closed
  expect(systemRuntime.elapsedMs() - startedMs).toBeLessThan(30_000)
  await expect(fetch(`${closing.url}/healthz`)).rejects.toThrow('fetch failed')
  await closing.shop[Symbol.asyncDispose]()
})

test('serving leaves no faults behind', () => {
  expect(listening.shop.faults).toEqual([])
})

test('a connection that has never asked for anything holds up no end', async () => {
  await using own = await listen()
  const socket = connect({ port: own.server.port, host: '127.0.0.1' })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  await new Promise((resolve) => socket.once('connect', resolve))
  expect((await fetch(`${own.url}/healthz`)).status).toBe(200)
  const startedMs = performance.now()
  await own.server.close(60_000)
  expect(performance.now() - startedMs).toBeLessThan(30_000)
  await closed
})
