// Tells whether appends that wait should go as two batches or as one, by what is measured.
//
// A call costs the same once, whatever is in it: the sync of its commit, the way there and back, and the wait
// for the lock where other processes write. Two halves cost that twice. What they save is the time in which
// the server has nothing to do, because this process answers the callers of the last batch, runs them and
// writes the next. So two go while this is the longer of the two: with many callers and a quick disk, and not
// with a slow disk, a server that is far away, or many writers.
import type { Runtime } from '../core/index.ts'

/** What is known of the calls so far. */
export interface Pace {
  /** Whether so many appends gain by going as two batches, as they do already or not yet. */
  readonly isWorthwhile: (appends: number, areTwo: boolean) => boolean
  /** Notes that a call leaves; the answer notes its end, and how long the server worked on it. */
  readonly begin: (appends: number) => (workedMs: number) => void
}

// How much of the newest call counts.
const share = 1 / 8
// Two batches cost this process more than one, too, and keep more processors busy. While two are on their way
// less can be told of what a call costs, so that it takes more to go back.
const margins = { begin: 1.5, stay: 1 } as const

/** Nothing is measured yet: batches go one at a time. */
export function createPace(runtime: Pick<Runtime, 'elapsedMs'>): Pace {
  let answeredMs = Number.NEGATIVE_INFINITY
  let isAnswerNew = false
  let callMs = 0
  let appendMs: number | undefined
  let onceMs: number | undefined
  return {
    isWorthwhile(appends, areTwo) {
      if (appendMs === undefined || onceMs === undefined) return false
      return appends * appendMs > margins[areTwo ? 'stay' : 'begin'] * onceMs
    },
    begin(appends) {
      const sentMs = runtime.elapsedMs()
      // A pause in which nobody has anything to write is no work of this process.
      if (isAnswerNew) appendMs = mixed(appendMs, Math.min(sentMs - answeredMs, callMs) / appends)
      isAnswerNew = false
      return (workedMs) => {
        const nowMs = runtime.elapsedMs()
        callMs = nowMs - Math.max(sentMs, answeredMs)
        onceMs = mixed(onceMs, Math.max(0, callMs - workedMs))
        answeredMs = nowMs
        isAnswerNew = true
      }
    },
  }
}

function mixed(before: number | undefined, now: number): number {
  return before === undefined ? now : before + share * (now - before)
}
