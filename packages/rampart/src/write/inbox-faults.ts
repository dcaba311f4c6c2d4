// Tells the inbox worker what the fault of an accepted command means for it.
import { isRampartError, type ErrorCode } from '../core/index.ts'
import { isDeferred } from './line-faults.ts'
import type { Failing } from './outcome.ts'

/** Answers, not failures to be tried again: a demanded version that does not hold, for one. */
const answers: readonly ErrorCode[] = [
  'COMMAND_TYPE_UNKNOWN',
  'FORBIDDEN',
  'IDEMPOTENCY_KEY_REUSED',
  'VERSION_MISMATCH',
]
/** What its sender has to know, and no operator has to mend. */
const senderFaults: readonly string[] = ['FORBIDDEN', 'VERSION_MISMATCH'] satisfies readonly ErrorCode[]
/** The store's own trouble says nothing about the command, so it is never given up for that. */
const storeFaults: readonly ErrorCode[] = [
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
  'STORE_CLOSED',
  'STORE_FULL',
  'STORE_LOCKED',
  'STORE_SCHEMA_NEWER',
  'STORE_UNAVAILABLE',
  'STREAM_CONTENDED',
]

/**
 * What a fault is to a command: its answer, a failure of its own, trouble of the store, or that it was
 * `deferred` behind another one. Only a failure of its own is an attempt.
 */
export type FaultKind = 'answer' | 'failure' | 'trouble' | 'deferred'

/** The kind of a fault. */
export function kindOf(fault: unknown): FaultKind {
  if (isDeferred(fault)) return 'deferred'
  if (isStoreTrouble(fault)) return 'trouble'
  return answers.includes(codeOf(fault)) ? 'answer' : 'failure'
}

/** True for what only says that the store, or who is in its way, cannot do anything for now. */
export function isStoreTrouble(fault: unknown): boolean {
  return storeFaults.includes(codeOf(fault))
}

/** What is kept of a command that ends with a fault. */
export function failingOf(fault: unknown): Failing {
  return { code: codeOf(fault), detail: causeOf(fault), ...versionIn(fault) }
}

/** Whether an operator must see a command that ended so. */
export function concernsOperators({ code }: Failing): boolean {
  return !senderFaults.includes(code)
}

/** The fault in words, with the causes behind it; bounded, because it is stored. */
export function causeOf(fault: unknown): string {
  const texts: string[] = []
  for (let each: unknown = fault; each instanceof Error && texts.length < 5; each = each.cause)
    texts.push(each.message)
  return (texts.length === 0 ? String(fault) : texts.join(' Cause: ')).toWellFormed().slice(0, 4000)
}

function codeOf(fault: unknown): ErrorCode {
  return isRampartError(fault) ? fault.code : 'INTERNAL'
}

/** The version that a stream has where another one was demanded. */
function versionIn(fault: unknown): Pick<Failing, 'version'> {
  const version = isRampartError(fault, 'VERSION_MISMATCH') ? fault.details['version'] : undefined
  return typeof version === 'number' ? { version } : {}
}
