// Which tokens are taken: none of those that attackers send, on no route, and those that hold on each.
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemRuntime } from '../../core/index.ts'
import { serveGateway, type ListeningGateway } from '../index.ts'
import { bodyOf, placing, problemIn, serveShop, withinASecond } from '../test/shop.ts'
import { as, bearer, badHeaders, bySecret, claims, hmacToken, inSeconds } from '../test/tokens.ts'

const served = await serveShop({ authentication: bySecret })
const { gateway, get, post } = served
afterAll(() => served[Symbol.asyncDispose]())

const id = '0190a5b2-7c3e-7d4f-8a1b-2c3d4e5f6071'
const stream = 'text/event-stream'
const guarded: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ['POST', '/shop/commands/PlaceOrder', {}],
  ['POST', '/shop/commands/Nothing', {}],
  ['GET', `/shop/commands/${id}`, {}],
  ['HEAD', `/shop/commands/${id}`, {}],
  ['GET', `/shop/commands/${id}`, { accept: stream }],
  ['GET', '/shop/reads/order', {}],
  ['GET', '/shop/reads/order', { accept: stream }],
  ['GET', '/shop/reads/order/a', {}],
  ['GET', '/shop/reads/order/a', { accept: stream, 'last-event-id': 'x' }],
  ['GET', '/shop/reads/nothing/a', {}],
  ['POST', '/shop/parcels', {}],
  ['PUT', `/shop/parcels/${id}`, {}],
  ['GET', `/shop/parcels/${id}`, {}],
  ['GET', '/shop/admin/events', {}],
  ['GET', '/shop/nothing', {}],
  ['OPTIONS', '/shop/commands/PlaceOrder', {}],
  ['DELETE', '/', {}],
]

async function ask(method: string, path: string, headers: Readonly<Record<string, string>>) {
  const body = method === 'POST' || method === 'PUT' ? JSON.stringify(placing('a')) : undefined
  const init = { method, headers: { 'content-type': 'application/json', ...headers } }
  return gateway.fetch(new Request(`http://localhost${path}`, body === undefined ? init : { ...init, body }))
}

test.each(badHeaders())('%s is refused on every route', async (_name, headers) => {
  for (const [method, path, more] of guarded) {
    const response = await ask(method, path, { ...more, ...headers })
    const challenge = response.headers.get('www-authenticate') ?? ''
    expect([method, path, response.status]).toEqual([method, path, 401])
    const isSent = 'authorization' in headers
    expect(challenge.includes('error="invalid_token"')).toBe(isSent)
    expect(challenge).toMatch(/^Bearer realm="rampart"[ -~]*$/)
    const { code } = method === 'HEAD' ? { code: 'UNAUTHENTICATED' } : await problemIn(response)
    expect(code).toBe('UNAUTHENTICATED')
  }
  expect(served.faults).toEqual([])
})

test('nothing of what was refused was recorded', async () => {
  expect((await bodyOf(await get('/admin/events', as('root', 'admin')))).head).toBe(0)
})

describe('a token that holds', () => {
  const good: readonly (readonly [string, string])[] = [
    ['is taken', hmacToken()],
    ['may lack typ', hmacToken(claims(), { typ: undefined })],
    ['may be of type at+jwt', hmacToken(claims(), { typ: 'at+jwt' })],
    ['may name several audiences', hmacToken(claims({ aud: ['other', 'shop'] }))],
    ['may name a key', hmacToken(claims(), { kid: '../../dev/null' })],
    ['may have expired within the tolerance', hmacToken(claims({ exp: inSeconds(-5) }))],
    ['may begin within the tolerance', hmacToken(claims({ nbf: inSeconds(5) }))],
    ['may have roles', hmacToken(claims({ roles: [] }))],
    ['may have a subject beyond ASCII', hmacToken(claims({ sub: 'ädä 💡' }))],
  ]

  test.each(good)('%s', async (_name, token) => {
    expect((await get('/reads/order', bearer(token))).status).toBe(200)
    expect((await get('/reads/order', { authorization: `bearer ${token}` })).status).toBe(200)
  })

  test('opens every route but those of operators', async () => {
    for (const [method, path, headers] of guarded) {
      const response = await ask(method, path, { ...headers, ...as('ada') })
      expect(response.status === 401, `${method} ${path}`).toBe(false)
      expect(response.status === 403, `${method} ${path}`).toBe(path.includes('/admin/'))
      await response.body?.cancel()
    }
    expect((await get('/admin/events', as('ada', 'clerk'))).status).toBe(403)
    expect((await get('/admin/events', as('root', 'clerk', 'admin'))).status).toBe(200)
  })

  test('makes its subject the actor of what it records', async () => {
    await post('/commands/PlaceOrder', placing('acted'), as('ädä'))
    await post('/commands/PlaceOrder', placing('later'), { ...as('ädä'), prefer: 'respond-async' })
    await expect
      .poll(async () => {
        const { events } = await bodyOf(await get('/admin/events?limit=1000', as('root', 'admin')))
        return events
          .filter((event: { stream: string }) => /-(acted|later)$/.test(event.stream))
          .map((event: { metadata: { actor: string } }) => event.metadata.actor)
      })
      .toEqual(['ädä', 'ädä'])
  })
})

