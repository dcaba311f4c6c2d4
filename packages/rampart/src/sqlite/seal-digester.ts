// Digests ranges of a log for its seals: few events where they are asked for, many in a thread of their own,
// because appends must not wait for hashes.
import type { DatabaseSync } from 'node:sqlite'
import type { SealRange } from '../core/seals/index.ts'
import { readSql } from './database.ts'
import { placeOf } from './places.ts'
import { createRangeDigest, type RangeStart } from './range-digest.ts'
import { numberAt, prepareQuery } from './rows.ts'
import { startWorker, type WorkerService } from './worker.ts'

/** Digests ranges. */
export interface SealDigester {
  /** The range after a position; `undefined` when the log ends there. */
  readonly rangeAfter: (start: RangeStart) => Promise<SealRange | undefined>
  readonly close: () => Promise<void>
}

type DigestWorker = WorkerService<null, RangeStart, SealRange | null>

// They take a millisecond; a thread would cost more.
const ownEventsMax = 128
const ownBytesMax = 256 * 1024

/** Opens the digester of a store file over a connection that reads it; its thread starts when it must. */
export function openSealDigester(database: DatabaseSync, file: string): SealDigester {
  const measure = prepareQuery(database, readSql('measure-range'))
  const digest = createRangeDigest(database)
  let worker: Promise<DigestWorker> | undefined
  const ownWorker = async (): Promise<DigestWorker> => {
    const running = await worker?.catch(() => undefined)
    if (running !== undefined && running.fault() === undefined) return running
    const module = new URL('./range-digest.ts', import.meta.url)
    worker = startWorker({ module, name: `The digester of ${file}`, init: file })
    return worker
  }
  return {
    async rangeAfter(start) {
      const bounds = [placeOf(start.log, start.after), placeOf(start.log + 1, 0)]
      const row = measure.get(...bounds, ownEventsMax + 1) ?? []
      const isSmall = numberAt(row, 0) <= ownEventsMax && numberAt(row, 1) <= ownBytesMax
      const range = isSmall ? digest(start) : await (await ownWorker()).call(start)
      return range ?? undefined
    },
    async close() {
      const running = await worker?.catch(() => undefined)
      await running?.close()
    },
  }
}
