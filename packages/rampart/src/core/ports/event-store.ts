// The event store port: what an adapter must do and promise, and what everything that writes or follows
// events uses.
//
// Promises, each proved by the rules of the same number in the conformance suite:
//
// ES-1  An append is all or nothing, and neighbours in one batch are independent: an append that conflicts,
//       repeats or carries bad data changes nothing of the others.
// ES-2  Versions of a stream are 1, 2, 3 …; two appends to one stream in one batch chain.
// ES-3  A stale expected version appends nothing and answers with the actual one. Writes without events are
//       checked as well, so that a refusal decided on an old state cannot be recorded. A write that builds
//       on another append conflicts unless that very append made the stream's last event.
// ES-4  Of N concurrent appends that expect one version, exactly one wins.
// ES-5  Positions of a log are 1, 2, 3 … without gaps; appends that fail take none; a reader never sees
//       p + 1 before p.
// ES-6  Every `failIfMatch` condition is checked at the instant of the append, against all that committed
//       before it.
// ES-7  One command id has one effect. The same id with the same fingerprint answers with the first outcome;
//       with another fingerprint it is a typed conflict, also when both race.
// ES-8  Acknowledged means durable: it survives kill -9, and power loss where the store says `durable`.
// ES-9  Payload bytes come back as they went in, and metadata with them.
// ES-10 An aborted signal ends a read promptly.
// ES-11 An append that throws says `definite` (nothing happened) or `unknown`; a store that is closed or has
//       lost its disk accepts no more appends.
// ES-12 A log keeps its history of epochs. A place of an earlier epoch is held up to the fork of every later
//       one, by the id of its event; a place from a lost future is recognised, also when an older file was
//       copied back by hand.
// ES-13 `recordedAtMs` never goes backwards within a log, whatever the clock does.
// ES-14 Sizes and names are checked before an append is queued; queues and batches are bounded in number and
//       bytes.
import type { LeaseStore } from './lease-store.ts'
import type { CommandId, Position, StreamId, StreamVersion } from '../identity.ts'
import type { CommandInbox } from './command-inbox.ts'
import type { DocumentWrite, KeptCollection } from './document-store.ts'
import type { Epoch, LogKey, LogPlace, PlaceJudgement } from './log.ts'
import type { EventRecord, FoldRecord, StreamFoldRecord } from './event-record.ts'
import type { CommandClaim, StoredOutcome } from './outcome-store.ts'
import type { CollectionShape } from './document-collection.ts'
import type { SealStore } from './seal-store.ts'
import type { NewState, StoredState } from './state-store.ts'

/** An event to append. */
export interface NewEvent {
  readonly type: string
  /** The version of its type's schema, from 1. */
  readonly schemaVersion: number
  /** At most `payloadBytesMax`. The store does not look into it. */
  readonly payload: Uint8Array
  /** `application/json` when absent. */
  readonly contentType?: string
  /** Keys by which `failIfMatch` and filters find it; at most `tagsMax`, none when absent. */
  readonly tags?: readonly string[]
  /** Whose personal data the payload holds. */
  readonly dataSubjectId?: string
  /** Which key encrypts the payload. */
  readonly keyId?: string
}

/** What a stream must look like for an append: a version, no events yet (`none`), or anything (`any`). */
export type ExpectedVersion = StreamVersion | 'none' | 'any'

/**
 * The part of an append that concerns one stream. It may carry no events; its expectation is checked all the
 * same.
 */
export interface StreamWrite {
  readonly decider: string
  readonly id: StreamId
  readonly expectedVersion: ExpectedVersion
  /**
   * The ticket of an append that this write was decided on before it was acknowledged: a version alone cannot
   * tell that append from another one that came instead.
   */
  readonly buildsOn?: string
  readonly events: readonly NewEvent[]
  /** The state after these events, stored with them (see `state-store.ts`); needs an expected version. */
  readonly state?: NewState
}

