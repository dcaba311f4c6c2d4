// Rows as the driver of PostgreSQL makes them: numbers and bytes where it knows of them, texts for the rest.
import type { CustomTypesConfig } from 'pg'
import { textAt, type Row } from '../core/rows/index.ts'

export { numberAt, numberOrNullAt, textAt, textOrNullAt } from '../core/rows/index.ts'
export type { Row } from '../core/rows/index.ts'

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
