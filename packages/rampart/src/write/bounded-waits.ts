// Waits of senders for outcomes, each with a bound, and all of them cut short when the process drains.
//
// Waits of one length run out in the order in which they began, so that one timer serves all of them. They
// stand in a chain, because they leave it at any place; one that has left keeps hold of no other.
import type { Runtime, Timer } from '../core/index.ts'

/** A wait in progress. */
interface Wait {
  readonly endsAtMs: number
  readonly runOut: () => void
  before: Wait | undefined
  after: Wait | undefined
  isOver: boolean
}

/** Waits of one length in the order of their ends; there is one at least. */
interface Row {
  readonly waitMs: number
  first: Wait | undefined
  last: Wait | undefined
  timer: Timer
}

/** Waits in progress. */
export class BoundedWaits {
  readonly #runtime: Runtime
  readonly #rows = new Map<number, Row>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** What is waited for if it comes in time, else what `late` answers. */
  within<T>(waitMs: number, awaited: Promise<T>, late: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const row = this.#rowOf(waitMs)
      const endsAtMs = this.#runtime.elapsedMs() + waitMs
      const wait = join(row, endsAtMs, () => resolve(late()))
      awaited.then(
        (value) => {
          this.#end(row, wait)
          resolve(value)
        },
        (fault: unknown) => {
          this.#end(row, wait)
          reject(fault)
        },
      )
    })
  }

  /** Leaves every wait in progress three seconds at most. */
  cutShort(): void {
    for (const row of this.#rows.values()) {
      row.timer.cancel()
      const leftMs = Math.min(row.waitMs, drainWaitMs)
      row.timer = this.#runtime.setTimer(leftMs, () => this.#runOut(row, Number.POSITIVE_INFINITY))
    }
  }

  #rowOf(waitMs: number): Row {
    const known = this.#rows.get(waitMs)
    if (known !== undefined) return known
    const timer = this.#timerOf(() => row, waitMs)
    const row: Row = { waitMs, first: undefined, last: undefined, timer }
    this.#rows.set(waitMs, row)
    return row
  }

  #timerOf(row: () => Row, delayMs: number): Timer {
    return this.#runtime.setTimer(delayMs, () => this.#runOut(row(), this.#runtime.elapsedMs()))
  }

  #end(row: Row, wait: Wait): void {
    if (wait.isOver) return
    leave(row, wait)
    if (row.first !== undefined) return
    // An idle program must not be kept running by a timer.
    row.timer.cancel()
    this.#rows.delete(row.waitMs)
  }

  #runOut(row: Row, nowMs: number): void {
    for (let wait = row.first; wait !== undefined; wait = row.first) {
      if (wait.endsAtMs > nowMs) {
        row.timer = this.#timerOf(() => row, wait.endsAtMs - nowMs)
        return
      }
      wait.runOut()
      this.#end(row, wait)
    }
  }
}

function join(row: Row, endsAtMs: number, runOut: () => void): Wait {
  const before = row.last
  const wait: Wait = { endsAtMs, runOut, before, after: undefined, isOver: false }
  if (before === undefined) row.first = wait
  else before.after = wait
  row.last = wait
  return wait
}

function leave(row: Row, wait: Wait): void {
  const { before, after } = wait
  if (before === undefined) row.first = after
  else before.after = after
  if (after === undefined) row.last = before
  else after.before = before
  wait.before = undefined
  wait.after = undefined
  wait.isOver = true
}

/** How long a wait may go on once the process drains, in milliseconds. */
const drainWaitMs = 3000