/** The append fails when an event after `after` has one of the types and all of the tags. */
export interface MatchCondition {
  /** Every type when absent. */
  readonly types?: readonly string[]
  /** At least one, because events are found by their tags. */
  readonly tags: readonly string[]
  readonly after: Position
}

/** One atomic change of a log. */
export interface AppendRequest {
  /** At least one; each stream at most once. */
  readonly writes: readonly StreamWrite[]
  /** None of these may match; `matched` names the first one that does. */
  readonly failIfMatch?: readonly MatchCondition[]
  /**
   * What becomes of the documents that commit with events (see `document-store.ts`): each at most once, and
   * only where there are events; empty when they touch none. Demanded where collections are kept.
   */
  readonly documents?: readonly DocumentWrite[]
  /** The command that it settles; an append without one may be repeated with a second effect. */
  readonly command?: CommandClaim
  /** Names this append for writes that build on it while the store is open; 64 characters at most, unique. */
  readonly ticket?: string
  readonly correlationId?: string
  readonly causationId?: string
  readonly actor?: string
}

/** What an append came to. Only `appended` changed anything. */
export type AppendResult =
  | {
      readonly status: 'appended'
      /** The version of each write's stream after the append, in the order of `writes`. */
      readonly versions: readonly StreamVersion[]
      /** The last position of the append; the head when it had no events. */
      readonly place: LogPlace
    }
  /** The stream of `writes[write]` is at another version than expected (ES-3). */
  | { readonly status: 'conflict'; readonly write: number; readonly actualVersion: StreamVersion }
  /** An event matches `failIfMatch[condition]` (ES-6). */
  | { readonly status: 'matched'; readonly condition: number }
  /** A document is not the one any more that this write was folded on. */
  | { readonly status: 'outdated'; readonly document: number }
  /** The command was settled before, with this outcome (ES-7). */
  | { readonly status: 'repeated'; readonly outcome: StoredOutcome }
  /** The command's id was claimed with another fingerprint. */
  | { readonly status: 'reused' }
  /** The command waits in the inbox, to which the claim leaves it. */
  | { readonly status: 'waiting' }

