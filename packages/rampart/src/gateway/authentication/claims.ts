// Reads who somebody is from the claims of a token whose signature holds.
import type { JWTPayload } from 'jose'
import type { Caller } from '../../core/index.ts'
import { refusedToken } from './refused-token.ts'

const nameBytesMax = 256
const rolesMax = 100

/** The caller that claims name. Throws `UNAUTHENTICATED` for a subject or roles that cannot be recorded. */
export function callerOf({ sub, roles = [] }: JWTPayload): Caller {
  if (!isName(sub)) throw refusedToken('The claim sub must be 1 to 256 bytes without control characters.')
  if (!isListOfNames(roles)) throw refusedToken('The claim roles must be a list of at most 100 names.')
  return { subject: sub, roles }
}

function isListOfNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length <= rolesMax && value.every(isName)
}

function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || Buffer.byteLength(value) > nameBytesMax) return false
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  return value.isWellFormed() && !/[\u0000-\u001f\u007f-\u009f]/.test(value)
}
