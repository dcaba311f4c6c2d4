// Proves what readers get: tokens and versions that are waited for, bounds, and an end that frees all who
// wait.
import { describe, expect, test } from 'vitest'
import { streamVersion, type ConsistencyToken } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { EventStore, LogPlace, ReadStore } from '../core/ports/index.ts'
import { createReadModel } from './create-read-model.ts'
import { showRunner } from './shown-projection.ts'
import { append, customers, make, openShop, orders, products } from './test/shop.ts'

function tokenOf(log: EventStore, place: LogPlace): ConsistencyToken {
  return new Map([[log.log, place]])
}

async function placeAfter(log: EventStore, count: number): Promise<LogPlace> {
  const place = await log.head()
  return { ...place, position: (place.position + count) as LogPlace['position'], eventId: 'future.0' }
}

/** Counts the reads of single documents. */
function countingGets(reads: ReadStore, keys: string[]): ReadStore {
  return {
    ...reads,
    async openCollection(shape, epoch) {
      const collection = await reads.openCollection(shape, epoch)
      return {
        ...collection,
        get: (key) => {
          keys.push(key)
          return collection.get(key)
        },
      }
    },
  }
}

describe('a consistency token', () => {
  test('is waited for, and the answer contains what it has seen', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers)
    for (let count = 1; count <= 50; count++) {
      const token = tokenOf(shop.log, await append(shop.log, make.placed(`${count}`)))
      const { document, place } = await running.model.get('ada', { token, waitMs: 5000 })
      expect(document).toMatchObject({ version: null, data: { orders: count } })
      expect(place.position).toBeGreaterThanOrEqual(count)
    }
  })

  test('of events that the model does not handle is reached at once', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers)
    const startMs = performance.now()
    for (let count = 0; count < 100; count++) {
      const token = tokenOf(shop.log, await append(shop.log, make.noted('1')))
      await running.model.get('ada', { token, waitMs: 5000 })
    }
    // A poll of a second, or a pause per event, would take far longer.
    expect(performance.now() - startMs).toBeLessThan(5000)
  })

  test('that is not reached in time says where the read model is', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers)
    const place = await append(shop.log, make.placed('1'))
    await running.caughtUp()
    const held = await running.runner.hold()
    const token = tokenOf(shop.log, await append(shop.log, make.placed('2')))
    const behind = { code: 'READ_MODEL_BEHIND', details: { place } }
    await expect(running.model.get('ada', { token, waitMs: 30 })).rejects.toMatchObject(behind)
    await expect(running.model.get('ada', { token, waitMs: 0 })).rejects.toMatchObject(behind)
    const request = { where: [], search: null, afterKey: null, limit: 1 }
    await expect(running.model.list(request, { token, waitMs: 0 })).rejects.toMatchObject(behind)
    held.release()
    expect((await running.model.get('ada', { token, waitMs: 5000 })).document?.data).toMatchObject({
      orders: 2,
    })
  })

  test('from a lost future is refused, of another log ignored', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers)
    const first = await append(shop.log, make.placed('1'))
    const place = await append(shop.log, make.noted('1'))
    await running.caughtUp()
    const lost: readonly LogPlace[] = [
      { ...first, eventId: 'lost.0' },
      await placeAfter(shop.log, 1),
      { ...place, epoch: 'lost' },
      { ...place, eventId: 'lost.0' },
      { ...(await placeAfter(shop.log, 5)), epoch: 'lost' },
    ]
    for (const one of lost) {
      const attempt = running.model.get('ada', { token: tokenOf(shop.log, one), waitMs: 1000 })
      await expect(attempt).rejects.toMatchObject({ code: 'TOKEN_INVALID' })
    }
    const foreign: ConsistencyToken = new Map([['default/other/0', await placeAfter(shop.log, 99)]])
    const { document } = await running.model.get('ada', { token: foreign, waitMs: 1000 })
    expect(document?.data).toEqual({ orders: 1, pence: 100 })
  })
})

