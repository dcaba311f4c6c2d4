// Finds rows of a database that belong to no log, or to no stream: nothing else looks at them.
import type { Damage } from '../../core/seals/index.ts'
import { readSql, type RunQuery, type Statement } from '../database.ts'
import { numberAt } from '../rows.ts'

const tablesOfLogs = [
  ...['events', 'event_tags', 'streams', 'epochs', 'seals', 'outcomes', 'inbox', 'dead_letters'].map(
    (table) => `rampart_write.${table}`,
  ),
  'rampart_documents.collections',
]

const findTable: Statement = {
  name: 'find-own-table',
  text: 'SELECT $1::text WHERE to_regclass($1) IS NOT NULL',
}
const countStateless: Statement = {
  name: 'count-rows-without-stream',
  text: `SELECT count(*) FROM rampart_write.states AS kept
    WHERE NOT EXISTS (SELECT FROM rampart_write.streams AS s WHERE s.number = kept.stream)`,
}

/** Says which tables have rows that belong to nothing. */
export async function misplacedRows(query: RunQuery): Promise<readonly Damage[]> {
  const found: string[] = []
  for (const table of tablesOfLogs) {
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    if ((await query(findTable, [table])).length === 0) continue
    const text = readSql('count-misplaced-rows').replaceAll('{table}', table)
    // oxlint-disable-next-line no-await-in-loop -- as above
    for (const row of await query({ name: `misplaced-in-${table}`, text }, [])) {
      found.push(`${rowsIn(table, numberAt(row, 1))} outside all logs, at log number ${numberAt(row, 0)}`)
    }
  }
  const [[states] = []] = await query(countStateless, [])
  if (typeof states === 'number' && states > 0) {
    found.push(`${rowsIn('rampart_write.states', states)} of no stream`)
  }
  return found.map((what) => ({ code: 'ROW_MISPLACED', what }))
}

function rowsIn(table: string, count: number): string {
  return `the table ${table} has ${count === 1 ? '1 row' : `${count} rows`}`
}
