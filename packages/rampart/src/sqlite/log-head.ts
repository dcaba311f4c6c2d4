// Where a log stands, as its writer knows it.
import type { Position } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { LogPlace } from '../core/ports/index.ts'

/** Where a log stands; advanced by each accepted append of a batch and read again after a rollback. */
export interface LogHead extends LogIdentity {
  epoch: string
  position: number
  /** The id of the event at `position`; empty at 0. */
  eventId: string
  recordedAtMs: number
  /** How many commands stand in its inbox. */
  inboxCommands: number
}

/** The last place of a log. */
export function headOf({ epoch, position, eventId }: LogHead): LogPlace {
  // Counted on from a stored position.
  return { epoch, position: position as Position, eventId }
}
