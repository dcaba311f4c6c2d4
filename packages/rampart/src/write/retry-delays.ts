// How long the inbox worker waits before it takes up a command again.
import type { Runtime } from '../core/index.ts'
import type { FaultKind } from './inbox-faults.ts'

interface Bounds {
  readonly retryFirstMs: number
  readonly retryMaxMs: number
}

/** Delays that double with the attempts of a command, or grow with the trouble of its store. */
export class RetryDelays {
  readonly #runtime: Runtime
  readonly #bounds: Bounds
  #trouble: { readonly sinceMs: number; readonly lastMs: number } | undefined

  constructor(runtime: Runtime, bounds: Bounds) {
    this.#runtime = runtime
    this.#bounds = bounds
  }

  /** The delay after a fault of a kind; after a failure of its own, by the attempts so far. */
  delayMs(kind: FaultKind, attempts: number): number {
    const { retryFirstMs, retryMaxMs } = this.#bounds
    if (kind === 'failure') return Math.min(retryFirstMs * 2 ** Math.min(attempts - 1, 20), retryMaxMs)
    // Those before it in its stream keep it back for longer where they have to.
    if (kind !== 'trouble') return retryFirstMs
    return Math.min(Math.max(this.#troubleMs(), retryFirstMs), retryMaxMs)
  }

  /** For how long there has been trouble, so that the pauses in it double. */
  #troubleMs(): number {
    const lastMs = this.#runtime.elapsedMs()
    const { sinceMs, lastMs: beforeMs } = this.#trouble ?? { sinceMs: lastMs, lastMs }
    // A pause that brought no more of it has ended it.
    const isOver = lastMs - beforeMs > 2 * this.#bounds.retryMaxMs
    this.#trouble = { sinceMs: isOver ? lastMs : sinceMs, lastMs }
    return lastMs - this.#trouble.sinceMs
  }
}
