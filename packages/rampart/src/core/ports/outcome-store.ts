// Outcomes of commands: stored by the append that claims the command's id, found again by that id.
import type { CommandId, StreamVersion } from '../identity.ts'
import type { Json } from '../json.ts'
import type { LogPlace } from './log.ts'

/** Claims a command id for this append, whatever its outcome. */
export interface CommandClaim {
  readonly id: CommandId
  /** Names what was asked, so that the same id with other content is recognised. 64 characters at most. */
  readonly fingerprint: string
  /** What to answer to a repetition; stored as it is. */
  readonly outcome: Json
  /**
   * After this time (milliseconds since 1970) the id is free again. Ignored when the append has events; null
   * = never.
   */
  readonly expiresAtMs: number | null
  /**
   * A command that waits in the inbox is left to it: the append then changes nothing and answers `waiting`.
   */
  readonly leavesToInbox?: boolean
}

/** The recorded outcome of a command, with the place that its append reached. */
export interface StoredOutcome {
  readonly commandId: CommandId
  readonly fingerprint: string
  readonly outcome: Json
  /** The version of the first write's stream after the append. */
  readonly version: StreamVersion
  /** The last position of the append; the head at that moment when it had no events. */
  readonly place: LogPlace
  readonly recordedAtMs: number
}
