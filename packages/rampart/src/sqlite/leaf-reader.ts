// Reads events with everything that is recorded with them and makes their leaves, for seals and their
// verification.
import { hash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { LogIdentity } from '../core/group-commit/index.ts'
import { leafOf, type SealedEvent, type SealedOutcome, type Sha256 } from '../core/seals/index.ts'
import { readSql } from './database.ts'
import { preparePage, readPage, type Page } from './event-page.ts'
import { placeOf } from './places.ts'
import { createDecoder } from './record-decoder.ts'
import { numberAt, textOrNullAt, type Row } from './rows.ts'

/** An event and its leaf. */
export interface SealedLeaf extends SealedEvent {
  readonly leaf: string
}

/** A stretch of a log. */
export interface LeafRange {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly through: number
  readonly limit: number
}

/** Reads leaves over one connection. */
export type LeafReader = (log: Pick<LogIdentity, 'number'>, range: LeafRange) => Page<SealedLeaf>

/** The hash of seals. */
export const sha256: Sha256 = (data) => hash('sha256', data)

/** Prepares the reader on a connection. */
export function createLeafReader(database: DatabaseSync): LeafReader {
  const decode = createDecoder(database)
  const where = 'WHERE place > ? AND place <= ?'
  const queries = preparePage(database, readSql('select-leaf'), { where, order: 'place' })
  const toRecord = (row: Row, payload: Uint8Array): SealedLeaf => {
    const event = { record: decode(row, payload), outcome: outcomeAt(row) }
    return { ...event, leaf: leafOf(event, sha256) }
  }
  return ({ number }, { after, through, limit }) =>
    readPage({
      queries,
      bounds: [placeOf(number, after), placeOf(number, through)],
      limit,
      boundsOf: (rows) => [numberAt(rows[0] ?? [], 0) - 1, numberAt(rows.at(-1) ?? [], 0)],
      toRecord,
    })
}

function outcomeAt(row: Row): SealedOutcome | null {
  const fingerprint = textOrNullAt(row, 17)
  if (fingerprint === null) return null
  return {
    fingerprint,
    events: numberAt(row, 18),
    version: numberAt(row, 19),
    outcome: textOrNullAt(row, 20),
  }
}
