// Judges the wall between what commands change and whoever only projects or serves, by what users may do.
import { readSql, type RunQuery, type Statement } from './database.ts'
import { textAt, textOrNullAt } from './rows.ts'

/** Who logs in, and whether to keep read models; without a name, whoever asks. */
export interface Login {
  readonly login: string | null
  readonly projects: boolean
}

/** What a user could read or change behind the wall, by the names of tables. */
export interface OpenTables {
  readonly reads: readonly string[]
  readonly changes: readonly string[]
}

const findOpenTables: Statement = { name: 'find-open-tables', text: readSql('find-open-tables') }

/** What a user could do behind the wall; nothing where it is up. */
export async function openTablesOf(query: RunQuery, { login, projects }: Login): Promise<OpenTables> {
  const rows = await query(findOpenTables, [login, projects])
  const named = (column: number): readonly string[] =>
    rows.filter((row) => textOrNullAt(row, column) === 't').map((row) => textAt(row, 0))
  return { reads: named(1), changes: named(2) }
}

/** Whether processes with such roles have to stay behind the wall. */
export function isReading(roles: readonly string[]): boolean {
  return roles.includes('project') || roles.includes('serve')
}
