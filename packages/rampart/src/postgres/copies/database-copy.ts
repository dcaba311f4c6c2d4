// Copies what commands change out of a database, as it is at one moment, beside the processes that write it.
//
// All rows come from one snapshot. It takes no lock that a writer waits for, and the newest position is found
// by an index, so that appends go on as fast as before; what they leave behind is cleared away once it ends.
import type { Client } from 'pg'
import type { LogPlace } from '../../core/ports/index.ts'
import { run, storeFault, type Statement } from '../database.ts'
import { beginMoment, connectToLook, requireStore, withoutApp } from '../inspection/one-moment.ts'
import { writeSchema } from '../migrations.ts'
import { numberAt, textAt } from '../rows.ts'
import { copyOut, type CopiedRows } from './copy-stream.ts'

/** A table in a copy. */
export interface CopiedTable {
  readonly name: string
  readonly columns: readonly string[]
}

/** A log in a copy, and the last place of it there. */
export interface CopiedLog {
  readonly app: string
  readonly log: string
  readonly head: LogPlace
}

/** A database at one moment. */
export interface DatabaseCopy extends AsyncDisposable {
  /** How far its schema is. */
  readonly step: number
  /** About how many rows each has is known beforehand. */
  readonly tables: readonly (CopiedTable & { readonly rowsExpected: number })[]
  readonly logs: readonly CopiedLog[]
  /** The rows of a table, as COPY writes them. */
  readonly rowsOf: (table: CopiedTable) => AsyncIterable<CopiedRows>
}

/** Opens a database for a copy. Throws `INPUT_INVALID` for one without a store, and `STORE_UNAVAILABLE`. */
export async function openDatabaseCopy(url: string): Promise<DatabaseCopy> {
  // A table takes as long as it takes.
  const client = await connectToLook(url, 0)
  try {
    await client.query(beginMoment)
    await requireStore((statement, values) => run(client, statement, values), url)
    const [row = []] = await run(client, findStep, [])
    return {
      step: numberAt(row, 0),
      tables: await tablesIn(client),
      logs: await logsIn(client),
      rowsOf: (table) => rowsOf(client, url, table),
      [Symbol.asyncDispose]: () => client.end(),
    }
  } catch (error) {
    await client.end()
    throw storeFault(error, url)
  }
}

const findStep: Statement = {
  name: 'find-step',
  text: `SELECT max(step) FROM ${writeSchema.name}.schema_steps`,
}

const listTables: Statement = {
  name: 'list-tables',
  text: `SELECT c.relname, string_agg(a.attname, ',' ORDER BY a.attnum), greatest(c.reltuples, 0)::bigint
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = '${writeSchema.name}'::regnamespace AND c.relkind = 'r'
      AND c.relname <> 'schema_steps'
    GROUP BY c.oid ORDER BY c.relname`,
}

async function tablesIn(client: Client): Promise<DatabaseCopy['tables']> {
  return (await run(client, listTables, [])).map((row) => ({
    name: textAt(row, 0),
    columns: textAt(row, 1).split(','),
    rowsExpected: numberAt(row, 2),
  }))
}

const listHeads: Statement = {
  name: 'list-heads',
  text: `SELECT l.key, newest.epoch, coalesce(head.position, 0), coalesce(head.event_id, '')
    FROM rampart_write.logs AS l
    JOIN LATERAL (
      SELECT h.epoch FROM rampart_write.epochs AS h WHERE h.log = l.number ORDER BY h.ordinal DESC LIMIT 1
    ) AS newest ON true
    LEFT JOIN LATERAL (
      SELECT e.position, e.append_id || '.' || e.append_index AS event_id
      FROM rampart_write.events AS e WHERE e.log = l.number ORDER BY e.position DESC LIMIT 1
    ) AS head ON true
    ORDER BY l.key`,
}

/** The logs of a database, each with its last place. */
export async function logsIn(client: Client): Promise<readonly CopiedLog[]> {
  return (await run(client, listHeads, [])).map((row) => {
    const [app = ''] = textAt(row, 0).split(':')
    // Stored positions are whole numbers.
    const position = numberAt(row, 2) as LogPlace['position']
    const head = { epoch: textAt(row, 1), position, eventId: textAt(row, 3) }
    return { app, log: withoutApp(textAt(row, 0)), head }
  })
}

async function* rowsOf(
  client: Client,
  url: string,
  { name, columns }: CopiedTable,
): AsyncGenerator<CopiedRows> {
  try {
    yield* copyOut(client, `COPY ${writeSchema.name}.${name} (${columns.join(', ')}) TO STDOUT`)
  } catch (error) {
    throw storeFault(error, url)
  }
}
