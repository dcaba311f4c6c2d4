// Prints what goes wrong beside any request as a developer reads it; what collects logs gets lines of JSON.
import { styleText } from 'node:util'
import { isRampartError } from '../core/index.ts'
import type { HostOptions } from '../host/index.ts'

type ReportFault = NonNullable<HostOptions['reportFault']>

/** Prints a fault as a sentence, and below it where code of an app or a driver threw what is behind it. */
export function createFaultPrinter(write: (text: string) => void = toStderr): ReportFault {
  return (fault, what) => {
    const code = isRampartError(fault) ? fault.code : 'INTERNAL'
    const message = fault instanceof Error ? fault.message : String(fault)
    write(`${styleText('red', code, { stream: process.stderr })} ${what} failed: ${message}\n`)
    const origin = originOf(fault)
    const stack = isRampartError(origin) ? undefined : origin?.stack
    if (stack !== undefined) write(`${styleText('dim', stack, { stream: process.stderr })}\n`)
  }
}

function toStderr(text: string): void {
  process.stderr.write(text)
}

// What wraps a fault says what it means; where it comes from is what whoever mends it needs.
function originOf(fault: unknown): Error | undefined {
  if (!(fault instanceof Error)) return undefined
  return originOf(fault.cause) ?? fault
}
