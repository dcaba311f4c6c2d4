// What an append does with tags: checks its conditions against all that is recorded, and keeps its own tags.
import type { MatchCondition, NewEvent } from '../core/ports/index.ts'
import { placeOf } from './places.ts'
import { numberAt } from './rows.ts'
import type { LogHead } from './log-head.ts'
import type { WriterState } from './writer-state.ts'

/**
 * The first condition that a recorded event matches, those of earlier appends of the batch among them;
 * `undefined` when none does.
 */
export function findMatched(
  { tagIndex }: WriterState,
  log: LogHead,
  conditions: readonly MatchCondition[] = [],
): number | undefined {
  const matched = conditions.findIndex(({ tags, types, after }) => {
    // Nothing to look at, which is the usual case of a decision that nobody raced.
    if (after >= log.position) return false
    const through = placeOf(log.number, log.position)
    for (let from = placeOf(log.number, after); from < through;) {
      const found = tagIndex({ tags, types }, { after: from, through, limit: 1 })
      if (found.places.length > 0) return true
      from = found.through
    }
    return false
  })
  return matched === -1 ? undefined : matched
}

/** Keeps the tags of an event that was recorded at a place. */
export function keepTags(
  state: WriterState,
  { tags }: NewEvent,
  event: { readonly place: number; readonly type: number },
): void {
  if (tags === undefined || tags.length === 0) return
  for (const tag of tags) state.statements.keepTag.run(tagNumber(state, tag), event.place, event.type)
}

function tagNumber({ statements, tags }: WriterState, tag: string): number {
  const cached = tags.get(tag)
  if (cached !== undefined) return cached
  const row = statements.findTag.get(tag) ?? statements.insertTag.get(tag) ?? []
  const number = numberAt(row, 0)
  tags.set(tag, number)
  return number
}
