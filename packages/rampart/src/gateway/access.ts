// Who may send which commands and read which projections of an app, beside the rules of single streams and
// documents.
import { RampartError, type Caller } from '../core/index.ts'
import type { Visitor } from './visitor.ts'

/**
 * The rules of an app about whole command types and projections. A rule gets null where nobody is
 * authenticated; an absent rule lets everyone. Rules about single streams and documents stand with the
 * decider and the projection, as `may`.
 */
export interface AppAccess<Command extends string = string, Read extends string = string> {
  /** Whether a caller may send commands of a type; asked before anything of the command is read. */
  readonly send?: (caller: Caller | null, type: Command) => boolean
  /** Whether a caller may read a projection. */
  readonly read?: (caller: Caller | null, projection: Read) => boolean
}

/** Throws `FORBIDDEN` unless a visitor may send commands of this type. */
export function requireMaySend({ send }: AppAccess, { caller }: Visitor, type: string): void {
  if (send === undefined || permits(send(caller, type))) return
  throw new RampartError('FORBIDDEN', `You may not send ${type}.`)
}

/** Throws `FORBIDDEN` unless a visitor may read this projection. */
export function requireMayRead({ read }: AppAccess, { caller }: Visitor, projection: string): void {
  if (read === undefined || permits(read(caller, projection))) return
  throw new RampartError('FORBIDDEN', `You may not read ${projection}.`)
}

/** Only true permits: what a rule answers by mistake, a promise for one, must not. */
export function permits(answer: unknown): boolean {
  return answer === true
}
