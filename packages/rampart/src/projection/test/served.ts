// Projections whose collections may change while they run, for the tests of rebuilds and upgrades.
import { expect } from 'vitest'
import { RampartError, systemRuntime, type Projection } from '../../core/index.ts'
import { logKey, type EventStore, type ReadStore } from '../../core/ports/index.ts'
import { createMemoryStore } from '../../memory/index.ts'
import { openSqliteReadStore } from '../../sqlite/index.ts'
import { createReadModel } from '../create-read-model.ts'
import { createServedProjection } from '../served-projection.ts'
import { showRunner } from '../shown-projection.ts'
import { customers } from './shop.ts'

const now = { waitMs: 0 }

/** What stands in for the stores of a world. */
interface Stores {
  readonly store?: EventStore
  readonly readStore?: ReadStore
}

/** A log and a read store, and projections on them. */
export async function openWorld(thread: 'worker' | 'caller', file: string) {
  const store = createMemoryStore()
  const log = await store.openLog(logKey('shop'))
  const readStore: ReadStore = await openSqliteReadStore({ file, thread })
  const serve = async (projection: Projection, batchSize = 50, stores: Stores = {}) => {
    const faults: unknown[] = []
    const reportFault = (fault: unknown): void => void faults.push(fault)
    const options = { projection, store: log, readStore, runtime: systemRuntime, batchSize, reportFault }
    const runner = await createServedProjection({ ...options, ...stores })
    const model = createReadModel({
      shown: showRunner({ runner, runtime: systemRuntime }),
      runtime: systemRuntime,
    })
    return { runner, model, rebuild: runner.rebuild, faults, [Symbol.asyncDispose]: () => runner.stop() }
  }
  return {
    log,
    readStore,
    serve,
    async [Symbol.asyncDispose]() {
      await readStore[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
}

type World = Awaited<ReturnType<typeof openWorld>>
/** A projection that is served. */
export type Served = Awaited<ReturnType<World['serve']>>

/** Waits until its build has come to a state. */
export async function settled({ rebuild }: Served, state = 'switched') {
  await expect.poll(async () => (await rebuild.status()).build).toMatchObject({ state })
  return rebuild.status()
}

/** The handlers of customers, of which one throws for eve while it is broken. */
export function failingOnEve() {
  const broken = { on: true }
  const { Placed = () => null } = customers.on
  const on: Projection['on'] = {
    ...customers.on,
    Placed(...args) {
      if (broken.on && args[2] === 'eve') throw new Error('bad')
      return Placed(...args)
    },
  }
  return { broken, on }
}

/** Reads one document again and again: neither its version nor the place may ever go back. */
export async function watch({ model }: Served, key: string, isOver: () => boolean): Promise<number> {
  let version = 0
  let place = 0
  let reads = 0
  while (!isOver()) {
    const found = await model.get(key, now)
    expect(found.document?.version ?? 0).toBeGreaterThanOrEqual(version)
    expect(found.place.position).toBeGreaterThanOrEqual(place)
    version = found.document?.version ?? 0
    place = found.place.position
    const { documents } = await model.list({ where: [], search: null, afterKey: null, limit: 1 }, now)
    expect(documents).toHaveLength(1)
    reads += 1
    await new Promise<void>((resolve) => systemRuntime.soon(resolve))
  }
  return reads
}

/** A read store that switches and then loses the word of it, and the answer to the next look as well. */
export function losingWordOfSwitches(readStore: ReadStore): ReadStore {
  let isAway = false
  return {
    ...readStore,
    async collections(log, name) {
      const wasAway = isAway
      isAway = false
      if (wasAway) throw new RampartError('STORE_UNAVAILABLE', 'The connection was lost.')
      return readStore.collections(log, name)
    },
    async switchLive(pair, tag) {
      await readStore.switchLive(pair, tag)
      isAway = true
      throw new RampartError('STORE_UNAVAILABLE', 'The connection was lost.')
    },
  }
}
