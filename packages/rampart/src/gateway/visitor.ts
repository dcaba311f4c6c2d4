// Who sends a request, as the rooms of the gateway see it, and what only operators may.
import type { Caller } from '../core/index.ts'

/** The sender of a request. */
export interface Visitor {
  /** Null where nobody is authenticated. */
  readonly caller: Caller | null
  /** When the token ceases to hold, in milliseconds since 1970; event streams end then. */
  readonly untilMs: number
}

/** Whoever it is: the sender of a request that needs no token. */
export const anyone: Visitor = { caller: null, untilMs: Number.POSITIVE_INFINITY }

/** The role of operators: they see the logs, and the status of every command. */
const operatorRole = 'admin'

/** True for operators; where nobody is authenticated, everyone who reaches the server is one. */
export function isOperator({ caller }: Visitor): boolean {
  return caller === null || caller.roles.includes(operatorRole)
}

/** True when a visitor may know what became of a command of this sender. */
export function mayKnow(visitor: Visitor, actor: string | null): boolean {
  return isOperator(visitor) || visitor.caller?.subject === actor
}
