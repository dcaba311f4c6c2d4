// The reading side of one collection on PostgreSQL: documents, listings and changes, each with the
// checkpoint of the same moment, because each is one statement.
import { requireIndex, searchedWords } from '../core/checks/index.ts'
import type { CollectionShape, DocumentCollection, PageQuery, StoredDocument } from '../core/ports/index.ts'
import { columnsOf, documentOf, placeOf } from '../core/rows/index.ts'
import { statementName, type RunQuery, type Statement } from './database.ts'
import { createQuarantineReader } from './read-store-quarantine.ts'
import { collectionSql, placesOf, storable, type CollectionTable } from './read-store-tables.ts'
import type { Row } from './rows.ts'

/** How large the documents of one listing are together unless its reader says otherwise. */
const listingBytesMaxUnlessSaid = 8 * 1024 * 1024

/** What the reading half of a collection is made of. */
export interface CollectionOptions {
  readonly query: RunQuery
  readonly table: CollectionTable
  readonly shape: CollectionShape
}

/** The reading half of a collection. */
export function createCollectionReader({
  query,
  table,
  shape,
}: CollectionOptions): Omit<DocumentCollection, 'shape' | 'commit' | 'onCommitted'> {
  const { number } = table
  const { state, find, load } = statementsOf(table)
  return {
    ...createQuarantineReader(query, table),
    checkpoint: async () => placeOf((await query(state, [number]))[0] ?? []),
    load: async (keys) => {
      const documents = (await query(load, [keys])).map(documentOf)
      return new Map(documents.map((document) => [document.key, document]))
    },
    get: async (key) => foundOf(key, (await query(find, [key]))[0] ?? []),
    page: async (wanted) => {
      const { limit, bytesMax = listingBytesMaxUnlessSaid } = wanted
      const { statement, values } = pageStatement({ table, shape }, wanted)
      // One more than asked for tells whether another follows.
      const found = foundIn(await query(statement, [limit + 1, bytesMax, ...values]))
      const documents = found.documents.slice(0, limit)
      const keys = documents.map(({ key }) => key).filter((key) => found.quarantined.has(key))
      const more = found.isCut || found.documents.length > limit
      return { documents, more, checkpoint: found.checkpoint, quarantined: new Set(keys) }
    },
    changes: async ({ after, limit, key, bytesMax = listingBytesMaxUnlessSaid }) => {
      const conditions = ['(position, key) > ($3, $4)', ...(key === undefined ? [] : ['key = $5'])]
      const name = `${table.schema}-${key === undefined ? 'changes' : 'changes-of-key'}-${number}`
      const statement = listStatement(table, { name, conditions, order: 'position, key' })
      const values = [limit, bytesMax, after.position, after.key, ...(key === undefined ? [] : [key])]
      const { documents, checkpoint, healed } = foundIn(await query(statement, values))
      return { documents, checkpoint, healed }
    },
  }
}

/** The document and the checkpoint of one row; where there is no document its columns are null. */
function foundOf(key: string, row: Row) {
  const [isQuarantined, version, at, data] = row.slice(3)
  const document = at === null || at === undefined ? undefined : documentOf([key, version, at, data])
  return { document, checkpoint: placeOf(row), isQuarantined: isQuarantined === 't' }
}

function foundIn(rows: readonly Row[]) {
  const [first = []] = rows
  const listed = rows.filter((row) => row[4] !== null)
  const documents: readonly StoredDocument[] = listed.map((row) => documentOf(row.slice(4)))
  return {
    documents,
    isCut: listed.length < Number(first[8] ?? 0),
    checkpoint: placeOf(first),
    healed: Number(first[3]),
    quarantined: new Set(listed.filter((row) => row[9] === 't').map((row) => String(row[4]))),
  }
}

// Two schemas of one database number their collections from 1, and one connection reads both.
function statementsOf(table: CollectionTable): Readonly<Record<'state' | 'find' | 'load', Statement>> {
  const { schema, number } = table
  return {
    state: {
      name: `${schema}-state`,
      text: `SELECT epoch, position, event_id FROM ${placesOf(schema)} WHERE number = $1`,
    },
    find: { name: `${schema}-find-${number}`, text: collectionSql('find-document', table) },
    load: {
      name: `${schema}-load-${number}`,
      text: `SELECT key, version, position, data FROM ${schema}.documents_${number}
        WHERE key = ANY($1::text[])`,
    },
  }
}

function listStatement(
  table: CollectionTable,
  list: { readonly name: string; readonly conditions: readonly string[]; readonly order: string },
): Statement {
  const { name, conditions, order } = list
  const text = collectionSql('list-documents', table, { conditions: conditions.join(' AND '), order })
  return { name, text }
}

function pageStatement(
  { table, shape }: Omit<CollectionOptions, 'query'>,
  query: PageQuery,
): { readonly statement: Statement; readonly values: readonly unknown[] } {
  const { indexes } = columnsOf(shape)
  const values: unknown[] = [query.afterKey ?? '']
  const conditions = ['data IS NOT NULL', 'key > $3']
  const parameter = (value: unknown): string => `$${values.push(value) + 2}`
  const wanted = new Map(query.where.map(({ index, value }) => [index, value]))
  // No member has two values at once.
  if (query.where.some(({ index, value }) => wanted.get(index) !== value)) conditions.push('FALSE')
  for (const [index, value] of wanted) {
    requireIndex(shape, index)
    const column = `index_${indexes.indexOf(index)}`
    const text = parameter(storable(value))
    conditions.push(`left(${column}, 200) = left(${text}::text, 200)`, `${column} = ${text}`)
  }
  if (query.search !== null) {
    const words = searchedWords(shape, query.search)
    // Folded words hold nothing that a pattern takes for more than itself.
    for (const word of words) conditions.push(`words LIKE ${parameter(`% ${word}%`)}`)
    if (words.length === 0) conditions.push('FALSE')
  }
  const name = statementName('page', [table.schema, String(table.number), ...conditions])
  return { statement: listStatement(table, { name, conditions, order: 'key' }), values }
}
