// Waits of senders for outcomes, each with a bound, and all of them cut short when the process drains.
//
// Waits of one length run out in the order in which they began, so that one timer serves all of them. They
// stand in a chain, because they leave it at any place; one that has left keeps hold of no other.
import { RampartError, type Runtime, type Timer } from '../core/index.ts'

/** Who is told what was waited for, by calls of its own methods. */
export interface Hearer<Value> {
  resolve(value: Value): void
  reject(fault: unknown): void
}

/** Something to wait for, which tells a hearer in the turn in which it comes. */
export interface Awaited<Value> {
  readonly tell: (hearer: Hearer<Value>) => void
}

/** What a wait comes to without what it was for. */
export interface WaitEnds<Subject, Value> {
  /** What is answered when the time runs out; it has a bound of its own. */
  readonly late: (subject: Subject) => Promise<Value>
  /** What is waited for in its place when it fails; `undefined` when the fault is the answer. */
  readonly failed: (subject: Subject, fault: unknown) => Promise<Value> | undefined
}

/** Waits in progress. */
export class BoundedWaits<Subject, Value> {
  readonly #runtime: Runtime
  readonly #ends: WaitEnds<Subject, Value>
  readonly #rows = new Map<number, Row<Subject, Value>>()

  constructor(runtime: Runtime, ends: WaitEnds<Subject, Value>) {
    this.#runtime = runtime
    this.#ends = ends
  }

  /** What is waited for if it comes in time. */
  within(waitMs: number, subject: Subject, awaited: Awaited<Value>): Promise<Value> {
    const told = Promise.withResolvers<Value>()
    awaited.tell(new Wait(this.#rowOf(waitMs), subject, told))
    return told.promise
  }

  /** What `work` comes to. Rejects with `OUTCOME_UNKNOWN` when the store has not answered for ten seconds. */
  answered(work: Promise<Value>): Promise<Value> {
    return answered(this.#runtime, work)
  }

  /** Leaves every wait in progress three seconds at most. */
  cutShort(): void {
    for (const row of this.#rows.values()) row.cutShort()
  }

  #rowOf(waitMs: number): Row<Subject, Value> {
    const known = this.#rows.get(waitMs)
    if (known !== undefined) return known
    const onEmpty = (): void => void this.#rows.delete(waitMs)
    const row = new Row({ waitMs, runtime: this.#runtime, ends: this.#ends, onEmpty })
    this.#rows.set(waitMs, row)
    return row
  }
}

/** A wait in progress. */
class Wait<Subject, Value> implements Hearer<Value> {
  readonly endsAtMs: number
  before: Wait<Subject, Value> | undefined
  after: Wait<Subject, Value> | undefined
  isOver = false
  readonly #row: Row<Subject, Value>
  readonly #subject: Subject
  readonly #told: PromiseWithResolvers<Value>

  constructor(row: Row<Subject, Value>, subject: Subject, told: PromiseWithResolvers<Value>) {
    this.#row = row
    this.#subject = subject
    this.#told = told
    this.endsAtMs = row.join(this)
  }

  resolve(value: Value): void {
    this.#row.leave(this)
    this.#told.resolve(value)
  }

  reject(fault: unknown): void {
    const instead = this.#row.ends.failed(this.#subject, fault)
    if (instead === undefined) this.#fail(fault)
    else
      instead.then(
        (value) => this.resolve(value),
        (again: unknown) => this.#fail(again),
      )
  }

  runOut(): void {
    this.#told.resolve(this.#row.late(this.#subject))
  }

  #fail(fault: unknown): void {
    this.#row.leave(this)
    this.#told.reject(fault)
  }
}

interface RowOptions<Subject, Value> {
  readonly waitMs: number
  readonly runtime: Runtime
  readonly ends: WaitEnds<Subject, Value>
  readonly onEmpty: () => void
}

/** Waits of one length in the order of their ends, from the first that joins until none is left. */
class Row<Subject, Value> {
  readonly ends: WaitEnds<Subject, Value>
  readonly #waitMs: number
  readonly #runtime: Runtime
  readonly #onEmpty: () => void
  #first: Wait<Subject, Value> | undefined
  #last: Wait<Subject, Value> | undefined
  #timer: Timer

  constructor({ waitMs, runtime, ends, onEmpty }: RowOptions<Subject, Value>) {
    this.ends = ends
    this.#waitMs = waitMs
    this.#runtime = runtime
    this.#onEmpty = onEmpty
    this.#timer = this.#timerOf(waitMs)
  }

  /** Takes a wait as the last, and says when it ends. */
  join(wait: Wait<Subject, Value>): number {
    wait.before = this.#last
    if (this.#last === undefined) this.#first = wait
    else this.#last.after = wait
    this.#last = wait
    return this.#runtime.elapsedMs() + this.#waitMs
  }

  /** Lets a wait go; without effect once it has gone. */
  leave(wait: Wait<Subject, Value>): void {
    if (wait.isOver) return
    const { before, after } = wait
    if (before === undefined) this.#first = after
    else before.after = after
    if (after === undefined) this.#last = before
    else after.before = before
    wait.before = undefined
    wait.after = undefined
    wait.isOver = true
    if (this.#first !== undefined) return
    // An idle program must not be kept running by a timer.
    this.#timer.cancel()
    this.#onEmpty()
  }

  late(subject: Subject): Promise<Value> {
    return answered(this.#runtime, this.ends.late(subject))
  }

  cutShort(): void {
    this.#timer.cancel()
    const leftMs = Math.min(this.#waitMs, drainWaitMs)
    this.#timer = this.#runtime.setTimer(leftMs, () => this.#runOut(Number.POSITIVE_INFINITY))
  }

  #timerOf(delayMs: number): Timer {
    return this.#runtime.setTimer(delayMs, () => this.#runOut(this.#runtime.elapsedMs()))
  }

  #runOut(nowMs: number): void {
    for (let wait = this.#first; wait !== undefined; wait = this.#first) {
      if (wait.endsAtMs > nowMs) {
        this.#timer = this.#timerOf(wait.endsAtMs - nowMs)
        return
      }
      wait.runOut()
      this.leave(wait)
    }
  }
}

const answerMs = 10_000

// A connection on which nothing comes any more is given up much later.
function answered<Value>(runtime: Runtime, work: Promise<Value>): Promise<Value> {
  const { promise, resolve, reject } = Promise.withResolvers<Value>()
  const timer = runtime.setTimer(answerMs, () => {
    const message = 'The store does not answer, and may have recorded this. Send it again with the same key.'
    reject(new RampartError('OUTCOME_UNKNOWN', message, { effect: 'unknown' }))
  })
  work.then(resolve, reject).finally(() => timer.cancel())
  return promise
}

/** How long a wait may go on once the process drains, in milliseconds. */
const drainWaitMs = 3000
