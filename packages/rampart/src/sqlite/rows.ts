// Rows as the driver of SQLite makes them.
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'

export { numberAt, numberOrNullAt, textAt, textOrNullAt } from '../core/rows/index.ts'

/** A row: values in the order of the columns of its statement. */
export type Row = readonly SQLOutputValue[]

/** A prepared statement that answers with rows. */
export interface Query {
  readonly all: (...values: SQLInputValue[]) => readonly Row[]
  readonly get: (...values: SQLInputValue[]) => Row | undefined
  /** The same with values by name. */
  readonly allNamed: (values: Record<string, SQLInputValue>) => readonly Row[]
}

/** Prepares a statement that answers with rows. */
export function prepareQuery(database: DatabaseSync, sql: string): Query {
  const statement: StatementSync = database.prepare(sql)
  statement.setReturnArrays(true)
  return {
    // The types of the driver do not know that rows are arrays now.
    all: (...values) => statement.all(...values) as unknown as readonly Row[],
    get: (...values) => statement.get(...values) as unknown as Row | undefined,
    allNamed: (values) => statement.all(values) as unknown as readonly Row[],
  }
}
