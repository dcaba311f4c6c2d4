// A collection of documents as a verification looks at it: what its columns and its index of words say, and
// whom its quarantine names.
import type { DatabaseSync } from 'node:sqlite'
import type { FoundDocuments, ViewedCollection } from '../../core/inspection/index.ts'
import type { CollectionState, StoredDocument } from '../../core/ports/index.ts'
import { columnsOf, ownColumns, type Columns } from '../../core/rows/index.ts'
import { createCollectionReader, type Reader } from '../read-store-collection.ts'
import { collectionSql, rowOf } from '../read-store-tables.ts'
import { prepareQuery, textAt } from '../rows.ts'

/** Looks at the collection of a number. */
export function viewCollection(
  database: DatabaseSync,
  reader: Reader,
  { state, number }: { readonly state: CollectionState; readonly number: number },
): ViewedCollection {
  const columns = columnsOf(state.shape)
  const named = ['quarantined_keys', 'queued_events'].map(
    (table) => `SELECT key FROM ${table} WHERE collection = ${number}`,
  )
  return {
    state,
    documents: createCollectionReader({ reader, number, shape: state.shape }),
    misfiled: async (documents) => misfiledIn(reader, { number, columns }, documents),
    misindexed: async () =>
      columns.search.length === 0 ? { documents: 0, sample: [] } : misindexedIn(database, number),
    namedInQuarantine: async () => reader.rows(named.join(' UNION '), []).map(([key]) => String(key)),
  }
}

function misfiledIn(
  reader: Reader,
  { number, columns }: { readonly number: number; readonly columns: Columns },
  documents: readonly StoredDocument[],
): readonly string[] {
  const own = ownColumns(columns)
  if (own.length === 0) return []
  const sql =
    `SELECT key, ${own.join(', ')} FROM documents_${number} ` +
    'WHERE key IN (SELECT value FROM json_each(?))'
  const rows = reader.rows(sql, [JSON.stringify(documents.map(({ key }) => key))])
  const stored = new Map(rows.map(([key, ...cells]) => [String(key), JSON.stringify(cells)]))
  const expected = (document: StoredDocument): string =>
    JSON.stringify(rowOf(columns, document).slice(-own.length))
  return documents.filter((one) => stored.get(one.key) !== expected(one)).map(({ key }) => key)
}

const sampleMax = 5

// A temporary file takes the second index: it is as large as the first.
function misindexedIn(database: DatabaseSync, number: number): FoundDocuments {
  database.exec(collectionSql('index-words-anew', number))
  try {
    const found = prepareQuery(database, collectionSql('compare-words', number)).all()
    return { documents: found.length, sample: found.slice(0, sampleMax).map((row) => textAt(row, 0)) }
  } finally {
    for (const table of ['terms_anew', 'terms_stored', 'words_anew'])
      database.exec(`DROP TABLE temp.${table}`)
  }
}
