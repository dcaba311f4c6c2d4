// The reading side of one collection: documents, listings and changes, each with the checkpoint of the same
// moment.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { requireIndex } from '../core/checks/index.ts'
import { RampartError } from '../core/index.ts'
import type {
  CollectionShape,
  DocumentCollection,
  DocumentPage,
  PageQuery,
  StoredDocument,
} from '../core/ports/index.ts'
import { type Columns, columnsOf, documentOf, placeOf } from '../core/rows/index.ts'
import { storeFault } from './database.ts'
import { createQuarantineReader } from './read-store-quarantine.ts'
import { collectionSql } from './read-store-tables.ts'
import { matchExpression } from './read-store-words.ts'

/** A connection for reading, with the statements that were prepared on it. */
export interface Reader {
  /**
   * Rows of a query, each an array. Throws `STORE_CLOSED` after the end, and what the database's failure
   * means.
   */
  readonly rows: (sql: string, values: readonly SQLInputValue[]) => readonly (readonly unknown[])[]
  /** The first rows of a query whose last column is a document, as far as `bytesMax` of that reaches. */
  readonly rowsWithin: (bytesMax: number, sql: string, values: readonly SQLInputValue[]) => BoundedRows
  /** Runs several queries over one state of the database. */
  readonly atOneMoment: <T>(read: () => T) => T
}

/** Rows of a query; `isCut` says that further ones were left out for their bytes. */
interface BoundedRows {
  readonly rows: readonly (readonly unknown[])[]
  readonly isCut: boolean
}

/** How large the documents of one listing are together unless its reader says otherwise. */
const listingBytesMaxUnlessSaid = 8 * 1024 * 1024

/** How many different queries stay prepared; listings differ by the indexes that they combine. */
const statementsMax = 100

/** Makes a reader of a connection; `isClosed` says whether the store has ended. */
export function createReader(
  database: Pick<DatabaseSync, 'prepare' | 'exec'>,
  file: string,
  isClosed: () => boolean,
): Reader {
  const statements = new Map<string, StatementSync>()
  const statementOf = (sql: string): StatementSync => {
    const known = statements.get(sql)
    const statement = known ?? database.prepare(sql)
    if (known === undefined) statement.setReturnArrays(true)
    // A map keeps its order of insertion: what was used last stands last, and the first goes when there are
    // too many.
    statements.delete(sql)
    statements.set(sql, statement)
    const [oldest] = statements.keys()
    if (statements.size > statementsMax && oldest !== undefined) statements.delete(oldest)
    return statement
  }
  const guarded = <T>(read: () => T): T => {
    if (isClosed()) throw new RampartError('STORE_CLOSED', `The read store ${file} is closed. Open it again.`)
    try {
      return read()
    } catch (error) {
      throw storeFault(error, file)
    }
  }
  return {
    // Statements that return arrays are typed as if they returned objects.
    rows: (sql, values) =>
      guarded(() => statementOf(sql).all(...values) as unknown as readonly (readonly unknown[])[]),
    rowsWithin: (bytesMax, sql, values) => guarded(() => withinBytes(statementOf(sql), values, bytesMax)),
    atOneMoment: (read) => guarded(() => withinTransaction(database, read)),
  }
}

function withinTransaction<T>(database: Pick<DatabaseSync, 'exec'>, read: () => T): T {
  database.exec('BEGIN')
  try {
    return read()
  } finally {
    database.exec('COMMIT')
  }
}

/** Reads row by row, so that no more is held than allowed; the first row comes whatever it weighs. */
function withinBytes(
  statement: StatementSync,
  values: readonly SQLInputValue[],
  bytesMax: number,
): BoundedRows {
  const rows: (readonly unknown[])[] = []
  let bytes = 0
  // Statements that return arrays are typed as if they returned objects.
  for (const row of statement.iterate(...values) as unknown as Iterable<readonly unknown[]>) {
    const data = row.at(-1)
    bytes += typeof data === 'string' ? data.length : 0
    if (bytes > bytesMax && rows.length > 0) return { rows, isCut: true }
    rows.push(row)
  }
  return { rows, isCut: false }
}

/** What the reading half of a collection is made of. */
export interface CollectionOptions {
  readonly reader: Reader
  readonly number: number
  readonly shape: CollectionShape
}

