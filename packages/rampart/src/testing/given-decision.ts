// A decision over the events of an example: those that its query finds are folded, as in a log.
import { encodeEvent, isRefusal, type AnyEvents, type DecisionDefinition } from '../core/codec/index.ts'
import { RampartError, type DecidedEvent, type Json } from '../core/index.ts'
import { askOf, checkedData, eventsOrRefusal, type Circumstances, type Then } from './example.ts'

interface Sent {
  readonly data: unknown
  readonly circumstances: Circumstances
}

/** What a decision comes to over a log with these events. */
export function decideOver(
  definition: DecisionDefinition,
  past: readonly DecidedEvent[],
  { data, circumstances }: Sent,
): Then['decision'] {
  const { name, evolve } = definition
  const checked = checkedData(definition, data)
  if (!('data' in checked)) return checked
  const isFound = finderOf(definition, checked.data)
  const state = past.reduce<unknown>((before, event) => {
    const { data: recorded, tags } = encoded(definition, event)
    return isFound(event.type, tags) ? evolve[event.type]?.(before, recorded, checked.data) : before
  }, definition.state.initial())
  const { id: _, ...ask } = askOf(circumstances)
  const answer = eventsOrRefusal(name, definition, definition.decide(state, checked.data, ask))
  if (isRefusal(answer)) return answer
  const sources = new Set(answer.map((event) => sourceOf(definition, event)))
  if (sources.size <= 1)
    return answer.map((event) => ({ type: event.type, data: encoded(definition, event).data }))
  const message = `Decision ${name} decided events of several definitions, and they go to one stream.`
  throw new RampartError('DECIDER_FAILED', message)
}

// Items without types mean the types that it evolves, and no other event can change its state.
function finderOf({ query, evolve }: DecisionDefinition, data: Json) {
  const items = query(data)
  const evolved = Object.keys(evolve)
  return (type: string, tags: readonly string[]): boolean =>
    evolved.includes(type) &&
    items.some(
      (item) => (item.types ?? evolved).includes(type) && item.tags.every((tag) => tags.includes(tag)),
    )
}

function encoded(definition: DecisionDefinition, event: DecidedEvent) {
  const { data, stored } = encodeEvent(sourceOf(definition, event), event)
  return { data, tags: stored.tags ?? [] }
}

function sourceOf({ name, sources }: DecisionDefinition, { type }: DecidedEvent): AnyEvents {
  const source = sources.find(({ definitions }) => Object.hasOwn(definitions, type))
  if (source !== undefined) return source
  const known = sources.flatMap(({ definitions }) => Object.keys(definitions)).join(', ')
  throw new RampartError('EVENT_TYPE_UNKNOWN', `Decision ${name} has no event ${type}. It has: ${known}.`)
}
