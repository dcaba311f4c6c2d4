// A host: several apps on one gateway, their start hooks, and what it refuses to start with.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { context } from '../core/index.ts'
import { order, shop } from '../gateway/test/shop.ts'
import { app, startHost, type RunningHost, type StartedApp } from './index.ts'
import { findRunNote } from './notes/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'rampart-host-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let places = 0
function environment(): Record<string, string> {
  return { PORT: '0', RAMPART_DATA: join(folder, String(++places)) }
}

const bare = app('bare', { contexts: [context('bare', { deciders: [order] })] })
const cup = { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] }

async function place(host: RunningHost, prefix: string): Promise<Response> {
  return fetch(`${host.url}${prefix}/commands/PlaceOrder`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ streamId: '1', data: cup }),
  })
}

test('serves apps below their prefixes, each with its own log, and knows the tokens of all', async () => {
  const mounts = [
    { prefix: '/shop', app: shop },
    { prefix: '/bare', app: bare },
  ]
  await using host = await startHost({ mounts, environment: environment() })
  const first = await place(host, '/shop')
  const second = await place(host, '/bare')
  expect([first.status, second.status]).toEqual([200, 200])
  expect(await second.json()).toMatchObject({ position: 1, version: 1 })
  const foreign = { 'consistency-token': second.headers.get('consistency-token') ?? '' }
  expect((await fetch(`${host.url}/shop/reads/order/1`, { headers: foreign })).status).toBe(200)
  expect((await fetch(`${host.url}/bare/reads/order/1`)).status).toBe(404)
  expect(await (await fetch(host.url)).text()).toContain('/bare/docs')
  const readiness = await (await fetch(`${host.url}/readyz`)).json()
  expect(readiness).toMatchObject({ ready: true, projections: { 'shop/order': {}, 'shop/customers': {} } })
})

test('drains once, however often it is told to, and keeps what was acknowledged', async () => {
  const settings = environment()
  const host = await startHost({ mounts: [{ prefix: '', app: shop }], environment: settings })
  expect((await place(host, '')).status).toBe(200)
  await Promise.all([host.drain(), host.drain()])
  await expect(fetch(`${host.url}/healthz`)).rejects.toThrow('fetch failed')
  await using again = await startHost({ mounts: [{ prefix: '', app: shop }], environment: settings })
  expect((await place(again, '')).status).toBe(422)
})

test('leaves a note where it serves an app, in place of that of a killed server', async () => {
  const settings = environment()
  const data = join(folder, String(places), 'shop')
  await mkdir(data, { recursive: true })
  await writeFile(join(data, 'server.json'), '{"pid":1,"url":"http://127.0.0.1:1","startedAtMs":1}')
  const host = await startHost({ mounts: [{ prefix: '/shop', app: shop }], environment: settings })
  expect(await findRunNote(data)).toMatchObject({ pid: process.pid, url: `${host.url}/shop` })
  await host.drain()
  expect(await findRunNote(data)).toBeUndefined()
})

describe('the start hook', () => {
  test('runs beside the serving app, with its commands', async () => {
    const seen: unknown[] = []
    const onStart = async (started: StartedApp): Promise<void> => {
      seen.push(await started.isEmpty(), started.dataFolder)
      await started.send({ type: 'PlaceOrder', streamId: 'hook', data: cup, key: 'hook' })
      seen.push(await started.isEmpty())
    }
    const hooked = app('hooked', { contexts: shop.contexts, onStart })
    const settings = environment()
    await using host = await startHost({ mounts: [{ prefix: '', app: hooked }], environment: settings })
    await host.started
    expect(seen).toEqual([true, join(settings['RAMPART_DATA'] ?? '', 'hooked'), false])
    expect((await fetch(`${host.url}/reads/order/hook?v=1`)).status).toBe(200)
  })

  test('that fails is reported, and its app serves all the same', async () => {
    const faults: unknown[] = []
    const onStart = (): Promise<void> => Promise.reject(new Error('no luck'))
    const hooked = app('hooked', { contexts: shop.contexts, onStart })
    await using host = await startHost({
      mounts: [{ prefix: '', app: hooked }],
      environment: environment(),
      reportFault: (fault) => faults.push(fault),
    })
    await host.started
    expect(faults.map(String)).toEqual(['Error: no luck'])
    expect((await place(host, '')).status).toBe(200)
  })

  test('is told when the host drains', async () => {
    const onStart = ({ signal }: StartedApp): Promise<void> =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    const hooked = app('hooked', { contexts: shop.contexts, onStart })
    const host = await startHost({ mounts: [{ prefix: '', app: hooked }], environment: environment() })
    await host.drain()
    await expect(host.started).resolves.toBeUndefined()
  })
})

describe('what cannot be served', () => {
  test.each([
    ['no app', []],
    ['a prefix without a slash', [{ prefix: 'shop', app: shop }]],
    ['a prefix of two segments', [{ prefix: '/a/b', app: shop }]],
    ["a prefix of the server's own", [{ prefix: '/metrics', app: shop }]],
    [
      'one prefix for two',
      [
        { prefix: '/a', app: shop },
        { prefix: '/a', app: bare },
      ],
    ],
    [
      'one app twice',
      [
        { prefix: '/a', app: shop },
        { prefix: '/b', app: shop },
      ],
    ],
  ])('%s is refused', async (_, mounts) => {
    await expect(startHost({ mounts, environment: environment() })).rejects.toMatchObject({
      code: 'SETTING_INVALID',
    })
  })

  test('data that another host has is refused with the reason', async () => {
    const settings = environment()
    await using _first = await startHost({ mounts: [{ prefix: '', app: shop }], environment: settings })
    const second = startHost({ mounts: [{ prefix: '', app: shop }], environment: settings })
    await expect(second).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  })

  test('a port that is taken leaves nothing open', async () => {
    await using first = await startHost({ mounts: [{ prefix: '', app: shop }], environment: environment() })
    const settings = { ...environment(), PORT: new URL(first.url).port }
    const second = startHost({ mounts: [{ prefix: '', app: shop }], environment: settings })
    await expect(second).rejects.toMatchObject({ code: 'SETTING_INVALID' })
    await using _third = await startHost({
      mounts: [{ prefix: '', app: shop }],
      environment: { ...settings, PORT: '0' },
    })
  })

  test.each(['values', '/commands', '/reads/:id', '/a/:other', '/a b', '/docs'])(
    'a route %s is no address of an app',
    (path) => {
      const answer = (): object => ({})
      const routes = [{ method: 'POST', path, command: 'PlaceOrder', answer }] as never
      expect(() => app('shop', { contexts: shop.contexts, routes })).toThrow(/route/i)
    },
  )
})
