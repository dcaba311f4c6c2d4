// Proves the one loop: every event once and in order, hints and polls, retries of the store, and a prompt
// end.
import { describe, expect, test } from 'vitest'
import { position, streamId } from '../core/codec/index.ts'
import { RampartError, systemRuntime, type Runtime } from '../core/index.ts'
import {
  logKey,
  type EventRecord,
  type EventStore,
  type LogPage,
  type LogPlace,
} from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { createSubscription, type Batch as AnyBatch, type SubscriptionOptions } from './index.ts'

type Batch = AnyBatch<EventRecord>
const payload = new TextEncoder().encode('{}')

async function openLog(events = 0): Promise<EventStore> {
  const log = await createMemoryStore().openLog(logKey('test'))
  await append(log, events)
  return log
}

async function append(log: EventStore, count: number, type = 'Happened'): Promise<void> {
  for (let done = 0; done < count; done++) {
    const event = { type, schemaVersion: 1, payload }
    const write = { decider: 'd', id: streamId('s'), expectedVersion: 'any' as const, events: [event] }
    await log.append({ writes: [write] })
  }
}

async function start(
  log: Pick<EventStore, 'readLog' | 'onAppended'>,
  more: Partial<SubscriptionOptions<EventRecord>> = {},
) {
  const batches: Batch[] = []
  const from: LogPlace = { epoch: 'e', position: position(0), eventId: '' }
  const subscription = createSubscription({
    store: log,
    from,
    runtime: systemRuntime,
    handle: async (batch) => void batches.push(batch),
    ...more,
  })
  const positions = (): readonly number[] =>
    batches.flatMap((batch) => batch.events.map((one) => one.position))
  return {
    subscription,
    batches,
    positions,
    [Symbol.asyncDispose]: async () => void (await subscription.stop()),
  }
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('the loop', () => {
  test('hands over every event once, in batches of the size that was asked for', async () => {
    const log = await openLog(25)
    await using running = await start(log, { batchSize: 10 })
    await expect.poll(() => running.positions()).toHaveLength(25)
    await append(log, 5)
    await expect.poll(() => running.positions()).toEqual(numbers(1, 30))
    expect(Math.max(...running.batches.map((batch) => batch.events.length))).toBe(10)
    expect(running.subscription.place()).toEqual(await log.head())
  })

  test('begins after the place that it is given', async () => {
    const log = await openLog(7)
    const from = { ...(await log.head()), position: position(4) }
    await using running = await start(log, { from })
    await expect.poll(() => running.positions()).toEqual([5, 6, 7])
  })

  test('moves over events of other types', async () => {
    const log = await openLog(5)
    await append(log, 1, 'Wanted')
    await append(log, 3)
    await using running = await start(log, { types: ['Wanted'], batchSize: 2 })
    await expect.poll(() => running.subscription.place().position).toBe(9)
    expect(running.positions()).toEqual([6])
  })

  test('is woken by a hint, long before it would look again', async () => {
    const log = await openLog()
    await using running = await start(log, { pollMs: 60_000 })
    for (let count = 1; count <= 20; count++) {
      await append(log, 1)
      await expect.poll(() => running.positions()).toHaveLength(count)
    }
  })

  test('looks again by itself when hints are lost', async () => {
    const log = await openLog()
    await using running = await start({ ...log, onAppended: () => () => undefined }, { pollMs: 20 })
    await append(log, 3)
    await expect.poll(() => running.positions()).toEqual([1, 2, 3])
  })

  test('holds two pages at most, however slow the handling is', async () => {
    const log = await openLog(100)
    let read = 0
    let handled = 0
    let ahead = 0
    const observed: EventStore = {
      ...log,
      async *readLog(query) {
        for await (const page of log.readLog(query)) {
          read += page.events.length
          ahead = Math.max(ahead, read - handled)
          yield page
        }
      },
    }
    const handle = async ({ events }: Batch): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) await new Promise<void>((done) => systemRuntime.soon(done))
      handled += events.length
    }
    await using _ = await start(observed, { batchSize: 5, handle })
    await expect.poll(() => handled).toBe(100)
    expect(ahead).toBeLessThanOrEqual(10)
  })

  test('says before it waits that nothing follows at once, also after a full batch', async () => {
    const log = await openLog(4)
    const told: string[] = []
    const handle = async ({ events, isFull }: Batch): Promise<void> => {
      told.push(`${events.length}${isFull ? ', more may follow' : ''}`)
    }
    const beforeWait = async (): Promise<void> => void told.push('waits')
    await using _ = await start(log, { batchSize: 2, handle, beforeWait, pollMs: 60_000 })
    await expect.poll(() => told).toEqual(['2, more may follow', '2, more may follow', 'waits'])
    await append(log, 1)
    await expect.poll(() => told.slice(3)).toEqual(['1', 'waits'])
  })

  test('lets others have their turn during a long catch-up', async () => {
    const log = await openLog(300)
    await using running = await start(log, { batchSize: 1 })
    let turns = 0
    while (running.positions().length < 300) {
      turns += 1
      await new Promise<void>((done) => systemRuntime.soon(done))
    }
    expect(turns).toBeGreaterThan(100)
  })
})

