// Quarantine: one key stands still, its events wait in order, the others go on, and an operator heals it.
import { describe, expect, test } from 'vitest'
import { systemRuntime, type Projection, type Json } from '../core/index.ts'
import {
  append,
  customers,
  foldFromNothing,
  make,
  openShop,
  orders,
  products,
  type Shop,
} from './test/shop.ts'

const now = { waitMs: 0 }

/** The customers' fold with another handler for orders of one customer. */
function poisoned(key: string, handler: (doc: Json) => unknown): Projection {
  const { Placed = () => null } = customers.on
  const on: Projection['on'] = {
    ...customers.on,
    Placed: (doc, event, at) => (at === key ? (handler(doc) as Json) : Placed(doc, event, at)),
  }
  return { ...customers, on }
}

function raise(message: string): never {
  throw new Error(message)
}

const handlers: readonly (readonly [string, (doc: Json) => unknown, RegExp])[] = [
  ['throws', () => raise('no price'), /Placed at position 2 .*into document "eve": no price/],
  ['returns nothing', () => undefined, /returned nothing/],
  ['returns NaN', () => ({ pence: Number.NaN }), /NaN at \/pence, which is not JSON/],
  ['returns a date', () => ({ at: new Date(0) }), /not JSON/],
  ['returns a function', () => ({ at: () => 1 }), /not JSON/],
  ['changes its document', (doc) => Object.assign(doc as object, { pence: 5 }), /read only/],
]

const list = [
  make.placed('1', 'ada'),
  make.placed('2', 'eve'),
  make.placed('3', 'eve'),
  make.placed('4', 'ada'),
  make.cancelled('3', 'eve'),
]

describe('a handler that fails', () => {
  test.each(handlers)('(it %s) sets its key aside, and the others go on', async (_, handler, reason) => {
    await using shop = await openShop()
    await append(shop.log, ...list)
    await using running = await shop.run(poisoned('eve', handler))
    await running.caughtUp()
    const quarantined = { code: 'KEY_QUARANTINED' }
    await expect(running.model.get('eve', now)).rejects.toMatchObject(quarantined)
    expect((await running.model.get('ada', now)).document?.data).toEqual({ orders: 2, pence: 200 })
    expect(running.model.stopped()).toBeUndefined()
    expect(running.runner.reached().position).toBe(5)
    const [entry] = await running.model.quarantine.list()
    expect(entry).toMatchObject({ key: 'eve', queued: 3, failing: { position: 2, type: 'Placed' } })
    expect(entry?.error).toMatch(reason)
    expect(running.model.quarantine.count()).toBe(1)
    expect(running.faults).toMatchObject([quarantined])
    const { queued } = await running.model.quarantine.show('eve')
    expect(queued.map(({ position, type }) => [position, type])).toEqual([
      [2, 'Placed'],
      [3, 'Placed'],
      [5, 'Cancelled'],
    ])
  })

  test('of an event with several keys leaves the other keys in peace', async () => {
    const { Placed = () => null } = products.on
    const bad = {
      ...products,
      on: { Placed: ((...args) => (args[2] === 'bad' ? raise('bad') : Placed(...args))) as typeof Placed },
    }
    await using shop = await openShop()
    await append(shop.log, make.placed('1', 'ada', { products: ['a', 'bad', 'b'] }))
    await using running = await shop.run(bad)
    await running.caughtUp()
    expect((await running.documents()).map(({ key }) => key)).toEqual(['a', 'b'])
    expect((await running.model.quarantine.list()).map(({ key }) => key)).toEqual(['bad'])
  })

  test('for a change of something that it never saw does not end the read model (AK16)', async () => {
    // The view reads changes alone, and meets one for an order that it lacks.
    const strict: Projection = {
      ...orders,
      on: {
        ...orders.on,
        Cancelled: (doc) =>
          doc === orders.initial ? null : (Reflect.get(doc as object, 'x') ?? raise('unknown order')),
      },
    }
    await using shop = await openShop()
    await append(shop.log, make.cancelled('lost'), make.placed('1'), make.noted('lost'))
    await using running = await shop.run(strict)
    await running.caughtUp()
    expect((await running.model.get('1', now)).document?.version).toBe(1)
    const [entry] = await running.model.quarantine.list()
    expect(entry).toMatchObject({ key: 'lost', queued: 2, failing: { type: 'Cancelled' } })
    expect(running.model.stopped()).toBeUndefined()
  })

  test('marks its document in listings, with what was good last', async () => {
    await using shop = await openShop()
    let isBad = false
    await using running = await shop.run(
      poisoned('eve', () => (isBad ? raise('bad') : { orders: 1, pence: 1 })),
    )
    await append(shop.log, make.placed('1', 'eve'), make.placed('2', 'ada'))
    await running.caughtUp()
    isBad = true
    await append(shop.log, make.placed('3', 'eve'))
    await running.caughtUp()
    const page = await running.model.list({ where: [], search: null, afterKey: null, limit: 9 }, now)
    expect(page.documents.map(({ key, data, quarantined }) => [key, data, quarantined])).toEqual([
      ['ada', { orders: 1, pence: 100 }, undefined],
      ['eve', { orders: 1, pence: 1 }, true],
    ])
  })
})

