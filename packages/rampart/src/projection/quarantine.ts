// Which keys of a projection are quarantined, as its runner must know while it folds; bounded in keys and
// events.
import {
  eventId,
  type DocumentCollection,
  type QuarantineChange,
  type QueuedEvent,
} from '../core/ports/index.ts'
import type { FoldRecord } from '../core/codec/index.ts'

/** An event without what it says. */
type EventHead = Omit<FoldRecord, 'text'>

/** How much a projection sets aside before it stops as a whole. */
export interface QuarantineBounds {
  readonly keysMax: number
  readonly eventsMax: number
}

/** The bounds unless others are given. */
export const quarantineBounds: QuarantineBounds = { keysMax: 1000, eventsMax: 10_000 }

const errorLengthMax = 2048

/** How many events wait for each quarantined key. */
export type WaitingEvents = ReadonlyMap<string, number>

/** What a batch adds to the quarantine. */
export interface Intake {
  readonly has: (key: string) => boolean
  /** True once a bound is overstepped; what overstepped it is set aside all the same. */
  readonly isOverfull: () => boolean
  readonly queue: (key: string, record: EventHead) => undefined
  readonly fail: (key: string, failure: { readonly record: EventHead; readonly reason: string }) => void
  readonly changes: () => readonly QuarantineChange[]
  readonly waiting: () => WaitingEvents
}

/** Begins the intake of a batch; what stood before is left as it is until the batch is stored. */
export function createIntake(before: WaitingEvents, nowMs: number, bounds: QuarantineBounds): Intake {
  let waiting = before
  let total = totalOf(before)
  const changes: QuarantineChange[] = []
  const queue = (key: string, record: EventHead): undefined => {
    // Most batches quarantine nothing, and need no map of their own.
    if (waiting === before) waiting = new Map(before)
    const own = waiting as Map<string, number>
    own.set(key, (own.get(key) ?? 0) + 1)
    total += 1
    changes.push({ change: 'queue', key, event: queuedEvent(record) })
  }
  return {
    has: (key) => waiting.has(key),
    isOverfull: () => isBeyond(bounds, waiting.size, total),
    queue,
    fail(key, { record, reason }) {
      queue(key, record)
      changes.push({ change: 'fail', key, position: record.position, error: shortened(reason), atMs: nowMs })
    },
    changes: () => changes,
    waiting: () => waiting,
  }
}

/** An event by its place. */
export function queuedEvent(record: EventHead): QueuedEvent {
  return { position: record.position, eventId: eventId(record), type: record.type }
}

/** What is stored of the quarantine. */
export async function loadWaiting(collection: DocumentCollection): Promise<WaitingEvents> {
  return new Map((await collection.quarantined()).map(({ key, queued }) => [key, queued]))
}

/** True when more is set aside than may be. */
export function isOverfull(waiting: WaitingEvents, bounds: QuarantineBounds = quarantineBounds): boolean {
  return isBeyond(bounds, waiting.size, totalOf(waiting))
}

function isBeyond({ keysMax, eventsMax }: QuarantineBounds, keys: number, events: number): boolean {
  return keys > keysMax || events > eventsMax
}

/** How many events wait for all keys together. */
export function totalOf(waiting: WaitingEvents): number {
  let total = 0
  for (const count of waiting.values()) total += count
  return total
}

/** An error as it is stored and shown. */
export function shortened(reason: string): string {
  return reason.length <= errorLengthMax ? reason : `${reason.slice(0, errorLengthMax).toWellFormed()}…`
}
