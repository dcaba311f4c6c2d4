// The tables of a read store and of each collection in it, and how a document becomes a row.
import { memberText } from '../core/checks/index.ts'
import type { Json } from '../core/index.ts'
import type { StoredDocument } from '../core/ports/index.ts'
import { ownColumns, searchableWords, type Columns } from '../core/rows/index.ts'
import { bigints, texts } from './binary-array.ts'
import { readSql } from './database.ts'

/** The schemas of collections: of documents that follow their log, and of those that commit with it. */
export type CollectionSchema = 'rampart_read' | 'rampart_documents'

/** Names the table of a collection. */
export interface CollectionTable {
  readonly schema: CollectionSchema
  readonly number: number
}

/** The cells of one document's own columns as JSON; null where there are none. */
export function cellsText({ indexes, search }: Columns, data: Json): string | null {
  const words = search.length === 0 ? [] : [wordsIn({ indexes, search }, data)]
  const cells = [...indexes.map((member) => storable(memberText(data, member))), ...words]
  return cells.length === 0 ? null : JSON.stringify(cells.map((cell) => cell?.toWellFormed() ?? null))
}

/** The rows of documents, column by column, in the order of `ownColumns` after the first four. */
export function cellsOf(columns: Columns, documents: readonly StoredDocument[]): readonly Buffer[] {
  const indexed = columns.indexes.map((member) =>
    texts(documents.map(({ data }) => storable(memberText(data, member)))),
  )
  const words =
    columns.search.length === 0 ? [] : [texts(documents.map(({ data }) => wordsIn(columns, data)))]
  return [
    texts(documents.map(({ key }) => key)),
    bigints(documents.map(({ version }) => version)),
    bigints(documents.map((document) => document.position)),
    texts(documents.map(({ data }) => (data === null ? null : JSON.stringify(data)))),
    ...indexed,
    ...words,
  ]
}

const escape = '\u0001'

/** A text without NUL, which no text of PostgreSQL holds; different ones stay different. */
export function storable(text: string | null): string | null {
  if (text === null || (!text.includes('\0') && !text.includes(escape))) return text
  return text.replaceAll(escape, `${escape}${escape}`).replaceAll('\0', `${escape}0`)
}

function wordsIn(columns: Columns, data: Json): string {
  return searchableWords(columns, data)
    .map((word) => ` ${word}`)
    .join('')
}

/** The text of `sql/<name>.sql` for one collection; its own parts stand in braces there. */
export function collectionSql(
  name: string,
  { schema, number }: CollectionTable,
  parts: Readonly<Record<string, string>> = {},
): string {
  const own: Readonly<Record<string, string>> = {
    ...parts,
    schema,
    number: String(number),
    places: placesOf(schema),
    // Whose commands change it.
    keeper: schema === 'rampart_read' ? 'rampart_projector' : 'rampart_writer',
  }
  return readSql(name).replaceAll(/\{(\w+)\}/g, (whole, part: string) => own[part] ?? whole)
}

/** What tells where each collection of a schema stands at this moment. */
export function placesOf(schema: CollectionSchema): string {
  return schema === 'rampart_read' ? 'rampart_read.collections' : 'rampart_documents.collections_now'
}

/** The statements that create the table of a collection and its indexes. */
export function createTableSql(name: CollectionTable, columns: Columns): string {
  const { schema, number } = name
  const own = ownColumns(columns).map((column) => `,\n  ${column} text COLLATE "C"`)
  const table = `${schema}.documents_${number}`
  // Only the start of a value stands in the index, whose entries have a bound.
  const indexes = columns.indexes.map(
    (_, index) =>
      `CREATE INDEX documents_${number}_index_${index} ON ${table} (left(index_${index}, 200), key);`,
  )
  const words =
    columns.search.length === 0
      ? []
      : [`CREATE INDEX documents_${number}_words ON ${table} USING gin (words gin_trgm_ops);`]
  const documents = collectionSql('create-documents', name, { columns: own.join('') })
  return [documents, ...indexes, ...words].join('\n')
}

/** The statements that create a collection of documents that commit with events: its table and functions. */
export function createKeptSql(number: number, columns: Columns): string {
  const table = { schema: 'rampart_documents', number } as const
  const names = ['key', 'version', 'position', 'data', ...ownColumns(columns)]
  const functions = collectionSql('create-kept-functions', table, {
    columns: names.join(', '),
    cells: ownColumns(columns)
      .map((_, index) => `, d.cells::json ->> ${index}`)
      .join(''),
    updates: names
      .slice(1)
      .map((name) => `${name} = excluded.${name}`)
      .join(', '),
  })
  return `${createTableSql(table, columns)}\n${functions}`
}
