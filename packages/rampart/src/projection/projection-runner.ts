// A running projection, as the host starts it and as read models see it.
import type { Projection, Runtime } from '../core/index.ts'
import type { DocumentCollection, EventStore, LogPlace, ReadStore } from '../core/ports/index.ts'
import type { QuarantineBounds } from './quarantine.ts'
import type { Treatment, TreatmentResult } from './treatment.ts'
import type { Move } from './waiters.ts'

/** What a runner needs. */
export interface ProjectionRunnerOptions {
  readonly projection: Projection
  readonly store: EventStore
  readonly readStore: ReadStore
  readonly runtime: Runtime
  /** Which build of the version; 1 unless given. */
  readonly generation?: number
  /** Names the content for readers; the version unless given. */
  readonly tag?: string
  /** Most events of a batch; 1,000 unless given. */
  readonly batchSize?: number
  /** How much may be quarantined before the projection stops; 1,000 keys and 10,000 events unless given. */
  readonly bounds?: QuarantineBounds
  /** Hears of faults that are waited out, and of the one that stops the projection. */
  readonly reportFault?: (fault: unknown, what: string) => void
}

/** Whether a projection is kept up to date. */
export type RunnerState =
  | { readonly status: 'running' }
  /** `reason` is for operators, and may hold what an app's code said; `told` is for everybody who reads. */
  | { readonly status: 'stopped'; readonly reason: string; readonly told: string }
  | { readonly status: 'ended' }

/** What readers are told of a projection that has stopped. */
export function hasStopped({ name }: Pick<Projection, 'name'>): string {
  return `Projection ${name} has stopped, and its documents stand still. The log of its process says why.`
}

/** A projection that stands still at a stored place. */
export interface Held {
  readonly place: LogPlace
  readonly release: () => void
}

/** A running projection. */
export interface ProjectionRunner {
  readonly projection: Projection
  readonly store: EventStore
  readonly collection: DocumentCollection
  readonly state: () => RunnerState
  /** Names the content: documents under one tag never go back. */
  readonly tag: () => string
  readonly setTag: (tag: string) => void
  /** The place up to which the documents contain the log. */
  readonly reached: () => LogPlace
  /**
   * The place up to which a read with this checkpoint contains the log: later events may have touched
   * nothing.
   */
  readonly placeOf: (checkpoint: LogPlace) => LogPlace
  /** Calls back when the place, a document or the state has changed. Returns what ends it. */
  readonly onMoved: (callback: (move: Move) => void) => () => void
  /** Stores what is reached, and lets no batch pass until released. */
  readonly hold: () => Promise<Held>
  /** Lets batches pass up to this place and no further; `undefined` lets all of them pass. */
  readonly limitTo: (place: LogPlace | undefined) => void
  /** How many keys are quarantined. */
  readonly quarantinedCount: () => number
  /** Treats a key, between two batches. Throws `READ_NOT_FOUND` when it is not quarantined. */
  readonly treat: (treatment: Treatment) => Promise<TreatmentResult>
  /** Ends it after the batch in hand; waiting readers learn that it ended. */
  readonly stop: () => Promise<void>
}
