// The read store port: documents of projections with their checkpoint, in any database, apart from the write
// store.
//
// Promises, each proved by the rules of the same number in the conformance suite:
//
// RS-1 The documents and the checkpoint of a batch commit together or not at all.
// RS-2 A commit is refused unless it starts at the stored checkpoint, so that no batch counts twice.
// RS-3 A document, its version and the checkpoint that a read returns belong to one moment.
// RS-4 Pages are ordered by key in byte order; paging neither repeats nor skips keys that are there
//      throughout.
// RS-5 Changes come in the order of the position that last changed each document, deletions too, each
//      document once.
// RS-6 An index finds exactly the documents whose member equals the value; a search finds exactly the
//      documents that contain every word as the start of a word, whatever its case and accents.
// RS-7 What was committed is there when the store is opened again.
// RS-8 A listing is bounded in bytes: it ends before `bytesMax` of stored documents, with one at least.
// RS-9 What happens to quarantined keys commits with the batch or not at all; queued events keep the order
//      of their positions until the key is healed, and skipped ones stay on record.
// RS-10 Reads and listings say which of their documents are quarantined, at the moment of the read, and
//      changes say how many keys have been healed so far.
// RS-11 Of the collections of a projection exactly one is live: the first that was opened, until another
//      takes its place in one transaction, which is refused while its checkpoint is behind the live one's.
// RS-12 Generations of a version are apart; a comparison counts their documents and names keys whose
//      documents differ, and one that is dropped leaves nothing behind.
// RS-13 A projection begins anew in one transaction: nothing of what it had is left, and one empty collection
//      is live.
import type { Position } from '../identity.ts'
import type { Json } from '../json.ts'
import type { Lease, LeaseStore } from './lease-store.ts'
import type { LogKey, LogPlace } from './log.ts'

/** What a read store must know about a projection to keep its documents. */
export interface CollectionShape {
  readonly name: string
  readonly version: number
  readonly log: LogKey
  /** Members to look documents up by. */
  readonly indexes: readonly string[]
  /** Members whose words can be searched. */
  readonly search: readonly string[]
}

/** A document as it is stored. */
export interface StoredDocument {
  readonly key: string
  /** The stream's version for documents that belong to one stream; null for others. */
  readonly version: number | null
  /** The last position that changed it. */
  readonly position: Position
  /** Null when it was deleted, or when only its version is known. */
  readonly data: Json
}

/** An event by its place in the log, from where it is read again; payloads stay in the log alone. */
export interface QueuedEvent {
  readonly position: Position
  readonly eventId: string
  readonly type: string
}

/** What happens to a quarantined key. */
export type QuarantineChange =
  /** An event of the key waits behind those that wait already; the first one puts it into quarantine. */
  | { readonly change: 'queue'; readonly key: string; readonly event: QueuedEvent }
  /** Why the key stands still: the event at `position`, which is queued, cannot be folded. */
  | {
      readonly change: 'fail'
      readonly key: string
      readonly position: Position
      readonly error: string
      /** When it happened. The first time of a key stays. */
      readonly atMs: number
    }
  /** The event leaves the queue without having been folded, and stays on record. */
  | {
      readonly change: 'skip'
      readonly key: string
      readonly position: Position
      readonly actor: string | null
      readonly atMs: number
    }
  /** The key leaves quarantine, and its queue is forgotten. */
  | { readonly change: 'heal'; readonly key: string }

/** A key that stands still until somebody treats it. */
export interface QuarantinedKey {
  readonly key: string
  readonly error: string
  readonly sinceMs: number
  /** The event that could not be folded. */
  readonly failing: QueuedEvent
  /** How many events wait, the failing one among them. */
  readonly queued: number
}

/** An event that was skipped, by whom and when. */
export interface SkippedEvent {
  readonly key: string
  readonly event: QueuedEvent
  readonly actor: string | null
  readonly atMs: number
}

/** Document changes of a batch, and the checkpoint they lead to. */
export interface CommitRequest {
  /** The checkpoint that the batch was folded on; the commit is refused when it is not stored any more. */
  readonly from: LogPlace
  /** The checkpoint after the batch. */
  readonly to: LogPlace
  readonly documents: readonly StoredDocument[]
  /** In this order; none when absent. */
  readonly quarantine?: readonly QuarantineChange[]
}

/** What to list. */
export interface PageQuery {
  /** Equalities over declared indexes; a value is matched by its text. */
  readonly where: readonly { readonly index: string; readonly value: string }[]
  /** Words to search for; null for no search. */
  readonly search: string | null
  /** Keys after this one; null from the start. */
  readonly afterKey: string | null
  readonly limit: number
  /** How large its documents may be together, in characters of JSON; 8 MiB unless said. */
  readonly bytesMax?: number
}

/** Part of a listing; `more` says whether another document follows. */
export interface DocumentPage {
  readonly documents: readonly StoredDocument[]
  readonly more: boolean
  readonly checkpoint: LogPlace
  /** Keys of the page that are quarantined. */
  readonly quarantined: ReadonlySet<string>
}

