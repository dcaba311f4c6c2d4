// Which faults of a store pass by themselves, and how long to wait before trying again.
import { isRampartError, type ErrorCode, type Runtime } from '../core/index.ts'

const passing: readonly ErrorCode[] = [
  'LEASE_LOST',
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
  'STORE_FULL',
  'STORE_UNAVAILABLE',
]

/** True for a fault that may be gone at the next attempt, without anybody mending code or data. */
export function isPassing(error: unknown): boolean {
  return passing.some((code) => isRampartError(error, code))
}

/** Growing delays between attempts. */
export interface BackOff {
  /** The next delay: doubling from 50 ms to 5 s, a random part of it taken off so that retries spread. */
  readonly nextDelayMs: () => number
  /** Starts again from the shortest delay, after a success. */
  readonly reset: () => void
}

const delayMsMin = 50
const delayMsMax = 5000

/** Makes the delays of one loop. */
export function createBackOff(runtime: Runtime): BackOff {
  let delayMs = delayMsMin
  return {
    nextDelayMs() {
      const current = delayMs
      delayMs = Math.min(delayMs * 2, delayMsMax)
      return current * (1 - runtime.random() / 2)
    },
    reset() {
      delayMs = delayMsMin
    },
  }
}
