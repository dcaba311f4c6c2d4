// An app inside of a program: typed commands and reads, in memory and in files that are there the next time.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { shop } from '../gateway/test/shop.ts'
import { openApp } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'rampart-open-app-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
const cup = { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] }

describe.each([
  ['in memory', { memory: true } as const],
  ['in files of the caller', { dataFolder: join(folder, 'caller') }],
  ['in files of a worker', { dataFolder: join(folder, 'worker'), thread: 'worker' } as const],
])('an app %s', (_, options) => {
  test('takes commands and answers reads that contain them', async () => {
    await using running = await openApp(shop, options)
    const stream = running.stream('order', '536365')
    const placed = await stream.PlaceOrder(cup, { key: 'once' })
    expect(placed).toMatchObject({ status: 'succeeded', streamId: '536365', version: 1 })
    expect(await stream.PlaceOrder(cup, { key: 'once' })).toEqual(placed)
    expect(await stream.PlaceOrder(cup)).toMatchObject({ status: 'refused', code: 'ORDER_EXISTS' })
    const orders = running.read('order')
    expect(await orders.get('536365', { after: placed })).toMatchObject({
      version: 1,
      data: { customer: 'ada' },
    })
    const { documents, more } = await orders.list({ where: { customer: 'ada' }, after: placed })
    expect([documents.map(({ key }) => key), more]).toEqual([['536365'], false])
    const sent = await running.stream('parcel').SendParcel({ grams: 5 })
    expect(sent).toMatchObject({ status: 'succeeded', version: 1 })
    expect(await orders.get('nobody')).toBeUndefined()
  })

  test('accepts commands without waiting, and holds them to a version', async () => {
    await using running = await openApp(shop, options)
    const accepted = await running.stream('order', 'later').PlaceOrder(cup, { waitMs: 0 })
    expect(accepted.status).toBe('received')
    const { version } = (await running.read('order').get('later', { version: 1 })) ?? {}
    expect(version).toBe(1)
    await expect(running.read('order').get('later', { after: accepted })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
    })
    const stale = running.stream('order', 'later').CancelOrder({}, { expectedVersion: 7 })
    await expect(stale).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  })
})

test('files keep what an app did, and refuse a second one meanwhile', async () => {
  const options = { dataFolder: join(folder, 'kept') }
  const first = await openApp(shop, options)
  const placed = await first.stream('order', 'kept').PlaceOrder(cup)
  expect(placed).toMatchObject({ status: 'succeeded', version: 1 })
  await expect(openApp(shop, options)).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  await first[Symbol.asyncDispose]()
  await using second = await openApp(shop, options)
  expect(await second.read('order').get('kept', { after: placed })).toMatchObject({ version: 1 })
  expect(await second.stream('order', 'kept').PlaceOrder(cup)).toMatchObject({ status: 'refused' })
})

test('a data folder that cannot be used is a fault that says what to do', async () => {
  const file = join(folder, 'file')
  await writeFile(file, '')
  await expect(openApp(shop, { dataFolder: file })).rejects.toMatchObject({
    code: 'SETTING_INVALID',
    message: expect.stringContaining('RAMPART_DATA'),
  })
})

test('names that the app lacks are faults', async () => {
  await using running = await openApp(shop, { memory: true })
  // @ts-expect-error there is no such decider
  expect(() => running.stream('nobody', '1')).toThrow(/no decider "nobody"/)
  // @ts-expect-error there is no such projection
  expect(() => running.read('nothing')).toThrow(/no projection "nothing"/)
})
