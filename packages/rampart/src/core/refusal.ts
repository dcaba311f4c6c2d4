// A refusal is the domain's expected "no": a value with a stable code, never thrown.
import type { DecidedEvent } from './events.ts'
import type { Json } from './json.ts'

/** The answer of a decider that does not do what was asked. */
export interface Refusal<Code extends string = string> {
  readonly refused: Code
  /** A sentence for people; a plain one is made of the code when absent. */
  readonly detail?: string
  /** Machine-readable circumstances, shown to the caller. */
  readonly data?: Json
  /** Events that are recorded although the command is refused; none unless given. */
  readonly records?: readonly DecidedEvent[]
}

/** What a refusal may add to its code and data. */
export interface RefusalOptions {
  readonly detail?: string
  readonly records?: readonly DecidedEvent[]
}

/** Makes a refusal. Absent parts stay absent, so that a refusal compares equal to one written by hand. */
export function refuse<Code extends string>(
  code: Code,
  data?: Json,
  options: RefusalOptions = {},
): Refusal<Code> {
  return { refused: code, ...(data === undefined ? {} : { data }), ...options }
}

/** True when a decision is a refusal. */
export function isRefusal(decision: object): decision is Refusal {
  return 'refused' in decision
}
