// Commits of batches to a collection on PostgreSQL: documents and checkpoint in one statement.
import type { Client } from 'pg'
import { RampartError } from '../core/index.ts'
import type { CollectionShape, CommitRequest, LogPlace, StoredDocument } from '../core/ports/index.ts'
import { type Columns, columnsOf, ownColumns, placeOf } from '../core/rows/index.ts'
import { inTransaction, run, type Statement } from './database.ts'
import { requireHeld, type Fence } from './read-store-fence.ts'
import { changeQuarantine } from './read-store-quarantine.ts'
import { cellsOf, collectionSql } from './read-store-tables.ts'
import { numberAt } from './rows.ts'

/**
 * Commits a batch over the writing connection. Throws `STORE_UNAVAILABLE` when it begins elsewhere, and
 * `LEASE_LOST`.
 */
export type CommitBatch = (client: Client, request: CommitRequest) => Promise<void>

/** Prepares the commits of one collection, under a lease if one is given. */
export function createCommit(number: number, shape: CollectionShape, fence?: Fence): CommitBatch {
  const columns = columnsOf(shape)
  const statement = commitStatement(number, columns)
  const move: CommitBatch = async (client, { from, to, documents }) => {
    const ends = [to.epoch, to.position, to.eventId, from.epoch, from.position, from.eventId]
    const held = [fence?.rowName ?? null, fence?.lease.fence ?? null]
    const values = [number, ...ends, ...held, ...cellsOf(columns, lastOfEach(documents))]
    const [row = []] = await run(client, statement, values)
    if (numberAt(row, 0) === 1) return
    if (fence !== undefined) await requireHeld(client, fence)
    throw await movedCheckpoint(client, { number, name: shape.name, from })
  }
  return async (client, request) => {
    const { quarantine = [] } = request
    // A statement alone spares the round trips of a transaction.
    if (quarantine.length === 0) return move(client, request)
    return inTransaction(client, async () => {
      await move(client, request)
      await changeQuarantine(client, number, quarantine)
    })
  }
}

function commitStatement(number: number, columns: Columns): Statement {
  const own = ownColumns(columns)
  const names = ['key', 'version', 'position', 'data', ...own]
  const types = ['text', 'bigint', 'bigint', 'text', ...own.map(() => 'text')]
  const text = collectionSql(
    'commit-documents',
    { schema: 'rampart_read', number },
    {
      columns: names.join(', '),
      values: types.map((type, index) => `$${index + 10}::${type}[]`).join(', '),
      updates: names
        .slice(1)
        .map((name) => `${name} = excluded.${name}`)
        .join(', '),
    },
  )
  return { name: `commit-documents-${number}`, text }
}

// One statement cannot write a row twice.
function lastOfEach(documents: readonly StoredDocument[]): readonly StoredDocument[] {
  const byKey = new Map(documents.map((document) => [document.key, document]))
  return byKey.size === documents.length ? documents : [...byKey.values()]
}

const collectionPlace: Statement = {
  name: 'collection-place',
  text: 'SELECT epoch, position, event_id FROM rampart_read.collections WHERE number = $1',
}

async function movedCheckpoint(
  client: Client,
  { number, name, from }: { readonly number: number; readonly name: string; readonly from: LogPlace },
): Promise<RampartError> {
  const [row] = await run(client, collectionPlace, [number])
  const where = row === undefined ? 'is gone' : `is at position ${placeOf(row).position}`
  const message =
    `The checkpoint of ${name} ${where}, not at ${from.position} ` +
    'where this batch begins: another process has moved it. Continue from there.'
  return new RampartError('STORE_UNAVAILABLE', message)
}