/**
 * A place in the changes of a collection: position, and key among documents that the same position changed.
 */
export interface ChangeCursor {
  readonly position: Position
  readonly key: string
}

/** Which changes to list. */
export interface ChangeQuery {
  readonly after: ChangeCursor
  readonly limit: number
  /** How large its documents may be together, in characters of JSON; 8 MiB unless said. */
  readonly bytesMax?: number
  /** Only this document. */
  readonly key?: string
}

/** The documents of one version of one projection. */
export interface DocumentCollection {
  readonly shape: CollectionShape
  /** The place up to which the log is contained; position 0 in the given epoch at first. */
  readonly checkpoint: () => Promise<LogPlace>
  /** Documents by key, deleted ones too; keys that were never there are absent. */
  readonly load: (keys: readonly string[]) => Promise<ReadonlyMap<string, StoredDocument>>
  /** One document and the checkpoint at that moment. */
  readonly get: (key: string) => Promise<{
    readonly document: StoredDocument | undefined
    readonly checkpoint: LogPlace
    readonly isQuarantined: boolean
  }>
  readonly page: (query: PageQuery) => Promise<DocumentPage>
  /** Changed documents after a cursor, each in its latest state. */
  readonly changes: (query: ChangeQuery) => Promise<{
    readonly documents: readonly StoredDocument[]
    readonly checkpoint: LogPlace
    /** How many keys have been healed so far: a healed document changes at the checkpoint of its healing. */
    readonly healed: number
  }>
  /** The quarantined keys in byte order; all of them, because their number is bounded by who commits. */
  readonly quarantined: () => Promise<readonly QuarantinedKey[]>
  /** The events that wait for a key, in the order of their positions. */
  readonly queued: (key: string) => Promise<readonly QueuedEvent[]>
  /** The events that were skipped last, newest first. */
  readonly skipped: (limit: number) => Promise<readonly SkippedEvent[]>
  /** Throws `STORE_UNAVAILABLE` when the stored checkpoint is not `from`. */
  readonly commit: (request: CommitRequest) => Promise<void>
  /**
   * Calls back after a commit of this process: a hint, which may be late or repeated. Returns what ends it.
   */
  readonly onCommitted: (callback: () => void) => () => void
}

/** Names a collection among those of its projection. */
export interface CollectionName {
  readonly version: number
  /** Builds of the same version are numbered from 1. */
  readonly generation: number
}

/** A collection, and what part it plays. */
export interface CollectionState extends CollectionName {
  readonly shape: CollectionShape
  readonly checkpoint: LogPlace
  /** Whether readers get it. */
  readonly isLive: boolean
  /** Names its content for readers, as the switch that made it live said; null when it never was live. */
  readonly tag: string | null
}

/** Two collections of one projection. */
export interface CollectionPair {
  readonly log: LogKey
  readonly name: string
  readonly live: CollectionName
  readonly other: CollectionName
}

/** How two collections differ. */
export interface Comparison {
  /** Documents, without those that were deleted: of the live one, and of the other. */
  readonly documents: readonly [live: number, other: number]
  /** Keys whose versions or data differ, but for quarantined ones and those with skipped events. */
  readonly differing: number
  /** The first of them in byte order, 20 at most. */
  readonly sample: readonly string[]
  /** True when all documents are the same, in their positions too. */
  readonly isSame: boolean
}

/** The leases of a read store, which protect what is kept in it. */
interface ReadLeases extends LeaseStore {
  /** The same store for a holder: its changes are refused once the lease is another's. It needs no end. */
  readonly under: (lease: Lease) => ReadStore
}

/** A database of collections. */
export interface ReadStore extends AsyncDisposable {
  /**
   * Opens a collection, and creates it at position 0 of `epoch` when it is not there; of generation 1 unless
   * said. The first one of a projection is live.
   */
  readonly openCollection: (
    shape: CollectionShape,
    epoch: string,
    generation?: number,
  ) => Promise<DocumentCollection>
  /**
   * Forgets all collections of a projection and opens an empty one, which is live, at position 0 of `epoch`:
   * for documents that contain what never happened.
   */
  readonly beginAnew: (shape: CollectionShape, epoch: string, generation: number) => Promise<void>
  /** All collections of a projection, in the order of version and generation. */
  readonly collections: (log: LogKey, name: string) => Promise<readonly CollectionState[]>
  /** Makes `other` live in place of `live`. Throws `STORE_UNAVAILABLE` when that is not live or is ahead. */
  readonly switchLive: (pair: CollectionPair, tag: string) => Promise<void>
  readonly compare: (pair: CollectionPair) => Promise<Comparison>
  /** Forgets a collection that is not live; one that is not there is no fault. */
  readonly dropCollection: (log: LogKey, name: string, collection: CollectionName) => Promise<void>
  /** Which process keeps a projection up to date; absent where one process alone has the store. */
  readonly leases?: ReadLeases
}