/** Which events of one stream to read; all of them forward unless said. */
export interface StreamQuery {
  readonly decider: string
  readonly id: StreamId
  /** First version to read, inclusive. Backward it is the highest one. */
  readonly from?: StreamVersion
  /** Last version to read, inclusive. Backward it is the lowest one. */
  readonly to?: StreamVersion
  readonly direction?: 'forward' | 'backward'
  /** How many events at most. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** Picks events of a log. */
export interface EventFilter {
  /** Any of these types; every type when absent. */
  readonly types?: readonly string[]
  /** All of these tags; tagged or not when absent. */
  readonly tags?: readonly string[]
}

/** Which events of the log to read, in order of position. */
export interface LogQuery extends EventFilter {
  /** Exclusive. */
  readonly after: Position
  /** Events that any of these picks, each once. It stands in the place of `types` and `tags`. */
  readonly anyOf?: readonly EventFilter[]
  /** How many events in all. */
  readonly limit?: number
  /** How many events per page, 1,000 unless said. Pages end earlier at 8 MiB of payload. */
  readonly pageSize?: number
  readonly signal?: AbortSignal
}

/** Part of a log: matching events, and the place up to which the log was examined for them. */
export interface LogPage<Event = EventRecord> {
  readonly events: readonly Event[]
  readonly through: LogPlace
}

/** What a store can promise; a rule of the suite that needs a missing one is skipped with that reason. */
export interface EventStoreCapabilities {
  /** Acknowledged appends survive kill -9 and power loss. */
  readonly durable: boolean
  /** What was stored can be opened again. */
  readonly reopens: boolean
  /** `failIfMatch` works (ES-6). */
  readonly dynamicConsistency: boolean
}

/** One log with everything that commits together with its events. */
export interface EventStore {
  readonly log: LogKey
  readonly capabilities: EventStoreCapabilities
  /** Commands accepted for later, in the same database, so that outcome and removal commit together. */
  readonly inbox: CommandInbox
  /** What proves later that nothing of the log was changed. */
  readonly seals: SealStore
  /**
   * Appends atomically. Throws `INPUT_INVALID` (ES-14), `OVERLOADED` when the queue is full, `STORE_FULL`,
   * `STORE_UNAVAILABLE` or `STORE_CLOSED`, or `OUTCOME_UNKNOWN` with effect `unknown`.
   */
  readonly append: (request: AppendRequest) => Promise<AppendResult>
  /** Pages of one stream; ends at the version that the stream has when the last page is read. */
  readonly readStream: (query: StreamQuery) => AsyncIterable<readonly EventRecord[]>
  /**
   * The same events as `readStream` for whoever only folds them into the state of the stream, at a fraction
   * of what they cost.
   */
  readonly readStreamToFold: (query: StreamQuery) => AsyncIterable<readonly StreamFoldRecord[]>
  /** Pages of the log; ends at the head as it is when the last page is read, with at least one page. */
  readonly readLog: (query: LogQuery) => AsyncIterable<LogPage>
  /** The same pages as `readLog` for whoever only folds, at a fraction of what they cost. */
  readonly readToFold: (query: Omit<LogQuery, 'tags' | 'anyOf'>) => AsyncIterable<LogPage<FoldRecord>>
  /** The last place of the log; position 0 when it is empty. */
  readonly head: () => Promise<LogPlace>
  /** The log's epochs, oldest first; at least one. */
  readonly epochs: () => Promise<readonly Epoch[]>
  /** What a place that somebody remembers is to the log as it stands now. */
  readonly judge: (place: LogPlace) => Promise<PlaceJudgement>
  /**
   * Begins an epoch whose fork is the head: what lies beyond is a lost future for whoever remembers it. For a
   * log that was put back from a copy, before anything is appended to it.
   */
  readonly beginEpoch: () => Promise<void>
  /** The outcome of a command that was claimed and has not expired. */
  readonly findOutcome: (id: CommandId) => Promise<StoredOutcome | undefined>
  /** The state that was stored last for a stream; `undefined` when none was. */
  readonly loadState: (decider: string, id: StreamId) => Promise<StoredState | undefined>
  /**
   * Opens a collection of documents of this log, and creates it at position 0 when it is not there. Throws
   * `DEFINITION_INVALID` when the same version was built with other indexes or searchable members.
   */
  readonly openDocuments: (shape: Omit<CollectionShape, 'log'>) => Promise<KeptCollection>
  /**
   * Calls back after events became visible: a hint, which may be late, lost or repeated. Returns what ends
   * it.
   */
  readonly onAppended: (callback: () => void) => () => void
}

/** A database of logs, one per bounded context. */
export interface WriteStore extends AsyncDisposable {
  /** Opens a log, and creates it when it is not there. */
  readonly openLog: (log: LogKey) => Promise<EventStore>
  /** What keeps the store from accepting appends, in words for an operator; `undefined` when nothing does. */
  readonly fault: () => string | undefined
  /** Which process does what one at a time may do; absent where one process alone has the store. */
  readonly leases?: LeaseStore
}

/** Largest payload of one event, in bytes. */
export const payloadBytesMax = 8 * 1024 * 1024
/** Most events of one append. */
export const appendEventsMax = 1000
/** Most bytes of payloads in one append. */
export const appendBytesMax = 16 * 1024 * 1024
/** Most characters of an event type, tag, actor, correlation or causation id. */
export const nameLengthMax = 1024
/** Most tags of one event, and of one condition or filter. */
export const tagsMax = 100
/** Most conditions of one append, and most types of one condition. */
export const matchConditionsMax = 100
/** Most bytes of payloads in one page, unless its only event has more. */
export const pageBytesMax = 8 * 1024 * 1024
