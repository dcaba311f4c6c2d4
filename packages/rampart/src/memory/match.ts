// Finds events of a log in memory by type and tags: for conditions of appends and for reads of the log.
import type { EventFilter, EventRecord, LogQuery, MatchCondition } from '../core/ports/index.ts'
import type { LogState } from './log-state.ts'

/** The first condition that an event of the log matches; `undefined` when none does. */
export function findMatched(state: LogState, conditions: readonly MatchCondition[] = []): number | undefined {
  const matched = conditions.findIndex((condition) => pick(state, condition, condition.after).length > 0)
  return matched === -1 ? undefined : matched
}

/** The events after a position that a query asks for, in order. */
export function eventsAfter(state: LogState, query: LogQuery, after: number): readonly EventRecord[] {
  const { anyOf } = query
  if (anyOf === undefined) return pick(state, query, after)
  const events = new Set(anyOf.flatMap((filter) => pick(state, filter, after)))
  return [...events].toSorted((one, other) => one.position - other.position)
}

function pick(state: LogState, { types, tags = [] }: EventFilter, after: number): readonly EventRecord[] {
  return candidates(state, tags, after).filter(
    (event) =>
      (types === undefined || types.includes(event.type)) && tags.every((tag) => event.tags.includes(tag)),
  )
}

// The events of the rarest tag, or all events where no tag is asked for.
function candidates(state: LogState, tags: readonly string[], after: number): readonly EventRecord[] {
  if (tags.length === 0) return state.events.slice(after)
  const lists = tags.map((tag) => state.tagged.get(tag) ?? [])
  const rarest = lists.reduce((one, other) => (other.length < one.length ? other : one))
  const before = rarest.findLastIndex((event) => event.position <= after)
  return rarest.slice(before + 1)
}
