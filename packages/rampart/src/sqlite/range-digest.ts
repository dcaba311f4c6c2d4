// Digests one range of a log at a time, in the thread that calls it or as the service of a worker.
import type { DatabaseSync } from 'node:sqlite'
import { position } from '../core/codec/index.ts'
import { sealEventsMax, sealRangeOf, type SealRange } from '../core/seals/index.ts'
import { openDatabase } from './database.ts'
import { createLeafReader, sha256 } from './leaf-reader.ts'
import type { Service } from './worker-main.ts'

/** Where a range begins. */
export interface RangeStart {
  /** The number of the log. */
  readonly log: number
  /** Exclusive. */
  readonly after: number
}

/** Digests the range after a position; null when the log ends there. */
export type RangeDigest = (start: RangeStart) => SealRange | null

/** Prepares the digest on a connection. */
export function createRangeDigest(database: DatabaseSync): RangeDigest {
  const read = createLeafReader(database)
  return ({ log, after }) => {
    const bounds = { after, through: after + sealEventsMax, limit: sealEventsMax }
    const { events } = read({ number: log }, bounds)
    if (events.length === 0) return null
    const leaves = events.map(({ leaf }) => leaf)
    return sealRangeOf(position(after + 1), leaves, sha256)
  }
}

const cacheKib = 2048

/** Opens the digester in a worker thread. */
export function serve(file: string): Service<null, RangeStart, SealRange | null> {
  const database = openDatabase({ file, synchronous: 'FULL', readOnly: true, busyTimeoutMs: 2000 })
  // It reads each event once.
  database.exec(`PRAGMA cache_size = -${cacheKib}`)
  return { ready: null, handle: createRangeDigest(database), close: () => database.close() }
}
