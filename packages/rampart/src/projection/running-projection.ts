// What the parts of a projection runner share: where it stands, and the turns in which they change that.
import type { DocumentCollection, LogPlace, StoredDocument } from '../core/ports/index.ts'
import type { Subscription } from '../subscription/index.ts'
import type { Fold } from './fold.ts'
import type { HotDocuments } from './hot-documents.ts'
import type { ProjectionRunnerOptions, RunnerState } from './projection-runner.ts'
import type { WaitingEvents } from './quarantine.ts'
import type { Move } from './waiters.ts'

/** What was folded and is stored together with what follows at once. */
export interface Gathered {
  to: LogPlace
  readonly changed: Map<string, StoredDocument>
  /** About how many bytes the documents have. */
  weight: number
  readonly sinceMs: number
}

/** What batches, operators and the stop share. */
export interface Running {
  readonly options: ProjectionRunnerOptions
  readonly fold: Fold
  readonly collection: DocumentCollection
  readonly hot: HotDocuments
  readonly listeners: Set<(move: Move) => void>
  readonly stopping: AbortController
  state: RunnerState
  tag: string
  /** The stored checkpoint. */
  committed: LogPlace
  /** The place that the stored documents contain: beyond the checkpoint when later events touch nothing. */
  reached: LogPlace
  /** The end of the last batch that was folded; its documents may be gathered, or their commit under way. */
  folded: LogPlace
  committedAtMs: number
  gathered: Gathered | undefined
  /** The commit that is under way, and its documents. The next batch is folded meanwhile. */
  pending: Promise<void> | undefined
  pendingDocuments: ReadonlyMap<string, StoredDocument>
  /** Whether the place that is reached is stored in a moment. */
  isKeepingSoon: boolean
  /** The quarantined keys, as of the batch that was folded last. */
  waiting: WaitingEvents
  /** Ends when whoever works on the documents now has done so: batches and operators take turns. */
  turn: Promise<void>
  /** No event beyond this place is folded; the promise resolves when the limit changes. */
  limit: LogPlace | undefined
  unlimited: PromiseWithResolvers<void>
  subscription: Subscription | undefined
}

/** A move that changed no document. */
export const noKeys: Move['keys'] = new Set()

/** Lets batches and operators work on the documents one after the other. */
export async function inTurn<T>(running: Running, work: () => Promise<T>): Promise<T> {
  const before = running.turn
  const { promise, resolve } = Promise.withResolvers<void>()
  running.turn = promise
  await before
  try {
    return await work()
  } finally {
    resolve()
  }
}

/** Tells readers that the projection has moved. */
export function announce({ listeners }: Pick<Running, 'listeners'>, move: Move): void {
  for (const listener of listeners) listener(move)
}
