// Projections whose collections may change while they run, for the tests of rebuilds and upgrades.
import { expect } from 'vitest'
import { systemRuntime, type Projection } from '../../core/index.ts'
import { logKey, type EventStore, type ReadStore } from '../../core/ports/index.ts'
import { createMemoryStore } from '../../memory/index.ts'
import { openSqliteReadStore } from '../../sqlite/index.ts'
import { createReadModel } from '../create-read-model.ts'
import { createServedProjection } from '../served-projection.ts'
import { showRunner } from '../shown-projection.ts'

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
