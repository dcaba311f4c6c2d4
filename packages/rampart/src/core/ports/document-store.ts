// The document store, a part of the event store port: documents of synchronous projections. They commit with
// the events that they were folded from, so that whoever knows of an event can read its effect.
//
//   build 1 ── 1,000 ── … ── head    keep    append: events + documents    append: events + documents
//   └ of what was recorded before ┘   └ from here on no event is recorded without its documents ─ …
//
// Promises, each proved by the rules of the same number in the conformance suite:
//
// DS-1  Documents change with the events of the append that carries them, or not at all: whatever an append
//       comes to but `appended`, all documents stay as they were.
// DS-2  A document is written over the very one that it was folded on: the append is `outdated` unless that
//       was last changed at the position that the write names, or by the append that it builds on. Appends
//       of one batch chain.
// DS-3  A document has the position of the event that changed it last. A read belongs to one moment, and the
//       checkpoint of a kept collection is the head of the log at that moment.
// DS-4  Once a collection is kept, an append of events that does not say what becomes of its documents is
//       refused.
// DS-5  Documents of events that were recorded before are built in steps, each refused unless it begins at
//       the stored checkpoint. A collection is kept only when that is the head of the log, and other
//       versions of it are gone then.
// DS-6  Whoever listens hears of a change before the append that made it is answered.
// DS-7  Kept documents are as durable as events. A collection that is opened again stands where it stood, and
//       is not kept until somebody says so.
// DS-8  Listings, indexes, searches and changes are those of a read store.
// DS-9  Keys, numbers and sizes of documents are checked before the append is queued.
import type { Position } from '../identity.ts'
import type { Json } from '../json.ts'
import type { LogPlace } from './log.ts'
import type { DocumentCollection } from './document-collection.ts'

/** A document to store with an append. */
export interface DocumentWrite {
  /** The number of its collection. */
  readonly collection: number
  readonly key: string
  /** The position that the document was folded on; 0 where there was none. */
  readonly expectedPosition: Position
  /** The ticket of the append that changed it last, in place of the position, while that is in flight. */
  readonly buildsOn?: string
  /**
   * Which event of the append changed it last, from 0 over all writes; null when nothing but its version is
   * new, which leaves its position.
   */
  readonly event: number | null
  /** The stream's version for documents that belong to one stream; null for others. */
  readonly version: number | null
  /** Null when it was deleted. */
  readonly data: Json
}

/** What an append changed in a collection. */
export interface KeptChange {
  /** The head of the log with it. */
  readonly place: LogPlace
  /** The keys of the documents that it changed; often none. */
  readonly keys: ReadonlySet<string>
}

/** The documents of a synchronous projection; nothing in them is ever quarantined. */
export interface KeptCollection extends DocumentCollection {
  /** How appends name it while the store is open. */
  readonly number: number
  /**
   * From now on every append of events carries the documents too. Throws `STORE_UNAVAILABLE` when the
   * checkpoint is not the head of the log. Afterwards `commit` is refused.
   */
  readonly keep: () => Promise<void>
  /** Calls back after every append of events, and once it is kept. Returns what ends it. */
  readonly onChanged: (callback: (change: KeptChange) => void) => () => void
}

/** Most documents of one append. */
export const appendDocumentsMax = 1000
/** Longest document as JSON, in UTF-16 code units. */
export const documentLengthMax = 4 * 1024 * 1024
