// Tokens of a real OpenID Connect issuer, checked by the keys that it publishes; and what happens without it.
import { createPublicKey } from 'node:crypto'
import { afterAll, expect, test } from 'vitest'
import { systemRuntime, type Runtime } from '../../core/index.ts'
import type { Authentication } from '../index.ts'
import { keyOf, resource, startIssuer, type Issuer } from '../test/issuer.ts'
import { bodyOf, placing, problemIn, serveShop, type ServedShop } from '../test/shop.ts'
import { bearer, claims, hmacToken, inSeconds, part, rsaToken } from '../test/tokens.ts'

const rsa = keyOf('RS256')
const issuer = await startIssuer('first', rsa, 'RS256')
afterAll(() => issuer[Symbol.asyncDispose]())

let aheadMs = 0
const runtime: Runtime = { ...systemRuntime, elapsedMs: () => systemRuntime.elapsedMs() + aheadMs }

function serve(from: Issuer = issuer): Promise<ServedShop> {
  const authentication: Authentication = { keysUrl: from.keysUrl, issuer: from.url, audience: resource }
  return serveShop({ authentication, runtime })
}

async function read(served: ServedShop, token: string): Promise<number> {
  return (await served.get('/reads/order', bearer(token))).status
}

test('tokens of the issuer hold, their subjects act, and its keys are fetched once', async () => {
  await using served = await serve()
  const before = issuer.fetches()
  const [ada, root] = await Promise.all([issuer.tokenOf('ada'), issuer.tokenOf('root')])
  const placed = await served.post('/commands/PlaceOrder', placing('by/issuer'), bearer(ada))
  expect(placed.status).toBe(200)
  const { commandId } = await bodyOf(placed)
  expect((await served.get(`/commands/${commandId}`, bearer(await issuer.tokenOf('bob')))).status).toBe(404)
  expect((await served.get(`/commands/${commandId}`, bearer(root))).status).toBe(200)
  expect((await served.get('/admin/events', bearer(ada))).status).toBe(403)
  const { events } = await bodyOf(await served.get('/admin/events', bearer(root)))
  expect(events[0].metadata.actor).toBe('ada')
  expect(issuer.fetches() - before).toBe(1)
})

test.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)('keys for %s serve', async (alg) => {
  await using other = await startIssuer('only', keyOf(alg), alg)
  await using served = await serve(other)
  expect(await read(served, await other.tokenOf('ada'))).toBe(200)
})

test('what the published keys do not prove is refused', async () => {
  await using served = await serve()
  const jwk = createPublicKey(rsa).export({ format: 'jwk' })
  const pem = String(createPublicKey(rsa).export({ format: 'pem', type: 'spki' }))
  const der = createPublicKey(rsa).export({ format: 'der', type: 'spki' })
  const good = { ...claims({ iss: issuer.url, aud: resource }) }
  const kid = 'first'
  const stranger = keyOf('RS256')
  const [header = '', payload = '', signature = ''] = (await issuer.tokenOf('ada')).split('.')
  const bad: Readonly<Record<string, string>> = {
    'HS256 by the PEM of the public key': hmacToken(good, { kid }, pem),
    'HS256 by the PEM without its line feed': hmacToken(good, { kid }, pem.trim()),
    'HS256 by the DER of the public key': hmacToken(good, { kid }, der),
    'HS256 by the modulus': hmacToken(good, { kid }, Buffer.from(jwk.n ?? '', 'base64url')),
    'HS256 by the JWK': hmacToken(good, { kid }, JSON.stringify(jwk)),
    'HS256 called RS256': hmacToken(good, { kid, alg: 'RS256' }, pem),
    none: `${part({ alg: 'none', kid })}.${part(good)}.${signature}`,
    'another key under the same id': rsaToken(stranger, good, { kid }),
    'another key that it brings itself': rsaToken(stranger, good, {
      kid,
      jwk: createPublicKey(stranger).export({ format: 'jwk' }),
    }),
    'a key set of its own': rsaToken(rsa, good, { kid, jku: 'https://evil.example/jwks' }),
    'an unknown key id': rsaToken(rsa, good, { kid: 'second' }),
    'a path as key id': rsaToken(stranger, good, { kid: '../../../dev/null' }),
    'a query as key id': rsaToken(stranger, good, { kid: "' OR 1=1 --" }),
    'PS256 for a key of RS256': rsaToken(rsa, good, { kid, alg: 'PS256' }),
    'an expired one': rsaToken(rsa, { ...good, exp: inSeconds(-60) }, { kid }),
    'one for another audience': rsaToken(rsa, { ...good, aud: 'other' }, { kid }),
    'one of another issuer': rsaToken(rsa, { ...good, iss: 'https://evil.example' }, { kid }),
    'a changed payload': `${header}.${part({ ...good, roles: ['admin'] })}.${signature}`,
    'no signature': `${header}.${payload}.`,
  }
  for (const [name, token] of Object.entries(bad)) {
    expect([name, await read(served, token)]).toEqual([name, 401])
  }
  expect(await read(served, rsaToken(rsa, good, { kid }))).toBe(200)
})

