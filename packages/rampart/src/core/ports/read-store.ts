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
//
// A store that several processes open has a shared part: one process runs a projection, others serve its
// documents without a look at the log.
//
//   runner:   commit … commit            tell: runs, 3 events behind        tell: stopped, because …
//                  └─ hint ─> server: look ─ documents, place, what was told and how long ago ─ at one moment
//
// RS-14 A look belongs to one moment: the live collection with its place, how many of its keys are
//       quarantined, and what the runner told last with its age by the store's clock. Where no collection is
//       live there is nothing to see.
// RS-15 What is told replaces what was told before, for this projection alone, and outlives its teller.
// RS-16 The documents of a look are read by RS-3 to RS-6, RS-8 and RS-10, and stay those of their collection
//       when another one becomes live.
// RS-17 Whoever listens hears of commits, switches and words, those of other openings too: hints, which may
//       be late, lost or repeated.
//
// RS-18 The names of a log are those of the projections that have collections; one that is forgotten leaves
//       nothing behind.
import type { CollectionShape, DocumentCollection } from './document-collection.ts'
import type { Lease, LeaseStore } from './lease-store.ts'
import type { Epoch, LogKey, LogPlace } from './log.ts'

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

/** What the process that runs a projection says of it. */
export interface Standing {
  /** The epochs of the log, oldest first, by which places are judged. */
  readonly epochs: readonly Epoch[]
  /** Why it stopped; null while it runs. */
  readonly stopped: string | null
  /** Why the documents of an older version stay live; null unless today's stopped or wait for a decision. */
  readonly upgradeStopped: string | null
  /** Why its documents had to go, as long as they are derived anew; null otherwise. */
  readonly beginsAnew: string | null
  /** How far its documents are behind the log; null when it could not be told. */
  readonly lag: { readonly events: number; readonly seconds: number } | null
}

/** The reading half of a collection. */
export type SharedDocuments = Pick<
  DocumentCollection,
  'get' | 'page' | 'changes' | 'quarantined' | 'queued' | 'skipped'
>

/** A projection as it stands in the store. */
export interface Look {
  readonly live: CollectionState
  /** The same object for the same collection. */
  readonly documents: SharedDocuments
  readonly quarantinedKeys: number
  /** What was told last; absent when nothing ever was. */
  readonly standing?: Standing & { readonly ageMs: number }
}

/** What processes that share a read store have in common. */
export interface SharedReads {
  /** Leaves word for the others. */
  readonly tell: (log: LogKey, name: string, standing: Standing) => Promise<void>
  /** `undefined` when the projection has no documents yet. */
  readonly look: (log: LogKey, name: string) => Promise<Look | undefined>
  /** Calls back when it is worth to look again. Returns what ends it. */
  readonly onChanged: (log: LogKey, name: string, callback: () => void) => () => void
}

/** What those see who only serve. */
export type SharedLooks = Pick<SharedReads, 'look' | 'onChanged'>

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
  /** The projections of a log that have collections, in no order. */
  readonly names: (log: LogKey) => Promise<readonly string[]>
  /** Forgets all collections of a projection; one that has none is no fault. */
  readonly forget: (log: LogKey, name: string) => Promise<void>
  /** Which process keeps a projection up to date; absent where one process alone has the store. */
  readonly leases?: ReadLeases
  /** For processes that serve what another one runs; absent where one process alone has the store. */
  readonly shared?: SharedReads
  /** The same of documents that commit with events; absent where those are read with their log. */
  readonly kept?: SharedLooks
}
