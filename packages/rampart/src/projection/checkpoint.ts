// Where a runner begins: at the stored checkpoint, provided that the log still has that place.
import { position } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import { eventId, type DocumentCollection, type EventStore, type LogPlace } from '../core/ports/index.ts'

/** Whether two places are the same one, of the same history. */
export function isSamePlace(one: LogPlace, other: LogPlace): boolean {
  return one.position === other.position && one.epoch === other.epoch && one.eventId === other.eventId
}

/**
 * The stored checkpoint, provided that the log still holds the event that it names; in the epoch of today.
 */
export async function findStart(collection: DocumentCollection, store: EventStore): Promise<LogPlace> {
  const checkpoint = await collection.checkpoint()
  const { epoch } = await store.head()
  const at = checkpoint.position
  if (at > 0 && (await eventIdAt(store, at)) !== checkpoint.eventId) {
    const message =
      `Position ${at} of ${store.log} is not the event that the read model has seen there: ` +
      'the log was replaced by an older copy. Delete the file of the read models to build them again.'
    throw new RampartError('PROJECTION_STOPPED', message)
  }
  if (epoch === checkpoint.epoch) return checkpoint
  const here = { ...checkpoint, epoch }
  await collection.commit({ from: checkpoint, to: here, documents: [] })
  return here
}

async function eventIdAt(store: EventStore, at: number): Promise<string | undefined> {
  for await (const { events } of store.readLog({ after: position(at - 1), limit: 1 })) {
    const [event] = events
    if (event !== undefined) return eventId(event)
  }
  return undefined
}
