// A bell that wakes one sleeper: what a loop waits on between hints, with a poll as the net beneath them.
import type { Runtime } from '../core/index.ts'

/** Wakes whoever waits; a ring while nobody waits is remembered for the next one. */
export interface Bell {
  readonly ring: () => void
  /** Resolves when it rings, after `waitMs`, or as soon as the signal aborts; never rejects. */
  readonly wait: (waitMs: number, signal: AbortSignal) => Promise<void>
}

/** Makes a bell for one waiting loop. */
export function createBell(runtime: Runtime): Bell {
  let rung = false
  let wake: (() => void) | undefined
  return {
    ring() {
      rung = true
      wake?.()
    },
    async wait(waitMs, signal) {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = runtime.setTimer(waitMs, resolve, { keepAlive: false })
          wake = () => {
            timer.cancel()
            resolve()
          }
          signal.addEventListener('abort', wake, { once: true })
        })
        if (wake !== undefined) signal.removeEventListener('abort', wake)
        wake = undefined
      }
      rung = false
    },
  }
}