describe('a version', () => {
  test('is waited for, also on a key that is not there yet', async () => {
    await using shop = await openShop()
    await using running = await shop.run(orders)
    const waiting = running.model.get('1', { version: streamVersion(3), waitMs: 5000 })
    await append(shop.log, make.placed('2'), make.placed('1'), make.noted('1'), make.cancelled('1'))
    expect((await waiting).document).toEqual({
      key: '1',
      version: 3,
      position: 4,
      data: { status: 'cancelled', pence: 100 },
    })
  })

  test('that is not reached in time says which one there is', async () => {
    await using shop = await openShop()
    await using running = await shop.run(orders)
    await append(shop.log, make.placed('1'), make.noted('1'))
    await running.caughtUp()
    const get = (key: string, version: number, waitMs: number) =>
      running.model.get(key, { version: streamVersion(version), waitMs })
    const behind = (version: number) => ({ code: 'READ_MODEL_BEHIND', details: { version } })
    await expect(get('1', 3, 0)).rejects.toMatchObject(behind(2))
    await expect(get('1', 3, 40)).rejects.toMatchObject(behind(2))
    await expect(get('absent', 1, 0)).rejects.toMatchObject(behind(0))
    expect((await get('1', 2, 0)).document?.version).toBe(2)
  })

  test('counts for a deleted document, which is then absent', async () => {
    await using shop = await openShop()
    await using running = await shop.run(orders)
    await append(shop.log, make.placed('1'), make.forgotten('1'))
    const { document } = await running.model.get('1', { version: streamVersion(2), waitMs: 5000 })
    expect(document).toBeUndefined()
  })

  test('is refused where documents gather several streams, and for listings', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers)
    const version = streamVersion(1)
    const attempt = running.model.get('ada', { version, waitMs: 0 })
    await expect(attempt).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringMatching(/consistency token/),
    })
    const request = { where: [], search: null, afterKey: null, limit: 1 }
    const listing = running.model.list(request, { version, waitMs: 0 })
    await expect(listing).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })
})

describe('waiting readers', () => {
  test('1,000 of one key wake with one commit and share its read (AO26)', async () => {
    await using shop = await openShop()
    const gets: string[] = []
    await using running = await shop.run(orders, { reads: countingGets(shop.reads, gets) })
    await running.caughtUp()
    const version = streamVersion(2)
    const waiting = Array.from({ length: 1000 }, () => running.model.get('1', { version, waitMs: 10_000 }))
    await append(shop.log, make.placed('other'), make.placed('1'), make.noted('1'))
    const answers = await Promise.all(waiting)
    expect(new Set(answers.map(({ document }) => document?.version))).toEqual(new Set([2]))
    expect(gets.length).toBeLessThan(10)
  })

  test('are bounded in number, and leave when their request is aborted', async () => {
    await using shop = await openShop()
    await using running = await shop.run(orders)
    const model = createReadModel({
      shown: showRunner({ runner: running.runner, runtime: systemRuntime }),
      runtime: systemRuntime,
      limits: { waitersMax: 2 },
    })
    const gone = new AbortController()
    const wait = () => model.get('1', { version: streamVersion(1), waitMs: 60_000, signal: gone.signal })
    const waiting = [wait(), wait()]
    const settled = Promise.allSettled(waiting)
    await expect.poll(() => wait().catch((fault: unknown) => fault)).toMatchObject({ code: 'OVERLOADED' })
    gone.abort(new Error('the reader left'))
    const outcomes = await settled
    expect(outcomes.map((one) => one.status === 'rejected' && String(one.reason))).toEqual([
      'Error: the reader left',
      'Error: the reader left',
    ])
    const next = model.get('1', { version: streamVersion(1), waitMs: 10 })
    await expect(next).rejects.toMatchObject({ code: 'READ_MODEL_BEHIND' })
  })

  test('learn at once that the projection stopped', async () => {
    await using shop = await openShop()
    const bad = { ...orders, keysOf: () => JSON.parse('{') as string[] }
    await using running = await shop.run(bad)
    const startMs = performance.now()
    const waiting = running.model.get('1', { version: streamVersion(1), waitMs: 10_000 })
    const stopped = waiting.catch((error: unknown) => error)
    await append(shop.log, make.placed('1'))
    expect(await stopped).toMatchObject({ code: 'PROJECTION_STOPPED' })
    expect(performance.now() - startMs).toBeLessThan(5000)
    await expect(running.model.get('x', { waitMs: 0 })).rejects.toMatchObject({
      code: 'PROJECTION_STOPPED',
      message: expect.stringMatching(/has stopped.*The log of its process says why\.$/),
    })
  })

  test('learn that the read model is shut down', async () => {
    await using shop = await openShop()
    await using running = await shop.run(orders)
    const held = await running.runner.hold()
    const token = tokenOf(shop.log, await append(shop.log, make.placed('1')))
    const waiting = running.model.get('1', { token, waitMs: 10_000 })
    const ended = waiting.catch((error: unknown) => error)
    const stopped = running.runner.stop()
    held.release()
    await stopped
    expect(await ended).toMatchObject({ code: 'SHUTTING_DOWN' })
  })
})

