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

/**
 * What a place is to a log: `held` when the log contains it, else why it is not of the log's history.
 *
 * - `foreign`: it names an epoch that the log never had.
 * - `forked`: it lies beyond the fork at which a later epoch began.
 * - `replaced`: its epoch would hold it, but the log has another event there, or none: an older copy was put
 *   in the place of the log, and nobody said so.
 */
export type PlaceJudgement = 'held' | 'foreign' | 'forked' | 'replaced'

/**
 * Judges a place by a log's epochs, oldest first, and by the id of the event at a position (`undefined`
 * beyond the head), which is asked for only when the epochs have nothing against the place.
 *
 *     epoch a   1 ── 2 ── 3 ── 4 ── 5        a5 is forked, a2 and a3 are held
 *     epoch b             └─── 4'── 5'── 6'  begun with fork position 3; b6 is held
 */
export function judgePlace(
  { epoch, position, eventId }: LogPlace,
  epochs: readonly Epoch[],
  eventIdAt: (position: Position) => string | undefined,
): PlaceJudgement {
  const own = epochs.findIndex((one) => one.epoch === epoch)
  if (own === -1) return 'foreign'
  if (epochs.slice(own + 1).some(({ forkPosition }) => position > forkPosition)) return 'forked'
  const there = position === 0 ? '' : eventIdAt(position)
  return there === eventId ? 'held' : 'replaced'
}
