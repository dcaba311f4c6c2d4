// The epochs of a log on PostgreSQL, and the judgement of places by them.
import { judgePlace } from '../core/checks/index.ts'
import { position } from '../core/codec/index.ts'
import type { Epoch, EventStore } from '../core/ports/index.ts'
import type { Statement } from './database.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { numberAt, textAt } from './rows.ts'

const listEpochs: Statement = {
  name: 'list-epochs',
  text: 'SELECT epoch, fork_position FROM rampart_write.epochs WHERE log = $1 ORDER BY ordinal',
}

/** The part of an event store that is about its history. */
export function createHistory(
  store: OpenStore,
  log: OpenLog,
): Pick<EventStore, 'epochs' | 'judge' | 'beginEpoch'> {
  const { identity } = log
  const epochs = async (): Promise<readonly Epoch[]> => {
    const { query } = store.reads()
    return (log.epochs ??= (await query(listEpochs, [identity.number])).map((row) => ({
      epoch: textAt(row, 0),
      forkPosition: position(numberAt(row, 1)),
    })))
  }
  return {
    epochs,
    judge: async (place) => {
      const { events } = store.reads()
      const there = await events.placeAt(identity, place.position)
      const eventId = there.eventId === '' ? undefined : there.eventId
      return judgePlace(place, await epochs(), () => eventId)
    },
    beginEpoch: async () => {
      const epoch = store.runtime.uuid()
      await store.queue.submit<'beginEpoch'>({ kind: 'beginEpoch', log: identity.number, epoch }, 0)
      identity.epoch = epoch
      log.epochs = undefined
    },
  }
}
