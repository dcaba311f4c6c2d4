// Which events a read is asked for, and what it answers; used by the readers of events and who asks them.
import type { StreamId } from '../core/codec/index.ts'
import type { EventFilter, EventRecord } from '../core/ports/index.ts'

/** A stretch of a stream; both versions inclusive. */
export interface StreamRange {
  readonly decider: string
  readonly id: StreamId
  readonly lowest: number
  readonly highest: number
  readonly isForward: boolean
  readonly limit: number
}

/** A stretch of a log, and the filters of which one must pick an event; every event when there are none. */
export interface LogRange {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly through: number
  readonly limit: number
  readonly filters: readonly EventFilter[] | undefined
}

/** Events read in one go; `isWhole` is false when more of the range may be left. */
export interface ReadEvents<Event = EventRecord> {
  readonly events: readonly Event[]
  readonly isWhole: boolean
}