describe('faults', () => {
  test('of handling end the loop, and nothing is tried again', async () => {
    const log = await openLog(10)
    const seen: number[] = []
    const handle = async ({ events }: Batch): Promise<void> => {
      seen.push(...events.map((event) => event.position))
      // Even a fault that would pass is for whoever handles: only he knows what has happened.
      if (seen.includes(4)) throw new RampartError('STORE_UNAVAILABLE', 'no')
    }
    await using running = await start(log, { batchSize: 2, handle })
    const end = await running.subscription.ended
    expect(end).toMatchObject({ reason: 'failed', error: { code: 'STORE_UNAVAILABLE' } })
    await append(log, 1)
    expect(seen).toEqual([1, 2, 3, 4])
    expect(running.subscription.place().position).toBe(2)
  })

  test('of the store that pass are waited out, ever longer, and nothing is lost', async () => {
    const log = await openLog(10)
    let reads = 0
    const delays: number[] = []
    const flaky: EventStore = {
      ...log,
      async *readLog(query): AsyncGenerator<LogPage> {
        for await (const page of log.readLog(query)) {
          if (++reads <= 3 || reads === 5) throw new RampartError('STORE_UNAVAILABLE', 'not now')
          yield page
        }
      },
    }
    const onRetry = (_: unknown, delayMs: number): void => void delays.push(delayMs)
    await using running = await start(flaky, { batchSize: 3, onRetry })
    await expect.poll(() => running.positions()).toEqual(numbers(1, 10))
    expect(delays).toHaveLength(4)
    expect(delays[0]).toBeLessThanOrEqual(50)
    expect(delays[2]).toBeGreaterThanOrEqual(100)
    // After a success the waits are short again.
    expect(delays[3]).toBeLessThanOrEqual(50)
  })

  test('of the store that do not pass end the loop', async () => {
    const log = await openLog(1)
    const closed: EventStore = {
      ...log,
      // oxlint-disable-next-line require-yield -- this log fails before its first page
      async *readLog(): AsyncGenerator<LogPage> {
        throw new RampartError('STORE_CLOSED', 'gone')
      },
    }
    await using running = await start(closed)
    expect(await running.subscription.ended).toMatchObject({
      reason: 'failed',
      error: { code: 'STORE_CLOSED' },
    })
  })
})

describe('the end', () => {
  test('comes at once while the loop waits at the head, and ends its hints', async () => {
    const log = await openLog(1)
    let listening = 0
    const onAppended: EventStore['onAppended'] = (callback) => {
      listening += 1
      const end = log.onAppended(callback)
      return () => {
        listening -= 1
        end()
      }
    }
    const running = await start({ ...log, onAppended }, { pollMs: 60_000 })
    await expect.poll(() => running.positions()).toEqual([1])
    expect(await running.subscription.stop()).toEqual({ reason: 'stopped' })
    expect(listening).toBe(0)
    await append(log, 1)
    expect(running.positions()).toEqual([1])
  })

  test('waits for the batch in hand, and for no other', async () => {
    const log = await openLog(10)
    const begun = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    const finished: number[] = []
    const handle = async ({ events }: Batch): Promise<void> => {
      begun.resolve()
      await finish.promise
      finished.push(...events.map((event) => event.position))
    }
    const { subscription } = await start(log, { batchSize: 2, handle })
    await begun.promise
    const stopped = subscription.stop()
    finish.resolve()
    expect(await stopped).toEqual({ reason: 'stopped' })
    expect(finished).toEqual([1, 2])
    expect(subscription.place().position).toBe(2)
  })

  test('does not wait out a store that fails', async () => {
    const log = await openLog(1)
    const failing: EventStore = {
      ...log,
      // oxlint-disable-next-line require-yield -- this log fails before its first page
      async *readLog(): AsyncGenerator<LogPage> {
        throw new RampartError('STORE_UNAVAILABLE', 'never')
      },
    }
    let retries = 0
    // The wait after the third attempt never ends by itself.
    const setTimer: Runtime['setTimer'] = (delayMs, ...more) =>
      systemRuntime.setTimer(retries < 3 ? delayMs : 2 ** 30, ...more)
    const runtime = { ...systemRuntime, setTimer }
    const { subscription } = await start(failing, { runtime, onRetry: () => void (retries += 1) })
    await expect.poll(() => retries).toBe(3)
    expect(await subscription.stop()).toEqual({ reason: 'stopped' })
  })
})
