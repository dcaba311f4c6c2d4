// Lets reads of a model take turns.
import type { ReadModel } from '../../projection/index.ts'
import type { Turn } from '../turns.ts'

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
