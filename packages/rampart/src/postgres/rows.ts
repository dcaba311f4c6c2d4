// Rows as arrays, and typed access to their columns; the same names as in `sqlite/rows.ts`.
// `sqlite/rows.ts`.
import type { CustomTypesConfig } from 'pg'

/** A row: values in the order of the columns of its statement. */
export type Row = readonly unknown[]

const bigintOid = 20
const integerOid = 23
const byteaOid = 17
const numbers = [bigintOid, integerOid]

/** Whole numbers as numbers, which positions and versions fit; everything else as the text that was sent. */
export const plainTypes: CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === byteaOid && format === 'binary') return (value: unknown) => value
    if (oid === byteaOid) return (value: unknown) => Buffer.from(String(value).slice(2), 'hex')
    return numbers.includes(oid) ? Number : (value: unknown) => value
  },
}

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

/** The bytes in a column; none for NULL. */
export function bytesAt(row: Row, index: number): Uint8Array {
  const value = row[index]
  return value instanceof Uint8Array ? value : new Uint8Array()
}

/** The numbers in a column that holds an array of them. */
export function numbersAt(row: Row, index: number): readonly number[] {
  const text = textAt(row, index)
  return text.length <= 2 ? [] : text.slice(1, -1).split(',').map(Number)
}
