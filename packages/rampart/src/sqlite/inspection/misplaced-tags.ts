// Compares the index of tags of a store file with its events, both ways.
import type { DatabaseSync } from 'node:sqlite'
import { systemRuntime } from '../../core/index.ts'
import type { InspectedTag } from '../../core/seals/index.ts'
import { readSql } from '../database.ts'
import { logNumberOf, placeOf, positionOf } from '../places.ts'
import { numberAt, prepareQuery, textAt } from '../rows.ts'

/** A log, as far as its tags are looked at. */
export interface TaggedLog {
  readonly key: string
  readonly number: number
  readonly head: number
}

const stretch = 10_000
const entriesPage = 5000

/** Tags that stand in an event or in the index only, page by page. */
export async function* misplacedTags(
  database: DatabaseSync,
  logs: readonly TaggedLog[],
): AsyncGenerator<readonly InspectedTag[]> {
  // A store of an older version has no index.
  if (logs.length === 0) return
  for (const log of logs) yield* unindexed(database, log)
  yield* untrue(database, new Map(logs.map(({ number, key }) => [number, key])))
}

async function* unindexed(
  database: DatabaseSync,
  { key, number, head }: TaggedLog,
): AsyncGenerator<readonly InspectedTag[]> {
  const find = prepareQuery(database, readSql('find-unindexed-tags'))
  for (let after = 0; after < head; after += stretch) {
    // oxlint-disable-next-line no-await-in-loop -- everything else gets its turn between two pages
    await breathe()
    const through = Math.min(head, after + stretch)
    const rows = find.all(placeOf(number, after), placeOf(number, through))
    yield rows.map((row) => ({
      log: key,
      position: positionOf(numberAt(row, 0)),
      tag: textAt(row, 1),
      isIndexed: false,
    }))
  }
}

async function* untrue(
  database: DatabaseSync,
  logs: ReadonlyMap<number, string>,
): AsyncGenerator<readonly InspectedTag[]> {
  const list = prepareQuery(database, readSql('list-indexed-tags'))
  for (let last: readonly [tag: number, place: number] = [0, 0]; ;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    await breathe()
    const rows = list.all(...last, entriesPage)
    yield rows
      .filter((row) => numberAt(row, 3) === 0)
      .map((row) => ({
        log: logs.get(logNumberOf(numberAt(row, 1))) ?? '',
        position: positionOf(numberAt(row, 1)),
        tag: textAt(row, 2),
        isIndexed: true,
      }))
    const end = rows.at(-1)
    if (end === undefined || rows.length < entriesPage) return
    last = [numberAt(end, 0), numberAt(end, 1)]
  }
}

async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => systemRuntime.soon(resolve))
}
