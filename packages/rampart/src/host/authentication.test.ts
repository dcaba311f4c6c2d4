// Authentication as settings turn it on, in a process of its own: what it lets in, and what it never writes.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createHmac } from 'node:crypto'
import { claims, part } from '../gateway/test/tokens.ts'
import { readSettings } from './settings.ts'

const folder = await mkdtemp(join(tmpdir(), 'rampart-authentication-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const bin = join(import.meta.dirname, '../../bin/rampart.js')
const counter = join(import.meta.dirname, '../cli/test/fixtures/counter')

// The bytes count, not the characters: 16 of two bytes each.
const secret = 'ü'.repeat(16)

function tokenOf(payload: unknown): string {
  const signed = `${part({ alg: 'HS256' })}.${part(payload)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

test('a server with a secret may be reached by others, and writes no token anywhere', async () => {
  const settings = { RAMPART_JWT_SECRET: secret, HOST: '0.0.0.0', PORT: '0', RAMPART_DATA: folder }
  const child = spawn(process.execPath, [bin, 'run', counter], { env: { ...process.env, ...settings } })
  let output = ''
  const { promise: address, resolve } = Promise.withResolvers<string>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk)
      const port = /listens on http:\/\/0\.0\.0\.0:(\d+)/.exec(output)?.[1]
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    })
  }
  const url = await address
  const canary = 'canary-of-a-token'
  const good = tokenOf(claims({ sub: 'ada', canary }))
  const bad = [
    `${good}${canary}`,
    `Bearer ${canary}`,
    tokenOf(claims({ sub: `${canary}\n` })),
    `${canary}.a.b`,
  ]
  const send = (authorization: string, query = ''): Promise<Response> =>
    fetch(`${url}/commands/Count${query}`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', cookie: `token=${canary}` },
      body: JSON.stringify({ streamId: 'a', data: { by: 1 } }),
    })
  for (const token of bad) expect((await send(`Bearer ${token}`, `?access_token=${good}`)).status).toBe(401)
  const answer = await send(`Bearer ${good}`)
  expect([answer.status, (await answer.text()).includes(canary)]).toEqual([200, false])
  expect((await fetch(`${url}/admin/events`)).status).toBe(401)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  child.kill('SIGTERM')
  await once(child, 'close')
  const stores = ['write.sqlite', 'reads.sqlite'].map((name) =>
    readFile(join(folder, 'counter', name), 'latin1'),
  )
  const written = [output, metrics, ...(await Promise.all(stores))]
  for (const text of written) {
    for (const planted of [canary, part(canary), good.split('.')[2], secret]) {
      expect(text.includes(planted ?? '')).toBe(false)
    }
  }
})

describe('the settings', () => {
  const keys = 'https://issuer.example/jwks'
  test('are absent unless one of them is given', () => {
    expect(readSettings({})).not.toHaveProperty('authentication')
    expect(readSettings({ RAMPART_JWT_SECRET: '', RAMPART_JWKS_URL: ' ' })).not.toHaveProperty(
      'authentication',
    )
  })

  test('name a secret or an issuer, and what tokens must say', () => {
    const bySecret = readSettings({ RAMPART_JWT_SECRET: secret, RAMPART_JWT_ISSUER: 'i', HOST: '0.0.0.0' })
    expect(bySecret).toMatchObject({ host: '0.0.0.0', authentication: { issuer: 'i' } })
    expect(JSON.stringify(bySecret)).not.toContain('ü')
    const byKeys = readSettings({ RAMPART_JWKS_URL: keys, RAMPART_JWT_AUDIENCE: 'a', HOST: '::' })
    expect(byKeys).toMatchObject({ host: '::', authentication: { keysUrl: new URL(keys), audience: 'a' } })
    for (const url of ['http://127.0.0.1:4000/jwks', 'http://localhost/jwks', 'http://[::1]:1/jwks'])
      expect(readSettings({ RAMPART_JWKS_URL: url }).authentication).toMatchObject({ keysUrl: new URL(url) })
  })

  test.each([
    [{ RAMPART_JWT_SECRET: 'x'.repeat(31) }, /has 31 bytes.*openssl rand/],
    [{ RAMPART_JWT_SECRET: ' ' }, /has 1 bytes/],
    [{ RAMPART_JWT_SECRET: secret, RAMPART_JWKS_URL: keys }, /both set/],
    [{ RAMPART_JWKS_URL: 'issuer.example/jwks' }, /no address/],
    [{ RAMPART_JWKS_URL: 'http://issuer.example/jwks' }, /https/],
    [{ RAMPART_JWKS_URL: 'file:///etc/passwd' }, /https/],
    [{ RAMPART_JWKS_URL: 'http://127.0.0.1.evil.example/jwks' }, /https/],
    [{ RAMPART_JWKS_URL: 'https://user:hidden@issuer.example/jwks' }, /credentials/],
    [{ RAMPART_JWT_AUDIENCE: 'a' }, /nothing turns authentication on/],
    [{ HOST: '0.0.0.0' }, /RAMPART_JWT_SECRET or RAMPART_JWKS_URL/],
  ])('%j are refused', (environment, message) => {
    expect(() => readSettings(environment)).toThrow(expect.objectContaining({ code: 'SETTING_INVALID' }))
    expect(() => readSettings(environment)).toThrow(message)
    expect(() => readSettings(environment)).not.toThrow(/hidden|üü/)
  })
})
