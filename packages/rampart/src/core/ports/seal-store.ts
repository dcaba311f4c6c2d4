// The seal store, a part of the event store port: digests over ranges of a log, chained so that nothing that
// was sealed can be changed unnoticed. The sealer writes them, `rampart verify` computes them again.
//
// Promises, each proved by the rules of the same number in the conformance suite:
//
// SE-1 Seals of a log are numbered 1, 2, 3 …; each begins where the one before it ended, the first one at
//      position 1, covers `sealEventsMax` positions at most, and none that the log has not reached.
// SE-2 Seals that do not follow the last one are refused; of those given together all are stored or none.
// SE-3 The root of a range is that of RFC 6962 over the leaves of its events in order. A leaf depends on
//      everything that is recorded with its event, the outcome of the command among it.
// SE-4 Seals come back as they went in, and each log has its own.
// SE-5 An acknowledged seal is as durable as events are.
import type { EventRecord } from './event-record.ts'
import type { Position } from '../identity.ts'

/** A stretch of a log with what tells whether any of its events was changed. */
export interface SealRange {
  readonly first: Position
  readonly last: Position
  /** The root of the Merkle tree over the leaves of its events; 64 hexadecimal digits. */
  readonly root: string
  /** The first 8 digits of each leaf: they prove nothing, and tell which event does not fit the root. */
  readonly marks: string
}

/** A range that was sealed. */
export interface Seal extends SealRange {
  /** Its place in the chain, from 1. */
  readonly number: number
  /** The epoch of the log when it was sealed. */
  readonly epoch: string
  readonly sealedAtMs: number
  /** The digest of the seal before it; 64 zeros for the first one. */
  readonly previous: string
  /**
   * Over all of these but the marks, which the root stands for, over the key of the log and over its epochs
   * up to this one.
   */
  readonly digest: string
}

/** The outcome that was recorded with the first event of an append that claimed a command id. */
export interface SealedOutcome {
  readonly fingerprint: string
  /** How many events the append had. */
  readonly events: number
  /** The version of the first write's stream after the append. */
  readonly version: number
  /** As JSON; null when the outcome is null. */
  readonly outcome: string | null
}

/** An event with all that is recorded with it. */
export interface SealedEvent {
  readonly record: EventRecord
  /** Null for events that carry none. */
  readonly outcome: SealedOutcome | null
}

/** The seals of one log. */
export interface SealStore {
  /**
   * The range that begins after a position, as far as a seal may reach; `undefined` when the log ends there.
   */
  readonly rangeAfter: (after: Position) => Promise<SealRange | undefined>
  /**
   * Stores seals, 1 to `sealsMax` of them. Throws `INPUT_INVALID` for what cannot be a seal, and
   * `STORE_UNAVAILABLE` when they do not follow the last one.
   */
  readonly append: (seals: readonly Seal[]) => Promise<void>
  /** The newest seal; `undefined` when there is none. */
  readonly last: () => Promise<Seal | undefined>
  /** Seals after a number, in their order. */
  readonly list: (after: number, limit: number) => Promise<readonly Seal[]>
}

/** Most positions that one seal covers. It covers fewer where events are large. */
export const sealEventsMax = 1024
/** Most seals that are stored at once. */
export const sealsMax = 16
/** Stands in the place of a digest before the first seal. */
export const noDigest = '0'.repeat(64)
