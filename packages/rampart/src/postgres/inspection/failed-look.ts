// What a failed look at a database means: whether it tells of what stands there, or of the way to it.
import { isRampartError } from '../../core/index.ts'
import type { FailedLook } from '../../core/seals/index.ts'
import { isDataError, sqlState } from '../database.ts'

const lacksRight = '42501'
/** A schema, table, column or function is not there, or another one. */
const schemaErrors = ['3F000', '42P01', '42703', '42883', '42804']

/** What a failed look at a database means. */
export function meaningOfFailure(fault: unknown): FailedLook {
  if (!(fault instanceof Error)) return { kind: 'other' }
  const what = fault.message.replace(/\.$/, '')
  if (isRampartError(fault, 'STORE_SCHEMA_NEWER')) {
    return { kind: 'damage', damage: { code: 'SCHEMA_NEWER', what } }
  }
  if (!isRampartError(fault, 'STORE_UNAVAILABLE')) return { kind: 'other' }
  const { cause } = fault
  const reason = cause instanceof Error ? cause.message : what
  const state = sqlState(cause) ?? ''
  if (state === lacksRight) return { kind: 'barred', what: reason }
  if (schemaErrors.includes(state)) {
    return { kind: 'damage', damage: { code: 'SCHEMA_CHANGED', what: `it cannot be read: ${reason}` } }
  }
  // A page that is damaged, a file that is missing or cannot be read, a value that is none.
  if (/^(?:XX|58)/.test(state) || isDataError(cause)) {
    return { kind: 'damage', damage: { code: 'FILE_DAMAGED', what: `it cannot be read: ${reason}` } }
  }
  return { kind: 'away' }
}
