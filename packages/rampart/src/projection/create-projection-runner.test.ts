// Proves the runner: documents equal a fold from nothing, whatever the batches, restarts, faults and poison.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { projection, RampartError, systemRuntime, type Projection, type Runtime } from '../core/index.ts'
import type { EventStore, ReadStore } from '../core/ports/index.ts'
import { createProjectionRunner } from './create-projection-runner.ts'
import {
  append,
  customers,
  foldFromNothing,
  make,
  openShop,
  orders,
  products,
  shopEvents,
} from './test/shop.ts'
import type { ShopEvent } from './test/shop.ts'

const all: readonly Projection[] = [orders, customers, products]

const id = fc.constantFrom('1', '2', '3', 'ä:/ 4')
const customer = fc.constantFrom('ada', 'bob', 'eve')
const product = fc.constantFrom('mug', 'cup', 'tea', 'set')
const shopEvent: fc.Arbitrary<ShopEvent> = fc.oneof(
  fc
    .tuple(id, customer, fc.integer({ min: 0, max: 9 }), fc.array(product, { maxLength: 4 }))
    .map(([order, name, pence, bought]) => make.placed(order, name, { pence, products: bought })),
  fc.tuple(id, customer).map(([order, name]) => make.cancelled(order, name, 1)),
  id.map((order) => make.forgotten(order)),
  id.map((order) => make.noted(order)),
)

describe('documents equal a fold from nothing', () => {
  test.each(all)('of $name, whatever the batches and restarts', async (of) => {
    const rounds = fc.array(
      fc.tuple(fc.array(shopEvent, { maxLength: 25 }), fc.integer({ min: 1, max: 7 })),
      {
        maxLength: 4,
      },
    )
    const property = fc.asyncProperty(rounds, async (list) => {
      await using shop = await openShop()
      const appended: ShopEvent[] = []
      for (const [some, batchSize] of list) {
        await using running = await shop.run(of, { batchSize })
        await append(shop.log, ...some)
        appended.push(...some)
        await running.caughtUp()
        expect(await running.documents()).toEqual(foldFromNothing(of, appended))
      }
    })
    await fc.assert(property, { numRuns: 40 })
  })

  test('after they were wiped and built again (AK12)', async () => {
    const list = Array.from({ length: 200 }, (_, index) => make.placed(`${index % 7}`, `c${index % 5}`))
    await using shop = await openShop()
    await append(shop.log, ...list)
    await using first = await shop.run(customers)
    await first.caughtUp()
    await using empty = await openShop()
    await using again = await empty.run(customers, { log: shop.log })
    await again.caughtUp()
    expect(await again.documents()).toEqual(await first.documents())
    expect(await again.documents()).toEqual(foldFromNothing(customers, list))
  })
})

describe('progress', () => {
  test('a restart reads only the tail (AK14)', async () => {
    await using shop = await openShop()
    await append(shop.log, ...Array.from({ length: 50 }, (_, index) => make.placed(`${index}`)))
    {
      await using first = await shop.run(customers)
      await first.caughtUp()
    }
    await append(shop.log, make.placed('51'), make.placed('52'))
    const handedOut: number[] = []
    await using second = await shop.run(customers, { log: observing(shop.log, handedOut) })
    await second.caughtUp()
    expect(handedOut).toEqual([51, 52])
    expect((await second.model.get('ada', { waitMs: 0 })).document?.data).toEqual({ orders: 52, pence: 5200 })
  })

  test('an event that is delivered twice is applied once (AK15)', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers, { log: repeating(shop.log) })
    await append(shop.log, make.placed('1'), make.placed('2'))
    await running.caughtUp()
    await append(shop.log, make.placed('3'))
    await running.caughtUp()
    expect((await running.model.get('ada', { waitMs: 0 })).document?.data).toEqual({ orders: 3, pence: 300 })
  })

  test('moves over events that match nothing, and is stored when the runner ends', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers)
    await append(shop.log, make.placed('1'), make.noted('1'), make.noted('1'))
    await running.caughtUp()
    expect(running.runner.reached().position).toBe(3)
    const { document, place } = await running.model.get('ada', { waitMs: 0 })
    expect([document?.position, place.position]).toEqual([1, 3])
    await running.runner.stop()
    expect((await running.runner.collection.checkpoint()).position).toBe(3)
  })

  test('does not store a place of its own for each of many events that match nothing', async () => {
    await using shop = await openShop()
    const commits: number[] = []
    await using running = await shop.run(customers, { reads: counting(shop.reads, commits) })
    for (let count = 0; count < 200; count++) {
      await append(shop.log, make.noted('1'))
      await running.caughtUp()
    }
    expect(commits.length).toBeLessThan(20)
  })

  test('stores batches that follow each other at once together', async () => {
    await using shop = await openShop()
    await append(shop.log, ...Array.from({ length: 200 }, (_, index) => make.placed(`${index}`)))
    const commits: number[] = []
    await using running = await shop.run(customers, { reads: counting(shop.reads, commits), batchSize: 2 })
    await running.caughtUp()
    expect(commits.length).toBeLessThan(50)
    const { document } = await running.model.get('ada', { waitMs: 0 })
    expect(document).toMatchObject({ position: 200, data: { orders: 200, pence: 20_000 } })
  })

  test('versions of a stream follow events that no handler wants', async () => {
    await using shop = await openShop()
    await using running = await shop.run(orders)
    await append(
      shop.log,
      make.noted('1'),
      make.placed('2'),
      make.noted('2'),
      make.forgotten('2'),
      make.noted('2'),
    )
    await running.caughtUp()
    expect(await running.documents()).toEqual([
      { key: '1', version: 1, position: 1, data: null },
      { key: '2', version: 4, position: 4, data: null },
    ])
  })

  test('a handler that returns its document as it was changes nothing', async () => {
    const idle = projection('idle', {
      version: 1,
      of: shopEvents,
      key: { Placed: () => 'one', Noted: () => 'one' },
      initial: { n: 0 },
      on: { Placed: () => ({ n: 1 }), Noted: (doc) => doc },
    })
    await using shop = await openShop()
    await using running = await shop.run(idle)
    await append(shop.log, make.placed('1'), make.noted('1'))
    await running.caughtUp()
    expect(await running.documents()).toEqual([{ key: 'one', version: null, position: 1, data: { n: 1 } }])
  })
})

