// Documents that contain a future which their log has lost are recognised before they are read, and derived
// anew.
import { describe, expect, test } from 'vitest'
import { RampartError, systemRuntime } from '../core/index.ts'
import { logKey, type EventStore, type LogPlace } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { createReadModel } from './create-read-model.ts'
import { forgetLostFutures } from './lost-future.ts'
import { createServedProjection } from './served-projection.ts'
import { showRunner } from './shown-projection.ts'
import { append, customers, make, openShop, orders, products, type Shop } from './test/shop.ts'

const projections = [customers, orders]
const future = make.placed('lost', 'ada')

/** Lets projections contain everything, and a future of the log that it does not have. */
async function openShopBehindItsDocuments(shop: Shop): Promise<LogPlace> {
  await append(shop.log, make.placed('1'), make.placed('2', 'bob'))
  for (const each of projections) {
    await using running = await shop.run(each)
    await running.caughtUp()
    const held = await running.runner.hold()
    const to = { ...held.place, position: (held.place.position + 1) as never, eventId: 'lost.0' }
    const document = { key: 'ada', version: null, position: to.position, data: { orders: 99, pence: 9900 } }
    await running.runner.collection.commit({ from: held.place, to, documents: [document] })
    void running.runner.stop()
    held.release()
  }
  return shop.log.head()
}

async function forget(shop: Shop, { log = shop.log, faults = [] as string[] } = {}) {
  return forgetLostFutures({
    projections: [...projections, products],
    store: log,
    readStore: shop.reads,
    reportFault: (fault, what) => faults.push(`${what}: ${String(fault)}`),
  })
}

async function statesOf(shop: Shop) {
  const states = await Promise.all(projections.map(({ name }) => shop.reads.collections(shop.log.log, name)))
  return states.flat().map((one) => [one.shape.name, one.tag, one.isLive, one.checkpoint.position])
}

describe('documents of a lost future', () => {
  test('go, loudly, and a log that was replaced without a word begins an epoch', async () => {
    await using shop = await openShop()
    const head = await openShopBehindItsDocuments(shop)
    const faults: string[] = []
    const anew = await forget(shop, { faults })
    expect([...anew.keys()]).toEqual(['customers', 'orders'])
    expect(anew.get('customers')).toMatchObject({
      reason: expect.stringMatching(/contained position 3 of a history that is lost.* put back to an older/),
      until: 2,
    })
    expect(faults).toHaveLength(2)
    expect(faults[0]).toMatch(/^projection customers: .*lost/)
    expect(await statesOf(shop)).toEqual([
      ['customers', '1.2', true, 0],
      ['orders', '1.2', true, 0],
    ])
    const epochs = await shop.log.epochs()
    expect(epochs.map(({ forkPosition }) => forkPosition)).toEqual([0, 2])
    expect(await shop.log.judge({ ...head, position: 3 as never, eventId: 'lost.0' })).toBe('forked')
    expect(await shop.log.judge(head)).toBe('held')
  })

  test('go also where the log can only be read', async () => {
    await using shop = await openShop()
    await openShopBehindItsDocuments(shop)
    const faults: string[] = []
    const denied = new RampartError('STORE_UNAVAILABLE', 'permission denied for table epochs')
    const log: EventStore = { ...shop.log, beginEpoch: () => Promise.reject(denied) }
    const anew = await forget(shop, { log, faults })
    expect([...anew.keys()]).toEqual(['customers', 'orders'])
    expect(faults[0]).toMatch(/^the new epoch of .*permission denied/)
    expect(await statesOf(shop)).toEqual([
      ['customers', '1.2', true, 0],
      ['orders', '1.2', true, 0],
    ])
  })

  test('are derived anew by themselves, and what is said of them ends then', async () => {
    await using shop = await openShop()
    await openShopBehindItsDocuments(shop)
    const anew = (await forget(shop)).get('customers')
    const options = { store: shop.log, readStore: shop.reads, runtime: systemRuntime }
    const runner = await createServedProjection({ ...options, projection: customers })
    const model = createReadModel({
      shown: showRunner({ runner, runtime: systemRuntime, anew }),
      runtime: systemRuntime,
    })
    expect(model.beginsAnew()).toMatch(/derived anew/)
    const token = new Map([[shop.log.log, await append(shop.log, make.placed('3'))]])
    const { document } = await model.get('ada', { token, waitMs: 5000 })
    expect(document?.data).toEqual({ orders: 2, pence: 200 })
    expect(model.beginsAnew()).toBeUndefined()
    await runner.stop()
    expect((await forget(shop)).size).toBe(0)
    expect(await shop.log.epochs()).toHaveLength(2)
  })

  test('are recognised again when the process dies before they are gone', async () => {
    await using shop = await openShop()
    await openShopBehindItsDocuments(shop)
    const dying = { ...shop.reads, beginAnew: () => Promise.reject(new Error('killed')) }
    await expect(forget({ ...shop, reads: dying })).rejects.toThrow('killed')
    expect((await forget(shop)).size).toBe(2)
    // The epoch that was begun before says already what is lost.
    expect(await shop.log.epochs()).toHaveLength(2)
  })

  test('of a log that is another one altogether go, too, and it begins no epoch', async () => {
    await using shop = await openShop()
    await openShopBehindItsDocuments(shop)
    await using store = createMemoryStore()
    const other: EventStore = await store.openLog(logKey('shop'))
    await append(other, future)
    const faults: string[] = []
    expect((await forget(shop, { log: other, faults })).size).toBe(2)
    expect(faults[0]).toMatch(/is another one/)
    expect(await other.epochs()).toHaveLength(1)
  })

  test('that nobody reads are dropped without a word', async () => {
    await using shop = await openShop()
    await append(shop.log, make.placed('1'))
    {
      await using running = await shop.run(customers)
      await running.caughtUp()
    }
    const { name, version, indexes, search } = customers
    const shape = { name, version, log: shop.log.log, indexes, search }
    const { epoch } = await shop.log.head()
    const build = await shop.reads.openCollection(shape, epoch, 2)
    const to = { epoch, position: 7 as never, eventId: 'lost.0' }
    await build.commit({ from: await build.checkpoint(), to, documents: [] })
    const faults: string[] = []
    expect((await forget(shop, { faults })).size).toBe(0)
    expect(faults).toEqual([])
    expect(await statesOf(shop)).toEqual([['customers', '1', true, 1]])
  })
})

test('documents of an earlier epoch that lie before the fork stay as they are', async () => {
  await using shop = await openShop()
  await append(shop.log, make.placed('1'))
  {
    await using running = await shop.run(customers)
    await running.caughtUp()
  }
  await shop.log.beginEpoch()
  expect((await forget(shop)).size).toBe(0)
  expect(await statesOf(shop)).toEqual([['customers', '1', true, 1]])
  await using running = await shop.run(customers)
  await append(shop.log, make.placed('2'))
  await running.caughtUp()
  expect((await running.model.get('ada', { waitMs: 0 })).document?.data).toEqual({ orders: 2, pence: 200 })
  expect((await running.runner.collection.checkpoint()).epoch).toBe((await shop.log.head()).epoch)
})
