// A fault as a developer reads it on a terminal; what collects logs gets lines of JSON.
import { styleText } from 'node:util'
import { isRampartError } from '../core/index.ts'

/** What goes wrong, where, and how often it did since it was written last. */
export interface WrittenFault {
  readonly fault: unknown
  readonly what: string
  readonly leftOut: number
}

/** A sentence, and below it where code of an app or a driver threw what is behind it. */
export function printedFault({ fault, what, leftOut }: WrittenFault): string {
  const code = isRampartError(fault) ? fault.code : 'INTERNAL'
  const message = fault instanceof Error ? fault.message : String(fault)
  const more = leftOut === 0 ? '' : ` (and ${leftOut} more like this)`
  const sentence = `${styleText('red', code, { stream: process.stderr })} ${what} failed: ${message}${more}\n`
  const origin = originOf(fault)
  const stack = isRampartError(origin) ? undefined : origin?.stack
  return stack === undefined
    ? sentence
    : `${sentence}${styleText('dim', stack, { stream: process.stderr })}\n`
}

// What wraps a fault says what it means; where it comes from is what whoever mends it needs.
function originOf(fault: unknown): Error | undefined {
  if (!(fault instanceof Error)) return undefined
  return originOf(fault.cause) ?? fault
}
