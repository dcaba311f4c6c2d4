// Lets what occupies the thread for long take turns with everything else that the event loop has to do.
//
// A read occupies it until its answer is written, and a large body until it is parsed and checked. When many
// come at one moment, or wait for the same event, all that they make would be in memory at once, and a health
// check would wait behind the last.
import type { Runtime } from '../core/index.ts'

/** Resolves when its caller may occupy the thread. */
export type Turn = () => Promise<void>

/** How long they may occupy one round of the event loop before the others wait. */
const busyMsMax = 5
/** One request may ask for more than one turn. */
const atOnceMax = 4
/** Rounds between two that had to wait: in each the loop accepts no more than one connection. */
const roundsApart = 16

/** Makes turns: at once while the round is young, else one by one in the order of asking. */
export function createTurns(runtime: Runtime): Turn {
  const waiting: (() => void)[] = []
  let begunMs: number | undefined
  let isYoung = false
  let atOnceLeft = 0
  let roundsLeft = 0
  const nextRound = (): void => {
    if (waiting.length === 0) {
      begunMs = undefined
      return
    }
    isYoung = false
    runtime.soon(nextRound)
    if (roundsLeft-- > 0) return
    roundsLeft = roundsApart
    waiting.shift()?.()
  }
  // Hundreds may ask before the first of them has begun. So the next one is let in after what the last one
  // did at once, whose time is counted then.
  const letInWhileYoung = (): void => {
    isYoung &&= begunMs !== undefined && runtime.elapsedMs() - begunMs < busyMsMax
    if (!isYoung) return
    waiting.shift()?.()
    if (waiting.length > 0) queueMicrotask(letInWhileYoung)
  }
  return () => {
    if (begunMs === undefined) {
      begunMs = runtime.elapsedMs()
      isYoung = true
      atOnceLeft = atOnceMax
      runtime.soon(nextRound)
    }
    if (isYoung && atOnceLeft-- > 0) return Promise.resolve()
    if (isYoung && waiting.length === 0) queueMicrotask(letInWhileYoung)
    return new Promise((resolve) => waiting.push(resolve))
  }
}
