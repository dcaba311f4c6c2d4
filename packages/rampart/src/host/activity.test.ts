// What whoever watches a server is told of its commands.
import { afterAll, expect, test } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRuntime, type Runtime } from '../core/index.ts'
import { shop } from '../gateway/test/shop.ts'
import type { WatchedCommand } from './activity.ts'
import { startHost } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'rampart-activity-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

test('each command is told once, with its events, its place and its read models', async () => {
  const told: WatchedCommand[] = []
  const mounts = [{ prefix: '', app: shop }]
  const environment = { PORT: '0', RAMPART_DATA: folder }
  // The two seconds after which a read model counts as behind do not pass on a machine that is slow.
  const setTimer: Runtime['setTimer'] = (delayMs, ...more) =>
    systemRuntime.setTimer(delayMs === 2000 ? 60_000 : delayMs, ...more)
  const runtime = { ...systemRuntime, setTimer }
  const onCommand = (command: WatchedCommand): void => void told.push(command)
  await using host = await startHost({ mounts, environment, runtime, onCommand })
  const send = async (streamId: string, more: Record<string, string> = {}) => {
    const data = { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] }
    const headers = { 'content-type': 'application/json', ...more }
    const body = JSON.stringify({ streamId, data })
    return (await fetch(`${host.url}/commands/PlaceOrder`, { method: 'POST', headers, body })).status
  }
  expect(await send('1', { 'idempotency-key': 'k' })).toBe(200)
  await expect.poll(() => told).toHaveLength(1)
  expect(await send('1', { 'idempotency-key': 'k' })).toBe(200)
  expect(await send('1')).toBe(422)
  expect(await send('2', { prefer: 'respond-async' })).toBe(202)
  await expect.poll(() => told).toHaveLength(4)
  const named = { type: 'PlaceOrder', stream: 'order-1', events: [], position: null, behind: [] }
  const placed = { events: ['OrderPlaced'], readModels: ['order', 'customers'], code: null }
  expect(told).toEqual([
    { ...named, ...placed, position: 1, elapsedMs: expect.any(Number) },
    { ...named, readModels: [], code: null, elapsedMs: expect.any(Number) },
    { ...named, readModels: [], code: 'ORDER_EXISTS', elapsedMs: expect.any(Number) },
    { ...named, ...placed, stream: 'order-2', position: 2, elapsedMs: expect.any(Number) },
  ])
})
