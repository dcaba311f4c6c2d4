// Runs projections in this process, or in turn with the other processes that share their read store.
import type { Projection, Runtime } from '../core/index.ts'
import type { EventStore, ReadStore } from '../core/ports/index.ts'
import { createReadModel } from './create-read-model.ts'
import { leaseProjection, type LeasedProjection } from './leased-projection.ts'
import { forgetLostFutures } from './lost-future.ts'
import type { ReadModel } from './read-model.ts'
import { partsOf } from './parts.ts'
import { createServedProjection } from './served-projection.ts'
import { shareWork } from '../subscription/index.ts'
import { showRunner, type ShownProjection } from './shown-projection.ts'
import { forgetSplit, openKept, otherSplits, showChange } from './split-change.ts'
import { showSplit } from './split-projection.ts'

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
  if (leases === undefined || shared === undefined) return runAll(options)
  const share = leases.hints && shareWork({ hints: leases.hints, name: nameOf(options), runtime })
  const how = { store, readStore, leases, shared, share, holder: runtime.uuid(), runtime, reportFault }
  const starting = await Promise.allSettled(
    projections.flatMap(partsOf).map((projection) => leaseProjection({ projection, ...how })),
  )
  const leased = starting.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = starting.find((one) => one.status === 'rejected')
  const stop = async (): Promise<void> => {
    share?.stop()
    await Promise.all(leased.map((one) => one.stop()))
  }
  if (failed === undefined) return modelsOf(options, { running: leased, stop, holder: how.holder })
  await stop()
  throw failed.reason
}

// A word between processes has a bound.
const nameLengthMax = 1000

// Processes whose projections have other versions have other work.
function nameOf({ projections, store }: RunProjectionsOptions): string {
  const named = projections.map(({ name, version, parts }) => `${name} ${version} ${parts}`)
  return [store.log, ...named.toSorted()].join(', ').slice(0, nameLengthMax)
}

/** Runs all of them in the one process that has their store. */
async function runAll(options: RunProjectionsOptions): Promise<RunningProjections> {
  const { runtime, ...stores } = options
  const projections = options.projections.flatMap(partsOf)
  const anew = await forgetLostFutures({ ...stores, projections })
  const runners = await Promise.all(
    projections.map((projection) => createServedProjection({ projection, runtime, ...stores })),
  )
  const running = runners.map((runner) => ({
    shown: showRunner({ runner, runtime, anew: anew.get(runner.projection.name) }),
    stop: runner.stop,
  }))
  const stop = async (): Promise<void> => void (await Promise.all(running.map((one) => one.stop())))
  return modelsOf(options, { running, stop, holder: runtime.uuid() })
}

interface Running {
  /** The parts of all projections, in their order. */
  readonly running: readonly LeasedProjection[]
  readonly stop: () => Promise<void>
  readonly holder: string
}

async function modelsOf(
  options: RunProjectionsOptions,
  { running, stop, holder }: Running,
): Promise<RunningProjections> {
  const { projections, store, readStore, runtime } = options
  const parts = running.map(({ shown }) => shown)
  try {
    const names = await readStore.names(store.log)
    const changes = await Promise.all(
      projections
        .map((projection) => showSplit(projection, parts.splice(0, projection.parts)))
        .map((own) => changeOf(options, { own, names, holder })),
    )
    const shown = changes.map((change) => change.shown)
    return {
      shown,
      models: shown.map((one) => createReadModel({ shown: one, runtime })),
      stop: async () => void (await Promise.all([stop(), ...changes.map((change) => change.stop())])),
    }
  } catch (fault) {
    await stop()
    throw fault
  }
}

interface Own {
  readonly own: ShownProjection
  readonly names: readonly string[]
  readonly holder: string
}

/** Shows what was kept in another number of parts while it is needed, and forgets it at a later start. */
async function changeOf(options: RunProjectionsOptions, { own, names, holder }: Own) {
  const others = otherSplits(own.projection, names)
  const open = (part: Projection) => openKept(options, part)
  const change = await showChange({ own, others, open })
  if (!change.isComplete) return change
  const { readStore, store, reportFault } = options
  for (const other of others) {
    // What cannot be forgotten now is in nobody's way, and forgotten at a later start.
    // oxlint-disable-next-line no-await-in-loop -- the store changes one at a time
    await forgetSplit({ log: store.log, readStore, holder }, other).catch((fault: unknown) =>
      reportFault(fault, `the ${other.parts} parts that projection ${other.name} had`),
    )
  }
  return change
}
