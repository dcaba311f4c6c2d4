// Waits of senders for outcomes, each with a bound, and all of them cut short when the process drains.
//
// Waits of one length run out in the order in which they began, so that one timer serves all of them. They
// stand in a chain, because they leave it at any place; one that has left keeps hold of no other.
import type { Runtime, Timer } from '../core/index.ts'

/** Who is told what was waited for. */
export interface Hearer<Value> {
  readonly resolve: (value: Value) => void
  readonly reject: (fault: unknown) => void
}

/** Something to wait for, which tells a hearer in the turn in which it comes. */
export interface Awaited<Value> {
  readonly tell: (hearer: Hearer<Value>) => void
}

/** What a wait comes to without what it was for. */
export interface WaitEnds<Subject, Value> {
  /** What is answered when the time runs out. */
  readonly late: (subject: Subject) => Promise<Value>
  /** What is waited for in its place when it fails; `undefined` when the fault is the answer. */
  readonly failed: (subject: Subject, fault: unknown) => Promise<Value> | undefined
}

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
export class BoundedWaits<Subject, Value> {
  readonly #runtime: Runtime
  readonly #ends: WaitEnds<Subject, Value>
  readonly #rows = new Map<number, Row>()

  constructor(runtime: Runtime, ends: WaitEnds<Subject, Value>) {
    this.#runtime = runtime
    this.#ends = ends
  }

  /** What is waited for if it comes in time. */
  within(waitMs: number, subject: Subject, awaited: Awaited<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const row = this.#rowOf(waitMs)
      const endsAtMs = this.#runtime.elapsedMs() + waitMs
      const wait = join(row, endsAtMs, () => resolve(this.#ends.late(subject)))
      const onValue = (value: Value): void => {
        this.#end(row, wait)
        resolve(value)
      }
      const onFault = (fault: unknown): void => {
        this.#end(row, wait)
        reject(fault)
      }
      awaited.tell({
        resolve: onValue,
        reject: (fault) => {
          const instead = this.#ends.failed(subject, fault)
          if (instead === undefined) onFault(fault)
          else instead.then(onValue, onFault)
        },
      })
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