test.each(['/healthz', '/readyz', '/metrics', '/', '/shop', '/shop/docs', '/shop/openapi.json'])(
  '%s needs no token, and minds no bad one',
  async (path) => {
    expect((await ask('GET', path, {})).status).toBeLessThan(400)
    expect((await ask('GET', path, { authorization: 'Bearer x' })).status).toBeLessThan(400)
  },
)

test('why nothing can be recorded is told where nobody is authenticated, and nowhere else', async () => {
  const fault = 'The disk of /srv/data/shop/write.sqlite failed.'
  await using open = await serveShop({ fault })
  await using guarded = await serveShop({ fault, authentication: bySecret })
  const reasons = [open, guarded].map(async ({ gateway }) => {
    const answer = await gateway.fetch(new Request('http://localhost/readyz'))
    return [answer.status, (await bodyOf(answer)).reason]
  })
  expect(await Promise.all(reasons)).toEqual([
    [503, fault],
    [503, 'The log of the server says why, and so does rampart doctor.'],
  ])
})

test('the documents say that a token is needed', async () => {
  const document = await bodyOf(await get('/openapi.json'))
  expect(document.security).toEqual([{ bearer: [] }])
  expect(document.components.securitySchemes.bearer).toMatchObject({ type: 'http', scheme: 'bearer' })
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path as object))
  for (const { responses } of operations)
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403']))
  expect(await (await get('/docs')).text()).toContain('Authorization: Bearer $RAMPART_TOKEN')
})

test('a token is remembered until it expires by the clock of the server, and not longer', async () => {
  let aheadMs = 0
  const nowMs = (): number => systemRuntime.nowMs() + aheadMs
  await using clocked = await serveShop({
    authentication: bySecret,
    runtime: { ...systemRuntime, nowMs },
  })
  const headers = as('ada')
  const statuses: number[] = []
  for (const minutes of [0, 5, 9, 12]) {
    aheadMs = minutes * 60_000
    statuses.push((await clocked.get('/reads/order', headers)).status)
  }
  expect(statuses).toEqual([200, 200, 200, 401])
})

test('known subjects are counted one by one, everybody else by address', async () => {
  const answers = await withinASecond(async () => {
    await using limited = await serveShop({ authentication: bySecret, limits: { ratePerSecond: 5 } })
    const statuses = async (count: number, headers: Readonly<Record<string, string>>) => {
      const of: number[] = []
      for (let each = 0; each < count; each++) of.push((await limited.get('/reads/order', headers)).status)
      return of
    }
    return {
      ada: await statuses(8, as('ada')),
      bob: await statuses(3, as('bob')),
      all: await statuses(8, {}),
    }
  })
  // The first use of a token is counted by address.
  expect(answers.ada).toEqual([200, 200, 200, 200, 200, 200, expect.any(Number), 429])
  expect(answers.bob).toEqual([200, 200, 200])
  expect(answers.all.slice(-2)).toEqual([429, 429])
})

describe('on a socket', () => {
  let listening: ListeningGateway
  beforeAll(async () => {
    const options = { host: '127.0.0.1', port: 0, runtime: systemRuntime, reportFault: () => {} }
    listening = await serveGateway(gateway, options)
  })
  afterAll(() => listening.close(0))

  async function statusOf(path: string, lines: readonly string[]): Promise<string> {
    const socket = connect(listening.port, '127.0.0.1')
    const head = [`GET ${path} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...lines]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return text.slice(9, 12)
  }

  const good = `Bearer ${hmacToken()}`
  const read = '/shop/reads/order'
  test.each([
    ['one header', read, [`Authorization: ${good}`], '200'],
    ['one header in other case', read, [`aUTHORIZATION: ${good}`], '200'],
    ['two headers', read, [`Authorization: ${good}`, `Authorization: ${good}`], '401'],
    ['a good header and a bad one', read, [`Authorization: ${good}`, 'authorization: Bearer x'], '401'],
    ['a bad header and a good one', read, ['Authorization: Bearer x', `authorization: ${good}`], '401'],
    ['a token in the query', `${read}?access_token=${good.slice(7)}`, [], '401'],
    ['a token in the path', `${read}/${good.slice(7)}`, [], '401'],
    ['another spelling of the path', '/shop/%72eads/order', [], '401'],
    ['a doubled slash', '//shop/reads/order', [], '401'],
    ['an absolute address', `http://localhost${read}`, [], '401'],
    ['another method by a header', read, ['X-HTTP-Method-Override: GET'], '401'],
    ['a rewritten address', '/healthz/../shop/reads/order', ['X-Original-URL: /healthz'], '401'],
  ])('%s: %s', async (_name, path, lines, status) => {
    expect(await statusOf(path, lines)).toBe(status)
  })
})
