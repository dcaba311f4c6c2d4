// The tables of a read store and of each collection in it, and how a document becomes a row; used by both
// its sides.
import type { DatabaseSync } from 'node:sqlite'
import { memberText } from '../core/checks/index.ts'
import type { CollectionShape, StoredDocument } from '../core/ports/index.ts'
import {
  type Columns,
  columnsOf,
  ownColumns,
  requireSameColumns,
  searchableWords,
} from '../core/rows/index.ts'
import { readSql, type DatabaseSchema } from './database.ts'

/** A read store's file: its kind ("Rmpr" in ASCII) and the steps of its schema. */
export const readStoreSchema: DatabaseSchema = {
  applicationId: 0x52_6d_70_72,
  steps: [readSql('create-collections'), readSql('create-quarantine'), readSql('add-generations')],
}

/** A value of a column. */
export type Cell = string | number | null

/**
 * A document as its row: key, version, position, data, one cell per index, and the words where there is a
 * search.
 */
export type DocumentRow = readonly Cell[]

/** The names of the columns of a `DocumentRow`. */
export function columnNames(columns: Columns): readonly string[] {
  return ['key', 'version', 'position', 'data', ...ownColumns(columns)]
}

/** The row of a document. */
export function rowOf(columns: Columns, document: StoredDocument): DocumentRow {
  const { key, version, position, data } = document
  const indexed = columns.indexes.map((member) => memberText(data, member))
  const row = [key, version, position, data === null ? null : JSON.stringify(data), ...indexed]
  if (columns.search.length === 0) return row
  return [...row, searchableWords(columns, data).join(' ')]
}

/** The text of `sql/<name>.sql` for one collection; its own parts stand in braces there. */
export function collectionSql(
  name: string,
  number: number,
  parts: Readonly<Record<string, string>> = {},
): string {
  return readTemplate(name).replaceAll(/\{(\w+)\}/g, (whole, part: string) => {
    return part === 'number' ? String(number) : (parts[part] ?? whole)
  })
}

const templates = new Map<string, string>()

// The files do not change while a process runs, and listings fill theirs in at each new kind of query.
function readTemplate(name: string): string {
  const known = templates.get(name)
  if (known !== undefined) return known
  const text = readSql(name)
  templates.set(name, text)
  return text
}

/**
 * The number of a collection, whose tables are created at position 0 of `epoch` when they are not there.
 * Throws `DEFINITION_INVALID` when the same version was built with other indexes or other searchable
 * members.
 */
export function openTables(
  database: DatabaseSync,
  shape: CollectionShape,
  { epoch, generation }: { readonly epoch: string; readonly generation: number },
): number {
  const { log, name, version } = shape
  const found = database
    .prepare(
      'SELECT number, shape FROM collections WHERE log = ? AND name = ? AND version = ? AND generation = ?',
    )
    .get(log, name, version, generation)
  if (found === undefined) return createTables(database, shape, { epoch, generation })
  requireSameColumns(shape, String(found['shape']))
  return Number(found['number'])
}

function createTables(
  database: DatabaseSync,
  shape: CollectionShape,
  { epoch, generation }: { readonly epoch: string; readonly generation: number },
): number {
  const columns = columnsOf(shape)
  const inserted = database
    .prepare(readSql('insert-collection'))
    .get(shape.log, shape.name, shape.version, generation, JSON.stringify(columns), epoch)
  const number = Number(inserted?.['number'])
  for (const sql of tablesOf(number, columns)) database.exec(sql)
  return number
}

/** The SQL that creates the tables of a collection, and their indexes. */
export function tablesOf(number: number, columns: Columns): readonly string[] {
  const table = `documents_${number}`
  const texts = ownColumns(columns).map((column) => `,\n  ${column} TEXT`)
  const indexes = columns.indexes.map(
    (_, index) => `CREATE INDEX ${table}_index_${index} ON ${table} (index_${index}, key)`,
  )
  const words = columns.search.length > 0 ? [collectionSql('create-words', number)] : []
  return [collectionSql('create-documents', number, { columns: texts.join('') }), ...indexes, ...words]
}
