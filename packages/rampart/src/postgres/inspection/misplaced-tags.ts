// Compares the index of tags of a database with its events, both ways.
import type { InspectedTag } from '../../core/seals/index.ts'
import { isDataError, readSql, type RunQuery, type Statement } from '../database.ts'
import { numberAt, textAt, type Row } from '../rows.ts'

/** A log, as far as its tags are looked at. */
export interface TaggedLog {
  readonly key: string
  readonly number: number
  readonly head: number
}

const stretch = 10_000
const entriesPage = 5000

const findUnindexed: Statement = { name: 'find-unindexed-tags', text: readSql('find-unindexed-tags') }
const listIndexed: Statement = { name: 'list-indexed-tags', text: readSql('list-indexed-tags') }

/** Tags that stand in an event of a log or in the index only, page by page. */
export async function* misplacedTags(
  query: RunQuery,
  log: TaggedLog,
): AsyncGenerator<readonly InspectedTag[]> {
  for (let after = 0; after < log.head; after += stretch) {
    // oxlint-disable-next-line no-await-in-loop -- one stretch after the other
    yield await unindexed(query, log, { after, through: Math.min(log.head, after + stretch) })
  }
  for (let last: readonly [tag: number, position: number] = [0, 0]; ;) {
    // oxlint-disable-next-line no-await-in-loop -- the same
    const rows = await query(listIndexed, [log.number, ...last, entriesPage])
    yield rows.filter((row) => !isTrue(row)).map((row) => misplaced(log, [row[1], row[2]], true))
    const end = rows.at(-1)
    if (end === undefined || rows.length < entriesPage) return
    last = [numberAt(end, 0), numberAt(end, 1)]
  }
}

async function unindexed(
  query: RunQuery,
  log: TaggedLog,
  { after, through }: { readonly after: number; readonly through: number },
): Promise<readonly InspectedTag[]> {
  try {
    const rows = await query(findUnindexed, [log.number, after, through])
    return rows.map((row) => misplaced(log, row, false))
  } catch (fault) {
    // Tags that are no list were not written like that: seals tell of it.
    if (fault instanceof Error && isDataError(fault.cause)) return []
    throw fault
  }
}

function misplaced({ key }: TaggedLog, row: Row, isIndexed: boolean): InspectedTag {
  return { log: key, position: numberAt(row, 0), tag: textAt(row, 1), isIndexed }
}

function isTrue(row: Row): boolean {
  const tags = textAt(row, 3)
  return textAt(row, 4) === 't' && tags !== '' && namesIn(tags).includes(textAt(row, 2))
}

function namesIn(tags: string): readonly unknown[] {
  try {
    const names: unknown = JSON.parse(tags)
    return Array.isArray(names) ? names : []
  } catch {
    // As above.
    return []
  }
}
