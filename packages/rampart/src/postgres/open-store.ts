// What the logs of an open database share: commit queue, reads, listeners.
import type { CommitQueue, LogIdentity, LogListeners } from '../core/group-commit/index.ts'
import type { Runtime } from '../core/index.ts'
import type { Epoch, LogKey } from '../core/ports/index.ts'
import type { RunQuery } from './database.ts'
import type { FreshLeaves } from './fresh-leaves.ts'
import type { EventReader } from './event-reader.ts'

/** What all logs of a database share. */
export interface OpenStore {
  readonly runtime: Runtime
  readonly queue: CommitQueue
  readonly leaves: Pick<FreshLeaves, 'after'>
  /** Reads over the pool; throws `STORE_CLOSED` once the store is closed. */
  readonly reads: () => StoreReads
  /** Reads over the connections that see documents and nothing else, opened by the first who needs them. */
  readonly documents: () => Promise<RunQuery>
}

/** The reads of a database. */
export interface StoreReads {
  readonly query: RunQuery
  readonly events: EventReader
}

/** One log of an open store; whoever opens it again gets the same one. */
export interface OpenLog extends LogListeners {
  readonly key: LogKey
  readonly identity: LogIdentity & { epoch: string }
  /** Its epochs as they were read last; `undefined` when they must be read. */
  epochs: readonly Epoch[] | undefined
  /** Who takes hints about documents that are kept, by collection. */
  readonly followers: Map<number, () => void>
}