const poisons: readonly (readonly [string, () => string, RegExp])[] = [
  ['a key function that throws', () => raise('no key'), /Noted at position 4 .*no key/],
  ['an empty key', () => '', /the key "" is empty/],
  ['a key that is too long', () => 'x'.repeat(1025), /longer than 1024 bytes/],
  ['a key that is no text', () => [7] as never, /a key is no text/],
]

function raise(message: string): never {
  throw new Error(message)
}

describe('poison', () => {
  test.each(poisons)('%s stops the projection just there', async (_, key, reason) => {
    const poisoned = projection('poisoned', {
      version: 1,
      of: shopEvents,
      key: { Placed: () => 'all', Noted: key },
      initial: { n: 0 },
      on: { Placed: (doc) => ({ n: doc.n + 1 }), Noted: (doc) => doc },
    })
    await using shop = await openShop()
    const list = ['1', '2', '3'].map((order) => make.placed(order))
    await append(shop.log, ...list, make.noted('1'), make.placed('4'))
    await using healthy = await shop.run(customers)
    await using running = await shop.run(poisoned)
    const fresh = { token: new Map([[shop.log.log, await shop.log.head()]]), waitMs: 10_000 }
    await expect(running.model.get('all', fresh)).rejects.toMatchObject({ code: 'PROJECTION_STOPPED' })
    expect(running.model.stopped()).toMatch(reason)
    expect(running.faults).toHaveLength(1)
    expect((await running.runner.collection.get('all')).document?.data).toEqual({ n: 3 })
    expect((await running.runner.collection.checkpoint()).position).toBe(3)
    // The others go on.
    expect((await healthy.model.get('ada', fresh)).document?.data).toEqual({ orders: 4, pence: 400 })
    expect(healthy.model.stopped()).toBeUndefined()
  })

  test('the first event stops it before anything, and a mended projection goes on from there', async () => {
    await using shop = await openShop()
    await append(shop.log, make.placed('1'))
    const bad: Projection = { ...customers, keysOf: () => raise('not yet') }
    {
      await using running = await shop.run(bad)
      await expect.poll(() => running.model.stopped()).toMatch(/position 1 .*not yet/)
      expect((await running.runner.collection.checkpoint()).position).toBe(0)
    }
    await using mended = await shop.run(customers)
    await mended.caughtUp()
    expect((await mended.model.get('ada', { waitMs: 0 })).document?.data).toEqual({ orders: 1, pence: 100 })
  })
})