describe('what else readers ask', () => {
  test('a listing by index and by words', async () => {
    await using shop = await openShop()
    await using placed = await shop.run(orders)
    await using sold = await shop.run(products)
    await append(
      shop.log,
      make.placed('1'),
      make.placed('2', 'ada', { products: ['tea'] }),
      make.cancelled('1'),
    )
    await placed.caughtUp()
    await sold.caughtUp()
    const request = { where: [{ index: 'status', value: 'placed' }], search: null, afterKey: null, limit: 5 }
    const page = await placed.model.list(request, { waitMs: 0 })
    expect(page.documents.map(({ key }) => key)).toEqual(['2'])
    const found = await sold.model.list({ ...request, where: [], search: '2' }, { waitMs: 0 })
    expect(found.documents.map(({ key }) => key)).toEqual(['tea'])
  })

  test('changes after a place, deleted documents too', async () => {
    await using shop = await openShop()
    await using running = await shop.run(orders)
    const { position } = await append(shop.log, make.placed('1'), make.placed('2'))
    await append(shop.log, make.forgotten('1'), make.placed('3'))
    await running.caughtUp()
    const { documents, place } = await running.model.changes(
      { position, key: '~' },
      { limit: 10, bytesMax: 100_000 },
    )
    expect(documents.map(({ key, data }) => [key, data === null])).toEqual([
      ['1', true],
      ['3', false],
    ])
    expect(place.position).toBe(4)
  })

  test('whether it has moved: at once when it has, with the next event, or after a second', async () => {
    await using shop = await openShop()
    await using running = await shop.run(customers)
    const { signal } = new AbortController()
    const { position } = await append(shop.log, make.placed('1'))
    await running.caughtUp()
    await running.model.moved((position - 1) as typeof position, signal)
    const next = running.model.moved(position, signal)
    await append(shop.log, make.noted('1'))
    await next
    expect(running.runner.reached().position).toBe(2)
    await expect(running.model.moved(position, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })

  test('the lag, in events and in the age of the oldest that is missing', async () => {
    await using shop = await openShop()
    const bad = { ...orders, keysOf: () => JSON.parse('{') as string[] }
    await using running = await shop.run(bad)
    expect(await running.model.lag()).toEqual({ events: 0, seconds: 0 })
    await append(shop.log, make.placed('1'), make.noted('1'))
    await expect.poll(() => running.model.lag()).toMatchObject({ events: 2 })
    await expect.poll(async () => (await running.model.lag()).seconds).toBeGreaterThan(0.2)
  })
})
