// Logs by name, and places in them that can be recognised again.
import type { Position } from '../identity.ts'

/** Names a log: tenant, bounded context and partition, joined by slashes: `default/orders/0`. */
export type LogKey = string

/** The key of a context's log, of the one tenant and the one partition that there are for now. */
export function logKey(contextName: string): LogKey {
  return `default/${contextName}/0`
}

/**
 * A place in a log that can be recognised again: after a restore, position alone would mean another event.
 */
export interface LogPlace {
  /** The epoch of the log when this was read. */
  readonly epoch: string
  readonly position: Position
  /** The id of the event at `position`; empty at position 0. */
  readonly eventId: string
}

/**
 * A stretch of a log's history: `forkPosition` is the last position that it shares with the epoch before it.
 */
export interface Epoch {
  readonly epoch: string
  readonly forkPosition: Position
}
