// A projection as its read model needs it, whoever keeps it up to date: this process, or another one.
import type { Runtime } from '../core/index.ts'
import type { DocumentCollection, EventStore, LogKey, LogPlace } from '../core/ports/index.ts'
import { createLagGauge } from './lag.ts'
import type { Anew } from './lost-future.ts'
import type { ProjectionRunner, RunnerState } from './projection-runner.ts'
import type { Lag } from './read-model.ts'
import type { ServedProjection } from './served-projection.ts'

/** Documents that readers get, with what is known of them. */
export interface ShownProjection extends Pick<
  ProjectionRunner,
  'projection' | 'tag' | 'reached' | 'placeOf' | 'onMoved' | 'quarantinedCount' | 'treat'
> {
  readonly log: LogKey
  readonly collection: ShownDocuments
  /** The part that has a key; absent where there is one for all keys. */
  readonly partOf?: (key: string) => ShownProjection
  readonly state: () => RunnerState
  /** Whether a place is of the log's history, as far as this process can tell. */
  readonly judge: EventStore['judge']
  readonly lag: () => Promise<Lag>
  /** Absent where nothing operates it. */
  readonly rebuild?: ServedProjection['rebuild']
  readonly upgradeStopped: () => string | undefined
  readonly beginsAnew: () => string | undefined
}

/** The part of a collection that readers and operators look at. */
export type ShownDocuments = Pick<
  DocumentCollection,
  'get' | 'page' | 'changes' | 'quarantined' | 'queued' | 'skipped'
>

/** What one shows after the other, and how that moves. */
export interface ShownInTurn extends Pick<ShownProjection, 'projection' | 'log' | 'onMoved'> {
  /** What is shown at this moment. */
  readonly now: () => ShownProjection
}

/** Shows what is current, for readers who need not know that it becomes another. */
export function showCurrent({ projection, log, onMoved, now }: ShownInTurn): ShownProjection {
  return {
    projection,
    log,
    get collection() {
      return now().collection
    },
    state: () => now().state(),
    tag: () => now().tag(),
    reached: () => now().reached(),
    placeOf: (place) => now().placeOf(place),
    onMoved,
    judge: (place) => now().judge(place),
    lag: () => now().lag(),
    quarantinedCount: () => now().quarantinedCount(),
    treat: (treatment) => now().treat(treatment),
    upgradeStopped: () => now().upgradeStopped(),
    beginsAnew: () => now().beginsAnew(),
  }
}

/** What shows a projection that runs in this process. */
export interface RunnerShown {
  readonly runner: ProjectionRunner & Partial<Pick<ServedProjection, 'rebuild' | 'upgradeStopped'>>
  readonly runtime: Runtime
  /** Said of a projection whose documents had to go. */
  readonly anew?: Anew | undefined
}

/** Shows a projection that runs in this process. */
export function showRunner({ runner, runtime, anew }: RunnerShown): ShownProjection {
  const { store, rebuild } = runner
  return {
    projection: runner.projection,
    log: store.log,
    // A rebuild replaces it.
    get collection() {
      return runner.collection
    },
    state: () => runner.state(),
    tag: () => runner.tag(),
    reached: () => runner.reached(),
    placeOf: (place: LogPlace) => runner.placeOf(place),
    onMoved: (callback) => runner.onMoved(callback),
    judge: (place) => store.judge(place),
    lag: createLagGauge({ store, reached: () => runner.reached(), runtime }),
    quarantinedCount: () => runner.quarantinedCount(),
    treat: (treatment) => runner.treat(treatment),
    ...(rebuild === undefined ? {} : { rebuild }),
    upgradeStopped: () => runner.upgradeStopped?.(),
    beginsAnew: () =>
      anew === undefined || runner.reached().position >= anew.until ? undefined : anew.reason,
  }
}
