// The epochs of a log in memory, and the judgement of places by them.
import { position, type Position } from '../core/codec/index.ts'
import { judgePlace } from '../core/checks/index.ts'
import type { Runtime } from '../core/index.ts'
import { eventId, type EventStore } from '../core/ports/index.ts'
import { requireOpen, type LogState } from './log-state.ts'

/** The part of an event store that is about its history. */
export function createHistory(
  state: LogState,
  runtime: Runtime,
): Pick<EventStore, 'epochs' | 'judge' | 'beginEpoch'> {
  return {
    epochs: async () => [...state.epochs],
    judge: async (place) => {
      requireOpen(state)
      return judgePlace(place, state.epochs, (at) => eventIdAt(state, at))
    },
    beginEpoch: async () => {
      requireOpen(state)
      state.epochs.push({ epoch: runtime.uuid(), forkPosition: position(state.events.length) })
    },
  }
}

function eventIdAt({ events }: LogState, at: Position): string | undefined {
  const event = events[at - 1]
  return event === undefined ? undefined : eventId(event)
}
