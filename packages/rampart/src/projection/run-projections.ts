// Runs projections in this process, or in turn with the other processes that share their read store.
import type { Projection, Runtime } from '../core/index.ts'
import type { EventStore, ReadStore } from '../core/ports/index.ts'
import { createReadModel } from './create-read-model.ts'
import { leaseProjection, type LeasedProjection } from './leased-projection.ts'
import { forgetLostFutures } from './lost-future.ts'
import type { ReadModel } from './read-model.ts'
import { createServedProjection } from './served-projection.ts'
import { shareWork } from '../subscription/index.ts'
import { showRunner, type ShownProjection } from './shown-projection.ts'

/** What projections run on. */
export interface RunProjectionsOptions {
  /** Those whose documents follow the log. */
  readonly projections: readonly Projection[]
  readonly store: EventStore
  readonly readStore: ReadStore
  readonly runtime: Runtime
  /** Hears of what is waited out, of what stops a projection, and of documents that must go. */
  readonly reportFault: (fault: unknown, what: string) => void
}

/** Projections that run, and what may be read of them. */
export interface RunningProjections {
  readonly shown: readonly ShownProjection[]
  /** One for each, in their order. */
  readonly models: readonly ReadModel[]
  readonly stop: () => Promise<void>
}

/** Starts projections; to be called before anything is appended. Rejects with what the stores throw. */
export async function runProjections(options: RunProjectionsOptions): Promise<RunningProjections> {
  const { projections, store, readStore, runtime, reportFault } = options
  const { leases, shared } = readStore
  if (leases === undefined || shared === undefined) return modelsOf(options, await runAll(options))
  const share = leases.hints && shareWork({ hints: leases.hints, name: nameOf(options), runtime })
  const how = { store, readStore, leases, shared, share, holder: runtime.uuid(), runtime, reportFault }
  const starting = await Promise.allSettled(
    projections.map((projection) => leaseProjection({ projection, ...how })),
  )
  const leased = starting.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = starting.find((one) => one.status === 'rejected')
  const models = modelsOf(options, leased)
  const stop = (): Promise<void> => {
    share?.stop()
    return models.stop()
  }
  if (failed === undefined) return { ...models, stop }
  await stop()
  throw failed.reason
}

// A word between processes has a bound.
const nameLengthMax = 1000

// Processes whose projections have other versions have other work.
function nameOf({ projections, store }: RunProjectionsOptions): string {
  return [store.log, ...projections.map(({ name, version }) => `${name} ${version}`).toSorted()]
    .join(', ')
    .slice(0, nameLengthMax)
}

/** Runs all of them in the one process that has their store. */
async function runAll(options: RunProjectionsOptions): Promise<readonly LeasedProjection[]> {
  const { projections, runtime, ...stores } = options
  const anew = await forgetLostFutures({ projections, ...stores })
  const runners = await Promise.all(
    projections.map((projection) => createServedProjection({ projection, runtime, ...stores })),
  )
  return runners.map((runner) => ({
    shown: showRunner({ runner, runtime, anew: anew.get(runner.projection.name) }),
    stop: runner.stop,
  }))
}

function modelsOf(
  { runtime }: RunProjectionsOptions,
  running: readonly LeasedProjection[],
): RunningProjections {
  return {
    shown: running.map(({ shown }) => shown),
    models: running.map(({ shown }) => createReadModel({ shown, runtime })),
    stop: async () => void (await Promise.all(running.map((one) => one.stop()))),
  }
}