describe('an operator', () => {
  /** Quarantines eve, then starts again with other code. */
  async function afterMending(shop: Shop, mended: Projection) {
    {
      await using running = await shop.run(poisoned('eve', () => raise('no price')))
      await append(shop.log, ...list)
      await running.caughtUp()
    }
    return shop.run(mended)
  }

  test('tries the mended code without effect, then heals the key at once', async () => {
    await using shop = await openShop()
    await using running = await afterMending(shop, customers)
    await append(shop.log, make.placed('6', 'eve'))
    await running.caughtUp()
    const treat = (action: 'dry-run' | 'replay') =>
      running.model.quarantine.treat({ key: 'eve', action, actor: null })
    const document = { version: null, data: { orders: 2, pence: 200 } }
    expect(await treat('dry-run')).toEqual({ status: 'would-heal', applied: 4, document })
    await expect(running.model.get('eve', now)).rejects.toMatchObject({ code: 'KEY_QUARANTINED' })
    expect(await treat('replay')).toEqual({ status: 'healed', applied: 4, document })
    expect(await running.model.quarantine.list()).toEqual([])
    expect(running.model.quarantine.count()).toBe(0)
    // It changed when it was healed: whoever follows changes cannot have passed that.
    expect((await running.model.get('eve', now)).document).toEqual({ key: 'eve', position: 6, ...document })
    await append(shop.log, make.placed('7', 'eve'))
    await running.caughtUp()
    const { data } =
      foldFromNothing(customers, [...list, make.placed('6', 'eve'), make.placed('7', 'eve')])[1] ?? {}
    expect((await running.model.get('eve', now)).document?.data).toEqual(data)
    await expect(treat('replay')).rejects.toMatchObject({ code: 'READ_NOT_FOUND' })
  })

  test('who replays with code that still fails learns where, and changes nothing', async () => {
    await using shop = await openShop()
    let count = 0
    const worse = poisoned('eve', () => (++count > 1 ? raise('the second') : { orders: 1, pence: 100 }))
    await using running = await afterMending(shop, worse)
    const result = await running.model.quarantine.treat({ key: 'eve', action: 'replay', actor: null })
    expect(result).toMatchObject({ status: 'failed', applied: 1, event: { position: 3 } })
    const [entry] = await running.model.quarantine.list()
    expect(entry).toMatchObject({ queued: 3, failing: { position: 3 } })
    expect(entry?.error).toMatch(/the second/)
    expect((await running.runner.collection.get('eve')).document).toBeUndefined()
  })

  test('skips the failing event alone, which stays on record', async () => {
    await using shop = await openShop()
    let count = 0
    const half = poisoned('eve', () => (++count === 1 ? { orders: 2, pence: 300 } : raise('no')))
    await using running = await afterMending(shop, half)
    const result = await running.model.quarantine.treat({ key: 'eve', action: 'skip', actor: 'ops' })
    expect(result).toMatchObject({
      status: 'healed',
      applied: 2,
      document: { data: { orders: 1, pence: 200 } },
    })
    expect(await running.model.quarantine.skipped(10)).toMatchObject([
      { key: 'eve', actor: 'ops', event: { position: 2, type: 'Placed' } },
    ])
    expect((await running.model.get('eve', now)).document?.data).toEqual({ orders: 1, pence: 200 })
  })

  test('works between batches while events come in, and nothing is lost or counted twice', async () => {
    await using shop = await openShop()
    let isBad = true
    const { Placed = () => null } = customers.on
    const flickering: Projection = {
      ...customers,
      on: {
        ...customers.on,
        Placed: (...args) => (isBad && args[2] === 'eve' ? raise('bad') : Placed(...args)),
      },
    }
    await using running = await shop.run(flickering, { batchSize: 7 })
    const faults: unknown[] = []
    const progress = { isDone: false }
    const write = async (): Promise<void> => {
      for (let n = 0; n < 600; n++) await append(shop.log, make.placed(`${n}`, n % 3 === 0 ? 'eve' : 'ada'))
      progress.isDone = true
    }
    const operate = async (): Promise<void> => {
      while (!progress.isDone || running.model.quarantine.count() > 0) {
        isBad = !progress.isDone && !isBad
        if (running.model.quarantine.count() > 0) {
          await running.model.quarantine
            .treat({ key: 'eve', action: 'replay', actor: null })
            .catch((fault: unknown) => faults.push(fault))
        }
        await new Promise<void>((resolve) => systemRuntime.soon(resolve))
      }
      isBad = false
    }
    await Promise.all([write(), operate()])
    for (const fault of faults) expect(fault).toMatchObject({ code: 'READ_NOT_FOUND' })
    await running.caughtUp()
    if (running.model.quarantine.count() > 0) {
      await running.model.quarantine.treat({ key: 'eve', action: 'replay', actor: null })
    }
    expect((await running.model.get('eve', now)).document?.data).toEqual({ orders: 200, pence: 20_000 })
    expect((await running.model.get('ada', now)).document?.data).toEqual({ orders: 400, pence: 40_000 })
  })
})

