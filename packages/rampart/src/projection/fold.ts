// The pure part of a projection runner: events of a batch folded into documents, each key by itself.
//
// A key whose handler fails is put into quarantine: its document stays as it was, and from this event on
// its events queue up. An event for which no key can be told ends the fold.
import {
  decodeEvent,
  idFault,
  quoted,
  position,
  type AnyEvents,
  type FoldRecord,
} from '../core/codec/index.ts'
import type { Json, Projection, Recorded } from '../core/index.ts'
import type { EventRecord, StoredDocument } from '../core/ports/index.ts'
import type { Intake } from './quarantine.ts'
import { frozenJson } from './frozen-json.ts'

/** An event as it is read from the log, or again for an operator. */
export type FoldedRecord = EventRecord | FoldRecord

/** A projection, prepared for folding. */
export interface Fold {
  readonly projection: Projection
  readonly sourceOf: ReadonlyMap<string, AnyEvents>
  readonly handlerOf: ReadonlyMap<string, Projection['on'][string]>
  readonly initial: Json
}

/** An event of today's shape with the keys of the documents that it touches. */
export interface KeyedEvent {
  readonly record: FoldedRecord
  readonly event: Recorded
  readonly keys: readonly string[]
}

/** The event at which folding ended, and why in words. */
export interface FoldFailure {
  readonly record: FoldedRecord
  readonly reason: string
  readonly cause: unknown
}

/** Events with their keys, up to the first for which none can be told. */
export interface KeyedBatch {
  readonly events: readonly KeyedEvent[]
  readonly failure: FoldFailure | undefined
}

/** What a fold changed: documents by key, and the failure that ended it. */
export interface FoldedBatch {
  readonly changed: ReadonlyMap<string, StoredDocument>
  readonly failure: FoldFailure | undefined
}

/** What a batch is folded over. */
export interface FoldedOver {
  readonly before: ReadonlyMap<string, StoredDocument>
  /** Takes the events of quarantined keys, and keys whose handler fails. */
  readonly intake: Intake
}

/**
 * Prepares a projection. Types are kept in maps, because `constructor` and its like are fine names for
 * events.
 */
export function createFold(projection: Projection): Fold {
  const sources = projection.sources.flatMap((source) =>
    Object.keys(source.definitions).map((type) => [type, source] as const),
  )
  const initial = frozenJson(structuredClone(projection.initial))
  return {
    projection,
    sourceOf: new Map(sources),
    handlerOf: new Map(Object.entries(projection.on)),
    initial,
  }
}

/** Decodes records and asks for their keys. */
export function keyEvents(fold: Fold, records: readonly FoldedRecord[]): KeyedBatch {
  const events: KeyedEvent[] = []
  for (const record of records) {
    try {
      const keyed = keyEvent(fold, record)
      if (keyed !== undefined) events.push(keyed)
    } catch (cause) {
      return { events, failure: failureAt(record, cause) }
    }
  }
  return { events, failure: undefined }
}

function keyEvent(fold: Fold, record: FoldedRecord): KeyedEvent | undefined {
  const source = fold.sourceOf.get(record.type)
  if (source === undefined) return undefined
  const event = decodeEvent(source, record)
  return { record, event, keys: keysOf(fold, event) }
}

/** The keys of the documents that an event touches. Throws a `TypeError` for what cannot be a key. */
export function keysOf(fold: Fold, event: Recorded): readonly string[] {
  const keys = fold.projection.keysOf(event)
  for (const key of keys) {
    // Keys come from the application's code, which may have been written without types.
    if (typeof key !== 'string') throw new TypeError(`a key is no text but a ${typeof key}`)
    const fault = idFault(key)
    if (fault !== undefined) throw new TypeError(`the key ${quoted(key)} ${fault}`)
  }
  // Several handlers get the same event, and none may change it for the others.
  if (keys.length > 1) frozenJson(event.data)
  return keys
}

/**
 * Folds a batch over the documents that stood before it. It ends at an event for which no key can be told,
 * and at the first one after the quarantine became overfull; that event changes nothing, all before it count.
 */
export function foldEvents(
  fold: Fold,
  { events, failure }: KeyedBatch,
  { before, intake }: FoldedOver,
): FoldedBatch {
  const changed = new Map<string, StoredDocument>()
  const find = (key: string): StoredDocument | undefined => changed.get(key) ?? before.get(key)
  for (const keyed of events) {
    if (intake.isOverfull()) return { changed, failure: overfullAt(keyed.record) }
    for (const key of keyed.keys) {
      const next = intake.has(key)
        ? intake.queue(key, keyed.record)
        : applyTo(fold, keyed, { key, held: find(key) })
      if (next === undefined) continue
      if ('reason' in next) intake.fail(key, next)
      else changed.set(key, next)
    }
  }
  return { changed, failure }
}

/** The document under `key` after an event, or why there is none; `undefined` when it stays as it is. */
export function applyTo(
  fold: Fold,
  { record, event }: KeyedEvent,
  target: Target,
): StoredDocument | FoldFailure | undefined {
  try {
    return applyEvent(fold, event, target)
  } catch (cause) {
    return failureAt(record, cause, target.key)
  }
}

/** A document that an event touches, by its key, and what it is before. */
interface Target {
  readonly key: string
  readonly held: StoredDocument | undefined
}

/** The document after an event; `undefined` when it stays as it is. */
function applyEvent(fold: Fold, event: Recorded, { key, held }: Target): StoredDocument | undefined {
  const after = documentAfter(fold, event, { key, data: held?.data ?? null })
  if (after === undefined) return undefined
  // Nothing but the version may be new. A stream that has no document yet is known by its version alone.
  const at = after.isChanged ? undefined : held?.position
  return { key, version: after.version, position: at ?? position(event.position), data: after.data }
}

/** A document after an event, wherever the event stands in its log. */
interface DocumentAfter {
  readonly version: number | null
  readonly data: Json
  /** False when nothing but the version is new. */
  readonly isChanged: boolean
}

/** The document after an event; `undefined` when it stays as it is. Throws what its handler throws. */
export function documentAfter(
  fold: Fold,
  event: Recorded,
  { key, data }: { readonly key: string; readonly data: Json },
): DocumentAfter | undefined {
  const { perStream } = fold.projection
  const handler = fold.handlerOf.get(event.type)
  if (handler === undefined && !perStream) return undefined
  const next = handler === undefined ? data : handler(data ?? fold.initial, event, key)
  if (next === undefined)
    throw new TypeError('the handler returned nothing; return a document, or null to delete it')
  const version = perStream ? event.version : null
  if (next !== data) return { version, data: frozenJson(next), isChanged: true }
  return perStream ? { version, data, isChanged: false } : undefined
}

function overfullAt(record: FoldedRecord): FoldFailure {
  const cause = new Error('more keys or events are quarantined than may be, see `rampart quarantine list`')
  return failureAt(record, cause)
}

function failureAt(record: FoldedRecord, cause: unknown, key?: string): FoldFailure {
  const { type, decider, streamId, version } = record
  const where = `${type} at position ${record.position} (${decider} ${quoted(streamId)}, version ${version})`
  const into = key === undefined ? '' : ` into document ${quoted(key)}`
  const message = cause instanceof Error ? cause.message : String(cause)
  return { record, cause, reason: `${where} could not be folded${into}: ${message}` }
}
