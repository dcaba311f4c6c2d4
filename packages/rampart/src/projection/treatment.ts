// What an operator does about a quarantined key: try its events with the present code, apply them, or skip
// the one that fails.
//
// The document of a quarantined key stays as it was until all of its events can be folded; then it changes
// at once, at the checkpoint of that moment, so that whoever follows changes cannot have passed it.
import { position, quoted, type Position } from '../core/codec/index.ts'
import { RampartError, type Json } from '../core/index.ts'
import {
  eventId,
  type DocumentCollection,
  type EventRecord,
  type EventStore,
  type QuarantineChange,
  type QuarantinedKey,
  type QueuedEvent,
  type StoredDocument,
} from '../core/ports/index.ts'
import { applyTo, keyEvents, type Fold, type FoldFailure } from './fold.ts'
import { frozenJson } from './frozen-json.ts'
import { queuedEvent, shortened } from './quarantine.ts'

/** Try without effect, apply all queued events, or leave the failing one out and apply the rest. */
export type TreatmentAction = 'dry-run' | 'replay' | 'skip'

/** A treatment of one key. */
export interface Treatment {
  readonly key: string
  readonly action: TreatmentAction
  /** Who does it; null when nobody is known. */
  readonly actor: string | null
}

/** What came of it: the document that all queued events lead to, or the first of them that fails. */
export type TreatmentResult =
  | {
      readonly status: 'healed' | 'would-heal'
      /** How many events were applied. */
      readonly applied: number
      /** Null when there is no document, or none any more. */
      readonly document: { readonly version: number | null; readonly data: Json } | null
    }
  | {
      readonly status: 'failed'
      readonly applied: number
      readonly event: QueuedEvent
      readonly error: string
    }

/** What an operator works with. */
export interface Desk {
  readonly fold: Fold
  readonly collection: DocumentCollection
  readonly store: Pick<EventStore, 'log' | 'readLog'>
  readonly nowMs: number
  /** Where the documents stand. */
  readonly at: Position
  readonly commit: (
    changed: ReadonlyMap<string, StoredDocument>,
    quarantine: readonly QuarantineChange[],
  ) => Promise<void>
}

/** Treats one key. Throws `READ_NOT_FOUND` when it is not quarantined. */
export async function treatKey(desk: Desk, { key, action, actor }: Treatment): Promise<TreatmentResult> {
  const entry = (await desk.collection.quarantined()).find((one) => one.key === key)
  if (entry === undefined) throw notQuarantined(desk, key)
  const { failing } = entry
  const isSkipped = action === 'skip'
  const queue = (await desk.collection.queued(key)).filter(
    (event) => !isSkipped || event.position !== failing.position,
  )
  const folded = await foldQueue(desk, key, queue)
  if (action === 'dry-run') return resultOf(folded, 'would-heal')
  const skip = { change: 'skip', key, position: failing.position, actor, atMs: desk.nowMs } as const
  const before: readonly QuarantineChange[] = isSkipped ? [skip] : []
  if (folded.failure === undefined) await heal(desk, { key, folded, before })
  else await keepInQuarantine(desk, { entry, failure: folded.failure, before })
  return resultOf(folded, 'healed')
}

interface FoldedQueue {
  /** As it will be stored; `undefined` when there never was one. */
  readonly document: StoredDocument | undefined
  readonly applied: number
  readonly failure: FoldFailure | undefined
}

/** Applies the queued events over the last good document, with the present code. */
async function foldQueue(desk: Desk, key: string, queue: readonly QueuedEvent[]): Promise<FoldedQueue> {
  const { fold, collection } = desk
  let document = (await collection.load([key])).get(key)
  if (document !== undefined) frozenJson(document.data)
  let applied = 0
  for (const queued of queue) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as they happened
    const keyed = keyEvents(fold, [await readQueued(desk, queued)])
    if (keyed.failure !== undefined) return { document, applied, failure: keyed.failure }
    const [event] = keyed.events
    // Mended code may have found that the event does not concern this key.
    const next =
      event?.keys.includes(key) === true ? applyTo(fold, event, { key, held: document }) : undefined
    if (next !== undefined && 'reason' in next) return { document, applied, failure: next }
    document = next ?? document
    applied += 1
  }
  return { document, applied, failure: undefined }
}

async function readQueued({ store }: Desk, queued: QueuedEvent): Promise<EventRecord> {
  for await (const { events } of store.readLog({ after: position(queued.position - 1), limit: 1 })) {
    const [record] = events
    if (record !== undefined && eventId(record) === queued.eventId) return record
  }
  const message =
    `Position ${queued.position} of ${store.log} is not the event ${queued.eventId} that was queued: ` +
    'the log was replaced by an older copy. Rebuild the projection.'
  throw new RampartError('PROJECTION_STOPPED', message)
}

interface Healing {
  readonly key: string
  readonly folded: FoldedQueue
  readonly before: readonly QuarantineChange[]
}

async function heal(desk: Desk, { key, folded, before }: Healing): Promise<void> {
  const { document } = folded
  const changed = new Map(document === undefined ? [] : [[key, { ...document, position: desk.at }]])
  await desk.commit(changed, [...before, { change: 'heal', key }])
}

interface Failing {
  readonly entry: QuarantinedKey
  readonly failure: FoldFailure
  readonly before: readonly QuarantineChange[]
}

async function keepInQuarantine(desk: Desk, { entry, failure, before }: Failing): Promise<void> {
  const { position: at } = failure.record
  const error = shortened(failure.reason)
  const fail = { change: 'fail', key: entry.key, position: at, error, atMs: desk.nowMs } as const
  await desk.commit(new Map(), [...before, fail])
}

function resultOf(
  { document, applied, failure }: FoldedQueue,
  status: 'healed' | 'would-heal',
): TreatmentResult {
  if (failure !== undefined) {
    return {
      status: 'failed',
      applied,
      event: queuedEvent(failure.record),
      error: shortened(failure.reason),
    }
  }
  const isThere = document !== undefined && document.data !== null
  return {
    status,
    applied,
    document: isThere ? { version: document.version, data: document.data } : null,
  }
}

function notQuarantined({ fold }: Desk, key: string): RampartError {
  const message = `${fold.projection.name} has no quarantined key ${quoted(key)}. List those that it has.`
  return new RampartError('READ_NOT_FOUND', message)
}