test('a rotated key is taken up, and what the old one signed is remembered no longer', async () => {
  await using rotating = await startIssuer('old', keyOf('RS256'), 'RS256')
  await using served = await serve(rotating)
  const old = await rotating.tokenOf('ada')
  expect(await read(served, old)).toBe(200)
  rotating.rotate('new', keyOf('ES256'), 'ES256')
  const fresh = await rotating.tokenOf('ada')
  // Unknown keys do not make the server ask more often than every few seconds.
  expect(await read(served, fresh)).toBe(401)
  expect(rotating.fetches()).toBe(1)
  aheadMs += 6000
  expect(await read(served, fresh)).toBe(200)
  expect(await read(served, old)).toBe(401)
  expect(rotating.fetches()).toBe(2)
})

test('withdrawn keys are noticed although only known tokens come', async () => {
  await using rotating = await startIssuer('old', keyOf('RS256'), 'RS256')
  await using served = await serve(rotating)
  const old = await rotating.tokenOf('ada')
  expect(await read(served, old)).toBe(200)
  rotating.rotate('new', keyOf('RS256'), 'RS256')
  aheadMs += 11 * 60_000
  await expect.poll(() => read(served, old)).toBe(401)
})

test('without its issuer a server answers 503, but goes on with the keys it has', async () => {
  await using failing = await startIssuer('only', keyOf('RS256'), 'RS256')
  const [ada, bob, root] = await Promise.all([
    failing.tokenOf('ada'),
    failing.tokenOf('bob'),
    failing.tokenOf('root'),
  ])
  await using served = await serve(failing)
  failing.replace((request) => request.socket.destroy())
  const response = await served.get('/reads/order', bearer(ada))
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(await problemIn(response)).toMatchObject({ status: 503, code: 'ISSUER_UNAVAILABLE' })
  const answers: readonly Parameters<Issuer['replace']>[0][] = [
    (_request, answer) => answer.writeHead(500).end(),
    (_request, answer) => answer.end('{'),
    (_request, answer) => answer.end('{}'),
    (_request, answer) => answer.end('{"keys":{}}'),
    (_request, answer) => answer.end(`{"keys":[],"more":"${'x'.repeat(600 * 1024)}"}`),
    (_request, answer) => answer.writeHead(302, { location: failing.url }).end(),
  ]
  for (const answer of answers) {
    aheadMs += 6000
    failing.replace(answer)
    expect(await read(served, ada)).toBe(503)
  }
  const fetches = failing.fetches()
  expect(await read(served, ada)).toBe(503)
  expect(failing.fetches()).toBe(fetches)
  failing.replace()
  aheadMs += 6000
  expect(await read(served, ada)).toBe(200)
  failing.replace((request) => request.socket.destroy())
  aheadMs += 60 * 60_000
  expect([await read(served, ada), await read(served, bob)]).toEqual([200, 200])
  aheadMs += 24 * 60 * 60_000
  // Keys that nobody has confirmed for a day prove nothing any more.
  expect(await read(served, root)).toBe(503)
  expect((await served.gateway.fetch(new Request('http://localhost/healthz'))).status).toBe(200)
  // Every failure was reported, and none of the reports holds a token.
  expect(served.faults.length).toBeGreaterThan(answers.length)
  for (const fault of served.faults) expect(String(fault)).not.toContain(ada.split('.')[2])
})
