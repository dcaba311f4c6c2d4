// A server whose wall clock is set an hour forward and back, as its clients see it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { shop } from '../gateway/test/shop.ts'
import { bearer, claims, inSeconds, part } from '../gateway/test/tokens.ts'
import { startHost } from './index.ts'

const hourMs = 3_600_000
const secret = 'a secret that is shared with this test only'

function tokenFor(seconds: number): Readonly<Record<string, string>> {
  const payload = claims({ exp: inSeconds(seconds), roles: ['admin'] })
  const signed = `${part({ alg: 'HS256' })}.${part(payload)}`
  return bearer(`${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`)
}

interface Recorded {
  readonly stream: string
  readonly metadata: { readonly recordedAt: string }
}

test('order, lag, tokens and accepted commands stay sane while the clock is set to and fro', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rampart-clock-'))
  let aheadMs = 0
  const runtime = { ...systemRuntime, nowMs: () => systemRuntime.nowMs() + aheadMs }
  const environment = { PORT: '0', RAMPART_DATA: folder, RAMPART_JWT_SECRET: secret }
  const [short, long] = [tokenFor(600), tokenFor(86_400)]
  try {
    await using host = await startHost({ mounts: [{ prefix: '', app: shop }], environment, runtime })
    const post = async (streamId: string, key: string, headers: Readonly<Record<string, string>>) =>
      fetch(`${host.url}/commands/PlaceOrder`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
        body: JSON.stringify({ streamId, data: { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] } }),
      })
    const get = async (path: string, headers = long): Promise<Response> =>
      fetch(`${host.url}${path}`, { headers })
    expect((await post('first', 'first', long)).status).toBe(200)
    const refused: unknown = await (await post('first', 'again', long)).json()

    for (const [step, hours] of [0, 1, 0, -1, 0].entries()) {
      // What is accepted on one side of the step is handled on the other.
      const accepted = await post(`later-${step}`, `later-${step}`, { ...long, prefer: 'respond-async' })
      expect(accepted.status).toBe(202)
      aheadMs = hours * hourMs
      expect((await get('/reads/order/first', short)).status).toBe(hours > 0 ? 401 : 200)
      expect((await get('/reads/order/first')).status).toBe(200)
      const answer = await post(`now-${step}`, `now-${step}`, long)
      const token = answer.headers.get('consistency-token') ?? ''
      expect(answer.status).toBe(200)
      expect((await get(`/reads/order/now-${step}`, { ...long, 'consistency-token': token })).status).toBe(
        200,
      )
      expect(await (await post('first', 'again', long)).json()).toEqual(refused)
      const status = accepted.headers.get('location') ?? ''
      await expect.poll(async () => Object(await (await get(status)).json()).status).toBe('succeeded')
      const { ready, projections } = Object(await (await get('/readyz')).json())
      const lags: readonly { readonly lagSeconds: number }[] = Object.values(projections)
      expect([ready, lags.every(({ lagSeconds }) => lagSeconds >= 0 && lagSeconds < 60)]).toEqual([
        true,
        true,
      ])
    }
    const { events } = (await (await get('/admin/events?limit=100')).json()) as {
      events: readonly Recorded[]
    }
    const times = events.map(({ metadata }) => metadata.recordedAt)
    expect(times).toEqual(times.toSorted())
    expect(new Set(events.map(({ stream }) => stream)).size).toBe(11)
  } finally {
    await rm(folder, { recursive: true })
  }
})
