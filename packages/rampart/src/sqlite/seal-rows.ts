// Seals as rows: the writer and readers use the same columns.
import type { DatabaseSync } from 'node:sqlite'
import type { Seal } from '../core/seals/index.ts'
import { sealOf, type Row } from '../core/rows/index.ts'
import { readSql } from './database.ts'
import { placeOf, positionOf } from './places.ts'
import { prepareQuery } from './rows.ts'

/** Reads the seals of a log, which is named by its number, over one connection. */
export interface SealReader {
  readonly last: (log: number) => Seal | undefined
  readonly list: (log: number, after: number, limit: number) => readonly Seal[]
}

/** Prepares the reader on a connection. */
export function createSealReader(database: DatabaseSync): SealReader {
  const last = prepareQuery(database, readSql('find-last-seal'))
  const list = prepareQuery(database, readSql('list-seals'))
  return {
    last: (log) => {
      const row = last.get(placeOf(log, 0), placeOf(log + 1, 0))
      return row === undefined ? undefined : sealIn(row)
    },
    list: (log, after, limit) => list.all(placeOf(log, after), placeOf(log + 1, 0), limit).map(sealIn),
  }
}

/** The row of a seal, in the order of the columns of `insert-seal`. */
export function sealRow(log: number, seal: Seal): readonly (string | number)[] {
  const { number, first, last, epoch, root, sealedAtMs, previous, digest, marks } = seal
  return [placeOf(log, number), first, last, epoch, root, sealedAtMs, previous, digest, marks]
}

function sealIn(row: Row): Seal {
  const seal = sealOf(row)
  return { ...seal, number: positionOf(seal.number) }
}
