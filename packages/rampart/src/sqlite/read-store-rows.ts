// How documents are written as rows of their collection, for the writers of read stores and of write stores.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { CollectionShape } from '../core/ports/index.ts'
import { columnsOf } from '../core/rows/index.ts'
import { collectionSql, columnNames, type Cell } from './read-store-tables.ts'

/** Writes the documents of one collection. */
export interface CollectionWriter {
  /** How many cells a row has. */
  readonly width: number
  readonly upsert: StatementSync
  /** Absent where nothing is searched. */
  readonly words:
    | { readonly find: StatementSync; readonly remove: StatementSync; readonly insert: StatementSync }
    | undefined
}

/** Prepares the statements that write the documents of a collection. */
export function prepareRows(
  database: DatabaseSync,
  number: number,
  shape: Pick<CollectionShape, 'indexes' | 'search'>,
): CollectionWriter {
  const names = columnNames(columnsOf(shape))
  const sql = collectionSql('upsert-document', number, {
    columns: names.join(', '),
    values: names.map(() => '?').join(', '),
    updates: names
      .slice(1)
      .map((name) => `${name} = excluded.${name}`)
      .join(', '),
  })
  if (shape.search.length === 0) {
    const upsert = database.prepare(sql.replace(/RETURNING id;\s*$/, ''))
    return { width: names.length, upsert, words: undefined }
  }
  const words = {
    find: database.prepare(`SELECT words FROM documents_${number} WHERE key = ?`),
    remove: database.prepare(`DELETE FROM words_${number} WHERE rowid = ?`),
    insert: database.prepare(`INSERT INTO words_${number} (rowid, words) VALUES (?, ?)`),
  }
  return { width: names.length, upsert: database.prepare(sql), words }
}

/** Writes rows that stand one after the other. */
export function writeRows(collection: CollectionWriter, cells: readonly Cell[]): void {
  for (let start = 0; start < cells.length; start += collection.width) {
    const row = cells.slice(start, start + collection.width)
    if (collection.words === undefined) collection.upsert.run(...row)
    else writeSearchable(collection.upsert, collection.words, row)
  }
}

// Most changes leave the words as they are, and an unchanged entry of a search index is dear to write again.
function writeSearchable(
  upsert: StatementSync,
  words: NonNullable<CollectionWriter['words']>,
  row: readonly Cell[],
): void {
  const before = words.find.get(row[0] ?? null)?.['words'] ?? ''
  const after = row.at(-1) ?? ''
  const id = Number(upsert.get(...row)?.['id'])
  if (before === after) return
  if (before !== '') words.remove.run(id)
  if (after !== '') words.insert.run(id, after)
}