describe('faults of the stores', () => {
  test('a commit of which nobody knows counts once, whether it happened or not', async () => {
    await using shop = await openShop()
    const reads = failing(shop.reads, (count) =>
      count % 3 === 0 ? 'before' : count % 3 === 1 ? 'after' : 'never',
    )
    await using running = await shop.run(customers, { reads, batchSize: 3 })
    await append(shop.log, ...Array.from({ length: 20 }, (_, index) => make.placed(`${index}`)))
    await running.caughtUp()
    expect((await running.model.get('ada', { waitMs: 0 })).document?.data).toEqual({
      orders: 20,
      pence: 2000,
    })
    expect(running.model.stopped()).toBeUndefined()
  })

  test('what was folded on documents whose commit fails is folded again', async () => {
    await using shop = await openShop()
    const reads = slow(failing(shop.reads, (count) => (count % 2 === 0 ? 'before' : 'never')))
    await using running = await shop.run(customers, { reads, batchSize: 2 })
    for (let burst = 1; burst <= 6; burst++) {
      // The first one is committed at once, and the others are folded while that fails.
      await append(shop.log, make.placed(`${burst}`))
      await append(shop.log, ...Array.from({ length: 5 }, (_, index) => make.placed(`${burst}-${index}`)))
    }
    await running.caughtUp()
    expect((await running.model.get('ada', { waitMs: 0 })).document?.data).toEqual({
      orders: 36,
      pence: 3600,
    })
  })

  test('two runners of one projection count every event once', async () => {
    await using shop = await openShop()
    await using first = await shop.run(customers, { batchSize: 2 })
    await using second = await shop.run(customers, { batchSize: 3 })
    await append(shop.log, ...Array.from({ length: 40 }, (_, index) => make.placed(`${index}`)))
    await first.caughtUp()
    await second.caughtUp()
    expect((await second.model.get('ada', { waitMs: 0 })).document?.data).toEqual({ orders: 40, pence: 4000 })
  })

  test('a log that was replaced by another one stops the projection', async () => {
    await using shop = await openShop()
    await using other = await openShop()
    await append(shop.log, make.placed('1'), make.placed('2'))
    {
      await using running = await shop.run(customers)
      await running.caughtUp()
    }
    await append(other.log, make.placed('8'), make.placed('9'), make.placed('10'))
    await using running = await shop.run(customers, { log: other.log })
    await expect.poll(() => running.model.stopped()).toMatch(/Position 2 .* replaced by an older copy/)
  })
})

/** A log that notes the positions which it hands out. */
function observing(log: EventStore, positions: number[]): EventStore {
  return {
    ...log,
    async *readToFold(query) {
      for await (const page of log.readToFold(query)) {
        positions.push(...page.events.map((event) => event.position))
        yield page
      }
    },
  }
}

/** A log that hands out every page twice, the second time with the page before it. */
function repeating(log: EventStore): EventStore {
  return {
    ...log,
    async *readToFold(query) {
      for await (const page of log.readToFold({ ...query, after: 0 as never })) {
        yield page
        yield page
      }
    },
  }
}

function counting(reads: ReadStore, commits: number[]): ReadStore {
  return {
    ...reads,
    async openCollection(shape, epoch) {
      const collection = await reads.openCollection(shape, epoch)
      return {
        ...collection,
        commit: (request) => {
          commits.push(request.to.position)
          return collection.commit(request)
        },
      }
    },
  }
}

/** A read store whose commits take many turns of the loop. */
function slow(reads: ReadStore): ReadStore {
  return {
    ...reads,
    async openCollection(shape, epoch) {
      const collection = await reads.openCollection(shape, epoch)
      return {
        ...collection,
        async commit(request) {
          for (let turn = 0; turn < 30; turn++) await new Promise<void>((done) => systemRuntime.soon(done))
          await collection.commit(request)
        },
      }
    },
  }
}

/** A read store whose commits fail with an unknown outcome, before or after they happened. */
function failing(reads: ReadStore, when: (count: number) => 'before' | 'after' | 'never'): ReadStore {
  let count = 0
  const lost = new RampartError('OUTCOME_UNKNOWN', 'The reply was lost.', { effect: 'unknown' })
  return {
    ...reads,
    async openCollection(shape, epoch) {
      const collection = await reads.openCollection(shape, epoch)
      return {
        ...collection,
        async commit(request) {
          const point = when(count++)
          if (point === 'before') throw lost
          await collection.commit(request)
          if (point === 'after') throw lost
        },
      }
    },
  }
}

test('the place is stored soon after events that touch nothing, without another batch', async () => {
  await using shop = await openShop()
  // Nothing polls, so that whatever happens was begun by an append.
  const setTimer: Runtime['setTimer'] = (delayMs, ...more) =>
    systemRuntime.setTimer(delayMs >= 1000 ? 1_000_000 : delayMs, ...more)
  const runner = await createProjectionRunner({
    projection: customers,
    store: shop.log,
    readStore: shop.reads,
    runtime: { ...systemRuntime, setTimer },
  })
  const { collection } = runner
  await append(shop.log, make.placed('1'))
  await expect.poll(() => runner.reached().position).toBe(1)
  await append(shop.log, make.noted('1'))
  await expect.poll(async () => (await collection.checkpoint()).position).toBe(2)
  await runner.stop()
})
