// What the logs of an open store file share: commit queue, reads, listeners.
import type { Runtime } from '../core/index.ts'
import type { Epoch, LogKey } from '../core/ports/index.ts'
import type { CommitQueue, LogIdentity, LogListeners } from '../core/group-commit/index.ts'
import type { EventReader } from './event-reader.ts'
import type { Generations } from './generations.ts'
import type { InboxReader } from './inbox-reader.ts'
import type { OutcomeFinder } from './outcome-store.ts'
import type { Reader } from './read-store-collection.ts'
import type { SealDigester } from './seal-digester.ts'
import type { SealReader } from './seal-rows.ts'
import type { StateFinder } from './state-store.ts'

/** What all logs of a store file share. */
export interface OpenStore {
  readonly runtime: Runtime
  readonly queue: CommitQueue
  /** Reads over the read-only connection; throws `STORE_CLOSED` once the store is closed. */
  readonly reads: () => StoreReads
  /** The connection that reads documents and nothing else, opened by the first who needs it. */
  readonly documents: () => Reader
}

/** The reads of a store file. */
export interface StoreReads {
  readonly events: EventReader
  readonly outcomes: OutcomeFinder
  readonly inbox: InboxReader
  readonly findState: StateFinder
  readonly seals: SealReader
  readonly digester: SealDigester
  readonly epochs: (log: LogIdentity) => readonly Epoch[]
}

/** One log of an open store; whoever opens it again gets the same one. */
export interface OpenLog extends LogListeners {
  readonly key: LogKey
  readonly identity: LogIdentity & { epoch: string }
  /** Its epochs as they were read last; `undefined` when they must be read. */
  epochs: readonly Epoch[] | undefined
  /** Ids of events by position, of places that were judged last: readers send one token many times. */
  readonly eventIds: Generations<number, string>
}
