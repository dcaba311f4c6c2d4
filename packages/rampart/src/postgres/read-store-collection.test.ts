// What the reading side of a collection asks of the database, where that is not the read store's.
import { expect, test } from 'vitest'
import { createCollectionReader } from './read-store-collection.ts'

test('documents that commit with events have no quarantine, and nobody is asked for one', async () => {
  const shape = { name: 'access', version: 1, log: 'default/papers/0', indexes: [], search: [] }
  const query = () => Promise.reject(new Error('The tables are those of other collections.'))
  const table = { schema: 'rampart_documents', number: 1 } as const
  const { quarantined, queued, skipped } = createCollectionReader({ query, table, shape })
  expect([await quarantined(), await queued('a'), await skipped(10)]).toEqual([[], [], []])
})
