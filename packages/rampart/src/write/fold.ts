// Folds events into states, for the repositories.
import { streamVersion, type DeciderDefinition, type StreamVersion } from '../core/codec/index.ts'
import { RampartError, type Json } from '../core/index.ts'
import { weightOf } from '../core/checks/index.ts'

/** The state of a stream at a version. */
export interface LoadedState {
  readonly state: unknown
  readonly version: StreamVersion
  /** What the state is taken to weigh in memory, in bytes: its last weight, and the events folded since. */
  readonly weight: number
  /** What it weighed when it was weighed last. */
  readonly weighed: number
  /** The version at which the state was last stored, or could not be stored; 0 when it never was. */
  readonly storedVersion: number
}

/** What a fold step needs of an event. */
export interface FoldedEvent {
  readonly type: string
  readonly data: Json
  readonly payloadBytes: number
}

/** The state of a stream without events. */
export function initialState(definition: DeciderDefinition): LoadedState {
  return {
    state: deepFreeze(definition.state.initial()),
    version: streamVersion(0),
    weight: 0,
    weighed: 0,
    storedVersion: 0,
  }
}

/** The state after further events. Throws `DECIDER_FAILED` when `evolve` throws. */
export function fold(
  definition: DeciderDefinition,
  base: LoadedState,
  events: readonly FoldedEvent[],
): LoadedState {
  let { state, weight } = base
  for (const { type, data, payloadBytes } of events) {
    state = evolve(definition, state, { type, data })
    weight += payloadBytes
  }
  const version = streamVersion(base.version + events.length)
  // Written out, because it is done for every command, and a spread costs as much as the rest of it.
  const { weighed, storedVersion } = base
  if (weight - weighed < Math.max(weighed, unweighedMin)) {
    return { state, version, weight, weighed, storedVersion }
  }
  const now = Math.min(weight, weightOf(state, weight))
  return { state, version, weight: now, weighed: now, storedVersion }
}

// Most states do not grow with their events. One is weighed again when the events since have as many bytes as
// it had, so that a state that does grow is not looked through for each of them.
const unweighedMin = 4096

function evolve(definition: DeciderDefinition, state: unknown, event: { type: string; data: Json }): unknown {
  try {
    // Frozen, because a fold that mutates would change states that others still hold, and the failure of an
    // append could not be undone.
    return deepFreeze(definition.evolve[event.type]?.(state, event.data))
  } catch (cause) {
    const message = `Decider ${definition.of.name} threw while it evolved ${event.type}. Mend its evolve.`
    throw new RampartError('DECIDER_FAILED', message, { cause })
  }
}

/** Freezes a value and everything in it, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const name of Object.keys(value)) deepFreeze(Reflect.get(value, name))
  return value
}
