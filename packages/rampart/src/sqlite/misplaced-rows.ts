// Rows of a write store that no log of it has: somebody changed the list of its logs, or added the rows.
import { readSql } from './database.ts'
import { numberAt, textAt, type Query } from './rows.ts'

/** Rows of a table that name a log which is not there. */
export interface MisplacedRows {
  readonly table: string
  /** The number of the log that they name. */
  readonly log: number
  readonly rows: number
}

const named = { log: 'log', column: 'log', first: 'first >> 43', last: '(last - 1) >> 43' }
const placed = (column: string) => ({ log: `${column} >> 43`, column, first: 'first', last: 'last' })
const tablesOfLogs = [
  { table: 'events', ...placed('place') },
  { table: 'seals', ...placed('seal') },
  { table: 'streams', ...named },
  { table: 'epochs', ...named },
]

/** Finds them, table by table, where a file has these tables. It looks at gaps between logs only. */
export function misplacedRows(query: (sql: string) => Query): readonly MisplacedRows[] {
  const rows = query("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  const there = new Set(rows.map((row) => textAt(row, 0)))
  if (!there.has('logs')) return []
  return tablesOfLogs.filter(({ table }) => there.has(table)).flatMap((parts) => misplacedIn(query, parts))
}

function misplacedIn(
  query: (sql: string) => Query,
  parts: (typeof tablesOfLogs)[number],
): readonly MisplacedRows[] {
  const sql = Object.entries(parts).reduce(
    (text, [name, part]) => text.replaceAll(`{${name}}`, part),
    readSql('count-misplaced-rows'),
  )
  const { table } = parts
  return query(sql)
    .all()
    .map((row) => ({ table, log: numberAt(row, 0), rows: numberAt(row, 1) }))
}

/** Says it: `the table events has 12 rows outside all logs, at log number 1`. */
export function misplacedText({ table, log, rows }: MisplacedRows): string {
  const count = rows === 1 ? '1 row' : `${rows} rows`
  return `the table ${table} has ${count} outside all logs, at log number ${log}`
}
