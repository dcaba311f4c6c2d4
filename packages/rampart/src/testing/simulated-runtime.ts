// A runtime in which time passes only when told, and everything random comes from one seed: one seed, one
// run.
import { systemRuntime, type Runtime, type Timer } from '../core/index.ts'

/** Time, timers, ids and randomness under control. */
export interface SimulatedRuntime extends Runtime {
  readonly seed: number
  /** Lets so much time pass, firing timers in the order of their time, each followed by what it sets off. */
  readonly advance: (elapsedMs: number) => Promise<void>
  /** Moves the wall clock alone, as an operator or a time server might. */
  readonly stepClock: (byMs: number) => void
  /** A whole number from 0 to below `bound`. */
  readonly below: (bound: number) => number
}

interface Pending {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/** Creates a simulated runtime; the wall clock starts on 1 January 2026. */
export function simulatedRuntime(seed: number): SimulatedRuntime {
  const random = mulberry32(seed)
  const timers = new Timers()
  let clockMs = Date.UTC(2026, 0, 1)
  const below = (bound: number): number => Math.floor(random() * bound)
  const nowMs = (): number => Math.floor(clockMs + timers.elapsedMs)
  return {
    seed,
    nowMs,
    elapsedMs: () => timers.elapsedMs,
    setTimer: (delayMs, callback) => timers.set(delayMs, callback),
    soon: systemRuntime.soon,
    uuid: () => uuidFrom(below, nowMs()),
    random,
    below,
    advance: (byMs) => timers.advance(byMs),
    stepClock(byMs) {
      clockMs += byMs
    },
  }
}

/** Timers that fire when their time is let pass. */
class Timers {
  elapsedMs = 0
  readonly #pending = new Set<Pending>()
  #order = 0

  set(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.elapsedMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#pending.add(timer)
    return { cancel: () => void this.#pending.delete(timer) }
  }

  async advance(byMs: number): Promise<void> {
    const untilMs = this.elapsedMs + byMs
    await settle()
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#pending.delete(timer)
      this.elapsedMs = Math.max(this.elapsedMs, timer.dueMs)
      timer.callback()
      // oxlint-disable-next-line no-await-in-loop -- what a timer sets off comes before the next timer
      await settle()
    }
    this.elapsedMs = untilMs
  }

  #next(untilMs: number): Pending | undefined {
    const due = [...this.#pending].filter(({ dueMs }) => dueMs <= untilMs)
    return due.toSorted((one, other) => one.dueMs - other.dueMs || one.order - other.order)[0]
  }
}

/** Lets everything that is ready run: promises, and macrotasks that they start, a few generations deep. */
async function settle(): Promise<void> {
  for (let generation = 0; generation < settleGenerations; generation++) {
    // oxlint-disable-next-line no-await-in-loop -- each generation may start the next one
    await macrotask()
  }
}

const settleGenerations = 8

/** Resolves once everything that is ready now has run; takes no time that anybody could measure here. */
function macrotask(): Promise<void> {
  return new Promise((resolve) => systemRuntime.soon(resolve))
}

/** A small generator with 32 bits of state: mulberry32 by Tommy Ettinger, public domain. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function uuidFrom(below: (bound: number) => number, unixMs: number): string {
  const time = unixMs.toString(16).padStart(12, '0')
  const hex = (digits: number): string =>
    Array.from({ length: digits }, () => below(16).toString(16)).join('')
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-7${hex(3)}-8${hex(3)}-${hex(12)}`
}
