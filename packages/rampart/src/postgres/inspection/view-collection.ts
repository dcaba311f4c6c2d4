// A collection of documents as a verification looks at it: what its columns say, and whom its quarantine
// names.
import type { ViewedCollection } from '../../core/inspection/index.ts'
import type { CollectionState, StoredDocument } from '../../core/ports/index.ts'
import { columnsOf, ownColumns } from '../../core/rows/index.ts'
import type { RunQuery, Statement } from '../database.ts'
import { createCollectionReader } from '../read-store-collection.ts'
import { cellsText, type CollectionTable } from '../read-store-tables.ts'
import { textAt } from '../rows.ts'

const findNamed: Statement = {
  name: 'find-named-in-quarantine',
  text: `SELECT key FROM rampart_read.quarantined_keys WHERE collection = $1
    UNION SELECT key FROM rampart_read.queued_events WHERE collection = $1`,
}

/** Looks at the collection of a table. */
export function viewCollection(
  query: RunQuery,
  { schema, number }: CollectionTable,
  state: CollectionState,
): ViewedCollection {
  const columns = columnsOf(state.shape)
  const own = ownColumns(columns)
  const findCells: Statement = {
    name: `${schema}-cells-${number}`,
    text: `SELECT ${['key', ...own].join(', ')} FROM ${schema}.documents_${number}
      WHERE key = ANY($1::text[])`,
  }
  const misfiled = async (documents: readonly StoredDocument[]): Promise<readonly string[]> => {
    const rows = await query(findCells, [documents.map(({ key }) => key)])
    const stored = new Map(rows.map(([key, ...cells]) => [String(key), JSON.stringify(cells)]))
    return documents
      .filter(({ key, data }) => stored.get(key) !== cellsText(columns, data))
      .map(({ key }) => key)
  }
  return {
    state,
    documents: createCollectionReader({ query, table: { schema, number }, shape: state.shape }),
    misfiled: async (documents) => (own.length === 0 ? [] : misfiled(documents)),
    // The database keeps its indexes itself.
    misindexed: async () => ({ documents: 0, sample: [] }),
    // Of what commits with events no key ever stands still: a handler that throws fails its command.
    namedInQuarantine: async () =>
      schema === 'rampart_read' ? (await query(findNamed, [number])).map((row) => textAt(row, 0)) : [],
  }
}
