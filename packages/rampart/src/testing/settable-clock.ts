// A runtime whose wall clock stands still until it is set: for rules about time that must not wait for it.
import { systemRuntime, type Runtime } from '../core/index.ts'

/** A wall clock that only moves when told. */
export interface SettableClock {
  /** The machine's runtime but for its wall clock. */
  readonly runtime: Runtime
  readonly set: (nowMs: number) => void
}

/** Creates a clock that stands at a time; 1 January 2026 unless said. */
export function settableClock(startMs: number = Date.UTC(2026, 0, 1)): SettableClock {
  let nowMs = startMs
  return {
    runtime: { ...systemRuntime, nowMs: () => nowMs },
    set: (next) => {
      nowMs = next
    },
  }
}
