// Lets reads of a model take turns with everything else that the event loop has to do.
//
// A read occupies the thread until its answer is written. When many come at one moment, or wait for the same
// event, all of their documents would be in memory at once, and a health check would wait behind the last.
import type { Runtime } from '../../core/index.ts'
import type { ReadModel } from '../../projection/index.ts'

/** Resolves when its caller may occupy the thread. */
export type Turn = () => Promise<void>

/** How long reads may occupy one round of the event loop before the others wait. */
const busyMsMax = 5
/** Rounds between two reads that had to wait: in each the loop accepts no more than one connection. */
const roundsApart = 16

/** Makes turns: at once while the round is young, else one by one in the order of asking. */
export function createTurns(runtime: Runtime): Turn {
  const waiting: (() => void)[] = []
  let begunMs: number | undefined
  let roundsLeft = 0
  const nextRound = (): void => {
    if (waiting.length === 0) {
      begunMs = undefined
      return
    }
    runtime.soon(nextRound)
    if (roundsLeft-- > 0) return
    roundsLeft = roundsApart
    begunMs = runtime.elapsedMs()
    waiting.shift()?.()
  }
  return () => {
    if (begunMs === undefined) {
      begunMs = runtime.elapsedMs()
      runtime.soon(nextRound)
      return Promise.resolve()
    }
    const isYoung = waiting.length === 0 && runtime.elapsedMs() - begunMs < busyMsMax
    return isYoung ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))
  }
}

/** The same model, whose documents come in turns. Waiting for freshness takes none. */
export function inTurns(model: ReadModel, turn: Turn): ReadModel {
  return {
    ...model,
    async get(key, freshness) {
      if (freshness.waitMs === 0) await turn()
      const found = await model.get(key, freshness)
      // Whoever waited for one event wakes together; the answers are written one by one.
      if (freshness.waitMs > 0) await turn()
      return found
    },
    async list(request, freshness) {
      if (freshness.waitMs > 0) await model.list({ ...request, limit: 1 }, freshness)
      await turn()
      return model.list(request, { ...freshness, waitMs: 0 })
    },
    async changes(after, options) {
      await turn()
      return model.changes(after, options)
    },
  }
}
