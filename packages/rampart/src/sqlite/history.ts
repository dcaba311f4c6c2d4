// The epochs of a log on SQLite, and the judgement of places by them.
import { judgePlace } from '../core/checks/index.ts'
import type { Epoch, EventStore } from '../core/ports/index.ts'
import type { OpenLog, OpenStore } from './open-store.ts'

/** The part of an event store that is about its history. */
export function createHistory(
  store: OpenStore,
  log: OpenLog,
): Pick<EventStore, 'epochs' | 'judge' | 'beginEpoch'> {
  const { identity } = log
  const epochs = (): readonly Epoch[] => {
    const { epochs: read } = store.reads()
    return (log.epochs ??= read(identity))
  }
  return {
    epochs: async () => epochs(),
    judge: async (place) => {
      const { events } = store.reads()
      return judgePlace(place, epochs(), (at) => {
        // What was recorded once stays what it is.
        const known = log.eventIds.get(at)
        if (known !== undefined) return known
        const id = events.eventIdAt(identity, at)
        if (id !== undefined) log.eventIds.set(at, id)
        return id
      })
    },
    beginEpoch: async () => {
      const epoch = store.runtime.uuid()
      await store.queue.submit<'beginEpoch'>({ kind: 'beginEpoch', log: identity.number, epoch }, 0)
      identity.epoch = epoch
      log.epochs = undefined
    },
  }
}