describe('the bounds of the quarantine', () => {
  test.each([
    ['keys', { keysMax: 3, eventsMax: 100 }, (n: number) => `c${n}`, 4],
    ['events', { keysMax: 100, eventsMax: 5 }, () => 'one', 6],
  ])('in %s stop the projection until operators have made room', async (_, bounds, customer, last) => {
    await using shop = await openShop()
    const bad = { ...customers, on: { Placed: () => raise('bad') } }
    await append(shop.log, ...Array.from({ length: 10 }, (__, n) => make.placed(`${n}`, customer(n))))
    {
      await using running = await shop.run(bad, { bounds, batchSize: 2 })
      await expect.poll(() => running.model.stopped()).toMatch(/more keys or events are quarantined/)
      expect((await running.runner.collection.checkpoint()).position).toBe(last)
    }
    await using again = await shop.run(customers, { bounds })
    await expect.poll(() => again.model.stopped()).toBeDefined()
    for (const { key } of await again.model.quarantine.list()) {
      expect(await again.model.quarantine.treat({ key, action: 'replay', actor: null })).toMatchObject({
        status: 'healed',
      })
    }
    // There is room again, and it goes on by itself.
    await expect.poll(() => again.model.stopped()).toBeUndefined()
    await again.caughtUp()
    expect(again.model.quarantine.count()).toBe(0)
    const all = (await again.documents()).map(({ data }) => (data as { orders: number }).orders)
    expect(all.reduce((sum, one) => sum + one, 0)).toBe(10)
  })
})
