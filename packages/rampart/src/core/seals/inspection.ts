// How a store is inspected beside whoever writes it: adapters read whatever stands there, `rampart verify`
// judges it. Nothing is held open between two pages, so that an inspection stops no writer's housekeeping.
import type { Position } from '../identity.ts'
import type { Epoch } from '../ports/log.ts'
import type { EventRecord } from '../ports/event-record.ts'
import type { EventStore } from '../ports/event-store.ts'
import type { StoredState } from '../ports/state-store.ts'
import type { Seal, SealedEvent } from '../ports/seal-store.ts'

/** An event as it stands in the store, and its leaf. */
export interface InspectedEvent extends SealedEvent {
  readonly leaf: string
}

/** A place in a stream of events, as the store's index of streams has it. */
export interface InspectedVersion extends Pick<EventRecord, 'decider' | 'streamId' | 'version' | 'position'> {
  readonly log: string
  /** False when its stream belongs to another log. */
  readonly isOwn: boolean
}

/** A state that is stored beside events. */
export interface InspectedState extends StoredState, Pick<EventRecord, 'decider' | 'streamId'> {}

/** An epoch as it stands in the store. */
export interface InspectedEpoch extends Epoch {
  /** Its place in the history, from 1. */
  readonly ordinal: number
}

/** A log up to the place that it had reached when the inspection began. */
export interface LogInspection extends Pick<EventStore, 'log' | 'readLog' | 'readToFold' | 'readStream'> {
  /** Its epochs in order of their ordinals. */
  readonly epochs: readonly InspectedEpoch[]
  readonly head: Position
  /** How many seals it had; false for a store of an older version, which has none. */
  readonly sealed: number | false
  /** Its events in order of position; positions are those that stand there. */
  readonly events: () => AsyncIterable<readonly InspectedEvent[]>
  /** Its seals in order of their numbers. */
  readonly seals: () => AsyncIterable<Seal>
  /** The states of its streams. */
  readonly states: () => AsyncIterable<readonly InspectedState[]>
}

/** Ids that must differ, kept on disk beyond a bounded number. */
export interface IdSet extends Disposable {
  /** False when it was there. */
  readonly add: (id: string) => boolean
}

/** A tag on which an event and the index of tags do not agree. */
export interface InspectedTag {
  readonly log: string
  readonly position: number
  readonly tag: string
  /** True when only the index has it, false when only the event does. */
  readonly isIndexed: boolean
}

/** Something that is wrong with files, tables, rights or the places of rows, in words. */
export interface Damage {
  readonly code:
    | 'FILE_UNREADABLE'
    | 'FILE_DAMAGED'
    | 'SCHEMA_CHANGED'
    | 'SCHEMA_NEWER'
    | 'RIGHTS_CHANGED'
    | 'ROW_MISPLACED'
  readonly what: string
}

/** What is wrong with files and tables. */
export interface Damages {
  readonly found: readonly Damage[]
  /** What could not be looked at, and why; null when all was. */
  readonly leftOut: string | null
}

/**
 * What it means that a store could not be looked at: it is damaged; this user may not; it is away, which says
 * nothing of what stands there; or something else.
 */
export type FailedLook =
  | { readonly kind: 'damage'; readonly damage: Damage }
  | { readonly kind: 'barred'; readonly what: string }
  | { readonly kind: 'away' }
  | { readonly kind: 'other' }

/** A store that is inspected. */
export interface StoreInspection extends AsyncDisposable {
  readonly logs: readonly LogInspection[]
  /** What is wrong with the files or the tables themselves. */
  readonly damages: () => Promise<Damages>
  /** The versions of all streams in order of stream and version, up to the heads of their logs. */
  readonly versions: () => AsyncIterable<readonly InspectedVersion[]>
  /** Tags that stand in an event or in the index of tags only. */
  readonly misplacedTags: () => AsyncIterable<readonly InspectedTag[]>
}
