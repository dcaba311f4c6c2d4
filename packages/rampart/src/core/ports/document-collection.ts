// The documents of one version of one projection with their checkpoint: what read stores keep, and what
// the write store keeps beside events.
import type { Position } from '../identity.ts'
import type { Json } from '../json.ts'
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
