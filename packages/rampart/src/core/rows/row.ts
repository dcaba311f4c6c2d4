// Rows of a database as arrays, which drivers make at half the cost of objects, and typed access to their
// columns.

/** A row: values in the order of the columns of its statement. */
export type Row = readonly unknown[]

/** The text in a column; empty for NULL. */
export function textAt(row: Row, index: number): string {
  const value = row[index]
  return typeof value === 'string' ? value : ''
}

/** The text in a column, or null. */
export function textOrNullAt(row: Row, index: number): string | null {
  const value = row[index]
  return typeof value === 'string' ? value : null
}

/** The number in a column; 0 for NULL. */
export function numberAt(row: Row, index: number): number {
  const value = row[index]
  return typeof value === 'number' ? value : 0
}

/** The number in a column, or null. */
export function numberOrNullAt(row: Row, index: number): number | null {
  const value = row[index]
  return typeof value === 'number' ? value : null
}
