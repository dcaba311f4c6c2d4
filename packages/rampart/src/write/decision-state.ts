// The state that a decision stands on: what its query asks for, and the fold of the events it finds.
import { decodeEvent, position, type DecisionDefinition, type Position } from '../core/codec/index.ts'
import { RampartError, type Json } from '../core/index.ts'
import type { EventFilter, EventRecord, EventStore } from '../core/ports/index.ts'
import { deepFreeze } from './fold.ts'

/** A query as a store answers it. */
export type Query = readonly (EventFilter & { readonly tags: readonly string[] })[]

/** A state, and the position up to which its events were looked for. */
export interface FoldedState {
  readonly state: unknown
  readonly after: Position
  /** How many events have been folded. */
  readonly events: number
}

const itemsMax = 100

/**
 * What a decision stands on for this command. Items without types mean the types that it evolves, because no
 * other event can change its state. Throws `DECIDER_FAILED` when `query` throws or asks for what no index
 * finds.
 */
export function queryOf(definition: DecisionDefinition, data: Json): Query {
  const evolved = Object.keys(definition.evolve)
  const items = run(definition, 'query', () => definition.query(data))
  if (items.length === 0 || items.length > itemsMax) {
    throw failed(definition, `queries ${items.length} items; 1 to ${itemsMax} are allowed`)
  }
  if (items.some(({ tags }) => tags.length === 0)) {
    throw failed(
      definition,
      'queries an item without tags; name at least one, because events are found by tag',
    )
  }
  return items.map(({ types = evolved, tags }) => ({ types, tags }))
}

/** The state before any event. */
export function initialFold({ state }: DecisionDefinition): FoldedState {
  return { state: deepFreeze(state.initial()), after: position(0), events: 0 }
}

/** What a state is folded from. */
export interface Fold {
  readonly definition: DecisionDefinition
  readonly query: Query
  /** The command's data. */
  readonly data: Json
}

// Whoever needs more at once needs a decider with snapshots, or a query that asks for less.
const eventsMax = 100_000

/**
 * The state with every matching event that is recorded now, read page by page from where `base` ended.
 * Throws `DECIDER_FAILED` when `evolve` throws and for more than 100,000 events.
 */
export async function foldOn(store: EventStore, fold: Fold, base: FoldedState): Promise<FoldedState> {
  let { state, after, events } = base
  for await (const page of store.readLog({ after, anyOf: fold.query })) {
    for (const record of page.events) state = evolve(fold, state, record)
    after = page.through.position
    events += page.events.length
    if (events > eventsMax) {
      throw failed(fold.definition, `stands on more than ${eventsMax} events; narrow its query`)
    }
  }
  return { state, after, events }
}

function evolve({ definition, data }: Fold, state: unknown, record: EventRecord): unknown {
  const step = definition.evolve[record.type]
  const source = definition.sources.find(({ definitions }) => Object.hasOwn(definitions, record.type))
  if (step === undefined || source === undefined) return state
  const event = decodeEvent(source, record)
  // Frozen, because a fold that mutates would give another state when it goes on after a conflict.
  return run(definition, 'evolve', () => deepFreeze(step(state, event.data, data)))
}

/** Runs a part of a decision. Throws `DECIDER_FAILED`, naming the part, when it throws. */
function run<T>(definition: DecisionDefinition, part: string, call: () => T): T {
  try {
    return call()
  } catch (cause) {
    const message = `Decision ${definition.name} threw in ${part}. Nothing was recorded; mend its ${part}.`
    throw new RampartError('DECIDER_FAILED', message, { cause })
  }
}

function failed({ name }: DecisionDefinition, what: string): RampartError {
  return new RampartError('DECIDER_FAILED', `Decision ${name} ${what}.`)
}