/** The reading half of a collection. */
export function createCollectionReader(
  options: CollectionOptions,
): Omit<DocumentCollection, 'shape' | 'commit' | 'onCommitted'> {
  const { reader, number, shape } = options
  const columns = columnsOf(shape)
  const sql = sqlOf(number)
  const state = (): readonly unknown[] => reader.rows(sql.state, [])[0] ?? []
  const listed = (text: string, values: readonly SQLInputValue[], bytesMax = listingBytesMaxUnlessSaid) =>
    reader.atOneMoment(() => {
      const { rows, isCut } = reader.rowsWithin(bytesMax, text, values)
      const quarantined = new Set(reader.rows(sql.quarantined, []).map(([key]) => String(key)))
      return { documents: rows.map(documentOf), isCut, state: state(), quarantined }
    })
  return {
    ...createQuarantineReader(reader.rows, number),
    checkpoint: async () => placeOf(state()),
    load: async (keys) => {
      const found = reader.rows(sql.load, [JSON.stringify(keys)]).map(documentOf)
      return new Map(found.map((document) => [document.key, document]))
    },
    get: async (key) => foundOf(key, reader.rows(sql.find, [key])[0] ?? []),
    page: async (query) => {
      const { text, values } = pageSql(number, shape, { columns, query })
      // One more than asked for tells whether another follows.
      const found = listed(text, [...values, query.limit + 1], query.bytesMax)
      return pageOf(found, query.limit)
    },
    changes: async ({ after, limit, key, bytesMax }) => {
      const from = [after.position, after.key]
      const found =
        key === undefined
          ? listed(sql.changes, [...from, limit], bytesMax)
          : listed(sql.changesOfKey, [...from, key, limit], bytesMax)
      return { documents: found.documents, checkpoint: placeOf(found.state), healed: Number(found.state[3]) }
    },
  }
}

/** The document and the checkpoint of one row; where there is no document its columns are null. */
function foundOf(key: string, row: readonly unknown[]) {
  const [isQuarantined, version, at, data] = row.slice(3)
  const document = at === null ? undefined : documentOf([key, version, at, data])
  return { document, checkpoint: placeOf(row), isQuarantined: isQuarantined === 1 }
}

interface Found {
  readonly documents: readonly StoredDocument[]
  readonly isCut: boolean
  /** The row of the collection itself, which begins with its checkpoint. */
  readonly state: readonly unknown[]
  readonly quarantined: ReadonlySet<string>
}

function pageOf(found: Found, limit: number): DocumentPage {
  const documents = found.documents.slice(0, limit)
  const listed = documents.filter(({ key }) => found.quarantined.has(key)).map(({ key }) => key)
  return {
    documents,
    more: found.isCut || found.documents.length > limit,
    checkpoint: placeOf(found.state),
    quarantined: new Set(listed),
  }
}

function sqlOf(number: number) {
  return {
    state: `SELECT epoch, position, event_id, healed FROM collections WHERE number = ${number}`,
    quarantined: `SELECT key FROM quarantined_keys WHERE collection = ${number}`,
    find: collectionSql('find-document', number),
    load: collectionSql('load-documents', number),
    changes: collectionSql('list-changes', number, { conditions: '' }),
    changesOfKey: collectionSql('list-changes', number, { conditions: ' AND key = ?' }),
  }
}

interface PageParts {
  readonly columns: Columns
  readonly query: PageQuery
}

function pageSql(
  number: number,
  shape: CollectionShape,
  { columns, query }: PageParts,
): { readonly text: string; readonly values: readonly SQLInputValue[] } {
  const wanted = new Map(query.where.map(({ index, value }) => [index, value]))
  // No member has two values at once; so there are never more conditions than indexes.
  const isContradiction = query.where.some(({ index, value }) => wanted.get(index) !== value)
  const conditions = isContradiction ? [' AND FALSE'] : []
  const values: SQLInputValue[] = [query.afterKey ?? '']
  for (const [index, value] of wanted) {
    requireIndex(shape, index)
    conditions.push(` AND index_${columns.indexes.indexOf(index)} = ?`)
    values.push(value)
  }
  if (query.search !== null) {
    const match = matchExpression(shape, query.search)
    conditions.push(match === undefined ? ' AND FALSE' : ` AND id IN (${searchSql(number)})`)
    if (match !== undefined) values.push(match)
  }
  return {
    text: collectionSql('list-documents', number, { conditions: conditions.join('') }),
    values,
  }
}

function searchSql(number: number): string {
  return `SELECT rowid FROM words_${number} WHERE words_${number} MATCH ?`
}

const anyNumber = /\d+/g
const conditions =
  / AND FALSE| AND index_N = \?| AND id IN \(SELECT rowid FROM words_N WHERE words_N MATCH \?\)/g

const knownStatements = new Set(
  [...Object.values(sqlOf(0)), collectionSql('list-documents', 0, { conditions: '' })].map((sql) =>
    sql.replaceAll(anyNumber, 'N'),
  ),
)

/**
 * True for the statements that reading a collection takes; nothing in them varies but numbers, and which
 * indexes a listing asks for.
 */
export function isCollectionStatement(sql: string): boolean {
  return knownStatements.has(sql.replaceAll(anyNumber, 'N').replaceAll(conditions, ''))
}
