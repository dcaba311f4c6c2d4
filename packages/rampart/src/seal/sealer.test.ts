// The sealer: what it seals and when, and what it does about a store that fails or was cut.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { position, streamId } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import { noDigest, sealDigest, type Seal, type SealStore, type Sha256 } from '../core/seals/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { simulatedRuntime } from '../testing/index.ts'
import { createSealer, type SealerOptions } from './index.ts'

const payload = new TextEncoder().encode('{}')

async function append(log: EventStore, count: number): Promise<void> {
  const event = { type: 'Noted', schemaVersion: 1, payload }
  for (let left = count; left > 0; left -= 1000) {
    const events = Array.from({ length: Math.min(left, 1000) }, () => event)
    await log.append({ writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'any', events }] })
  }
}

interface World {
  readonly log: EventStore
  readonly advance: (byMs: number) => Promise<void>
  /** Starts a sealer; `change` breaks the store that it sees. */
  readonly seal: (
    change?: (seals: SealStore) => Partial<SealStore>,
    report?: SealerOptions['reportFault'],
  ) => ReturnType<typeof createSealer>
  readonly ranges: () => Promise<readonly (readonly number[])[]>
}

async function openWorld(): Promise<World> {
  const runtime = simulatedRuntime(1)
  const log = await createMemoryStore({ runtime }).openLog('default/shop/0')
  const seals = (): Promise<readonly Seal[]> => log.seals.list(0, 1000)
  return {
    log,
    advance: runtime.advance,
    seal: (change = () => ({}), reportFault = () => {}) => {
      const store = { ...log, seals: { ...log.seals, ...change(log.seals) } }
      return createSealer({ store, runtime, reportFault })
    },
    ranges: async () => (await seals()).map(({ first, last }) => [first, last]),
  }
}

test('seals at once what is there, then within a second, and nothing while nothing is appended', async () => {
  const { log, advance, seal, ranges } = await openWorld()
  await append(log, 2)
  const sealer = seal()
  await advance(1)
  expect(await ranges()).toEqual([[1, 2]])
  await append(log, 1)
  await advance(998)
  expect(await ranges()).toEqual([[1, 2]])
  await advance(2)
  expect(await ranges()).toEqual([
    [1, 2],
    [3, 3],
  ])
  await advance(60_000)
  expect(await ranges()).toHaveLength(2)
  await append(log, 1)
  await advance(1001)
  expect(await ranges()).toEqual([
    [1, 2],
    [3, 3],
    [4, 4],
  ])
  await sealer.stop()
})

test('seals a long log in ranges of 1,024, chained to each other', async () => {
  const { log, advance, seal } = await openWorld()
  await append(log, 20_000)
  const sealer = seal()
  await advance(1001)
  await expect.poll(async () => (await log.seals.last())?.last).toBe(20_000)
  await sealer.stop()
  const all = await log.seals.list(0, 1000)
  expect(all.map(({ number }) => number)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1))
  expect(all.map(({ previous }) => previous)).toEqual([
    noDigest,
    ...all.slice(0, -1).map((one) => one.digest),
  ])
  expect(all.map(({ first, last }) => last - first + 1)).toEqual([...Array<number>(19).fill(1024), 544])
  const { epoch } = await log.head()
  expect(new Set(all.map((one) => one.epoch))).toEqual(new Set([epoch]))
})

test('goes on after the newest seal when it starts again', async () => {
  const { log, advance, seal, ranges } = await openWorld()
  await append(log, 2)
  const first = seal()
  await advance(1001)
  await first.stop()
  await append(log, 2)
  const second = seal()
  await advance(1001)
  await second.stop()
  expect(await ranges()).toEqual([
    [1, 2],
    [3, 4],
  ])
})

test('a seal is of the epoch in which its events were read, and covers those up to it', async () => {
  const { log, seal } = await openWorld()
  const sealer = seal((seals) => ({
    rangeAfter: async (after) => {
      if (after === 0) await log.beginEpoch()
      if (after === 0) await append(log, 5)
      return seals.rangeAfter(after)
    },
  }))
  await sealer.stop()
  const newest = await log.seals.last()
  const epochs = await log.epochs()
  expect(epochs).toHaveLength(2)
  expect(newest?.epoch).toBe(epochs[1]?.epoch)
  if (newest === undefined) return
  const sha256: Sha256 = (data) => createHash('sha256').update(data).digest('hex')
  expect(newest.digest).toBe(sealDigest(log.log, { ...newest, epochs }, sha256))
})

test('seals the rest before it ends', async () => {
  const { log, seal, ranges } = await openWorld()
  const sealer = seal()
  await append(log, 5)
  await sealer.stop()
  expect(await ranges()).toEqual([[1, 5]])
})

test('waits out a store that fails, also when it is not known whether the seal was stored', async () => {
  const { log, advance, seal, ranges } = await openWorld()
  const faults: unknown[] = []
  let attempts = 0
  const failing = (seals: SealStore): Partial<SealStore> => ({
    append: async (given) => {
      attempts += 1
      if (attempts === 1) throw new RampartError('STORE_FULL', 'There is no room.')
      await seals.append(given)
      if (attempts === 2) throw new RampartError('OUTCOME_UNKNOWN', 'Who knows.', { effect: 'unknown' })
    },
  })
  const sealer = seal(failing, (fault) => faults.push(fault))
  await append(log, 2)
  await advance(1001)
  expect(await ranges()).toEqual([])
  await advance(10_000)
  expect(await ranges()).toEqual([[1, 2]])
  await append(log, 1)
  await advance(10_000)
  await sealer.stop()
  expect(await ranges()).toEqual([
    [1, 2],
    [3, 3],
  ])
  expect(faults).toMatchObject([{ code: 'STORE_FULL' }, { code: 'OUTCOME_UNKNOWN' }])
})

test('says so when a log is shorter than its seals', async () => {
  const { log, advance, seal } = await openWorld()
  await append(log, 5)
  const first = seal()
  await first.stop()
  const faults: unknown[] = []
  const cut: Partial<EventStore> = { head: async () => ({ ...(await log.head()), position: position(3) }) }
  const runtime = simulatedRuntime(2)
  const store = { ...log, ...cut }
  const sealer = createSealer({ store, runtime, reportFault: (fault) => faults.push(fault) })
  await runtime.advance(5000)
  await sealer.stop()
  await advance(0)
  expect(String(faults)).toMatch(/ends at position 3, and is sealed through 5: events are missing/)
  expect(faults).toHaveLength(1)
})

test('takes turns with the sealers of other processes, and does not complain of them', async () => {
  const { log, advance, seal, ranges } = await openWorld()
  const faults: unknown[] = []
  const sealers = [1, 2, 3].map(() => seal(undefined, (fault) => faults.push(fault)))
  for (const _ of [1, 2, 3, 4]) {
    await append(log, 2)
    await advance(1001)
  }
  expect(await ranges()).toEqual([
    [1, 2],
    [3, 4],
    [5, 6],
    [7, 8],
  ])
  expect(faults).toEqual([])
  await Promise.all(sealers.map((sealer) => sealer.stop()))
})
