// A read model as others see it: documents, listings and changes, as fresh as the reader demands.
import type { ConsistencyToken, Position, StreamVersion } from '../core/codec/index.ts'
import type { Json, Projection } from '../core/index.ts'
import type {
  ChangeCursor,
  DocumentCollection,
  LogKey,
  LogPlace,
  QuarantinedKey,
  QueuedEvent,
  StoredDocument,
} from '../core/ports/index.ts'
import type { Rebuild } from './rebuild.ts'
import type { Treatment, TreatmentResult } from './treatment.ts'

/** How fresh a read must be, and how long it waits for that. */
export interface Freshness {
  /** The read model must contain what this token has seen of its log. */
  readonly token?: ConsistencyToken
  /** The document must have this version; for models with a document per stream only. */
  readonly version?: StreamVersion
  /** Longest wait in milliseconds; 0 answers at once. */
  readonly waitMs: number
  readonly signal?: AbortSignal
}

/** A document that exists, and the place up to which the read model contains the log. */
export interface ReadDocument {
  readonly key: string
  /** The stream's version; null for models that gather several streams. */
  readonly version: number | null
  readonly position: Position
  readonly data: Json
  /** Said of a listed document whose key is quarantined: it lacks the events that wait. */
  readonly quarantined?: true
}

/** A listing request. */
export interface ListRequest {
  readonly where: readonly { readonly index: string; readonly value: string }[]
  readonly search: string | null
  readonly afterKey: string | null
  readonly limit: number
}

/** How far a projection is behind its log. */
export interface Lag {
  readonly events: number
  /** Age of the oldest event that is not contained; 0 when none is missing. */
  readonly seconds: number
}

/** Keys that stand still because one of their events could not be folded. */
export interface Quarantine {
  readonly count: () => number
  readonly list: () => Promise<readonly QuarantinedKey[]>
  /** What waits for one key, with its last good document. Throws `READ_NOT_FOUND` for other keys. */
  readonly show: (key: string) => Promise<{
    readonly entry: QuarantinedKey
    readonly queued: readonly QueuedEvent[]
    readonly document: StoredDocument | undefined
  }>
  /** The events that were skipped last, newest first. */
  readonly skipped: DocumentCollection['skipped']
  readonly treat: (treatment: Treatment) => Promise<TreatmentResult>
}

/**
 * The readable side of one projection. Reads throw `PROJECTION_STOPPED`, `KEY_QUARANTINED` (of one document),
 * `TOKEN_INVALID` (a token from a lost future), `INPUT_INVALID` (a version demanded of a model without
 * versions, an unknown index), `OVERLOADED` (too many waiting readers), `SHUTTING_DOWN`, or
 * `READ_MODEL_BEHIND` (with `details.version` or `details.place`) when the wait ran out.
 */
export interface ReadModel {
  readonly projection: Projection
  readonly log: LogKey
  readonly get: (
    key: string,
    freshness: Freshness,
  ) => Promise<{
    readonly document: ReadDocument | undefined
    readonly place: LogPlace
    readonly tag: string
  }>
  readonly list: (
    request: ListRequest,
    freshness: Freshness,
  ) => Promise<{
    readonly documents: readonly ReadDocument[]
    readonly more: boolean
    readonly place: LogPlace
  }>
  /** Documents changed after a cursor, deleted ones too (`data` null), each once in its latest state. */
  readonly changes: (
    after: ChangeCursor,
    options: { readonly limit: number; readonly bytesMax: number; readonly key?: string },
  ) => Promise<{
    readonly documents: readonly StoredDocument[]
    readonly place: LogPlace
    /** How many keys were healed: when it grows, documents at the cursor's own position may have changed. */
    readonly healed: number
    readonly tag: string
  }>
  /**
   * Resolves when the read model, or what has the key, may have moved beyond `after`, or after a second;
   * rejects when aborted.
   */
  readonly moved: (after: Position, signal: AbortSignal, key?: string) => Promise<void>
  /** Whether a place that a reader remembers is of the log's history. */
  readonly holds: (place: LogPlace) => Promise<boolean>
  /** Names what is being read: it changes when documents are replaced by others that may differ. */
  readonly tag: () => string
  readonly quarantine: Quarantine
  /** Builds beside the live documents; absent where nothing operates them. */
  readonly rebuild?: Rebuild
  readonly lag: () => Promise<Lag>
  /** Why the projection stopped; `undefined` while it runs. */
  readonly stopped: () => string | undefined
  /** Why the documents of an older version stay live; `undefined` unless building today's has stopped. */
  readonly upgradeStopped: () => string | undefined
  /** Why its documents had to go, as long as they are derived anew. */
  readonly beginsAnew: () => string | undefined
}
