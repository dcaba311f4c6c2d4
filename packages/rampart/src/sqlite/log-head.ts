// Where a log stands, as its writer knows it.
import type { Position } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { LogPlace } from '../core/ports/index.ts'
import { createGenerations, type Generations } from './generations.ts'

/** A stream that has events. */
export interface StreamHead {
  readonly number: number
  version: number
  /** The ticket of the append that made its last event; absent when it had none or is not remembered. */
  ticket?: string | undefined
}

/** Where a log stands; advanced by each accepted append of a batch and read again after a rollback. */
export interface LogHead extends LogIdentity {
  epoch: string
  position: number
  /** The id of the event at `position`; empty at 0. */
  eventId: string
  recordedAtMs: number
  /** How many commands stand in its inbox. */
  inboxCommands: number
  /** Streams that were used lately, by id, of each decider. */
  readonly streams: Map<string, Generations<string, StreamHead>>
}

// A hundred bytes each, for each decider, and twice as many at most.
const streamsCached = 25_000

/** The streams of a decider that were used lately. */
export function streamsOf({ streams }: LogHead, decider: string): Generations<string, StreamHead> {
  const known = streams.get(decider)
  if (known !== undefined) return known
  const created = createGenerations<string, StreamHead>(streamsCached)
  streams.set(decider, created)
  return created
}

/** The last place of a log. */
export function headOf({ epoch, position, eventId }: LogHead): LogPlace {
  // Counted on from a stored position.
  return { epoch, position: position as Position, eventId }
}
