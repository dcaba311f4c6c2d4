// Where a runner begins: at the stored checkpoint, provided that the log still has that place.
import { RampartError } from '../core/index.ts'
import type { DocumentCollection, EventStore, LogPlace } from '../core/ports/index.ts'

/** Whether two places are the same one, of the same history. */
export function isSamePlace(one: LogPlace, other: LogPlace): boolean {
  return one.position === other.position && one.epoch === other.epoch && one.eventId === other.eventId
}

/** The stored checkpoint, provided that the log holds it; in the epoch of today. */
export async function findStart(collection: DocumentCollection, store: EventStore): Promise<LogPlace> {
  const checkpoint = await collection.checkpoint()
  const { epoch } = await store.head()
  if ((await store.judge(checkpoint)) !== 'held') {
    const message =
      `Position ${checkpoint.position} of ${store.log} is not the event that the read model has seen: ` +
      'the log was replaced by an older copy. Start again: the documents are then derived anew.'
    throw new RampartError('PROJECTION_STOPPED', message)
  }
  if (epoch === checkpoint.epoch) return checkpoint
  const here = { ...checkpoint, epoch }
  await collection.commit({ from: checkpoint, to: here, documents: [] })
  return here
}
