// The event-sourced repository: the state of a stream as a fold of its events, kept warm between commands.
import { LRUCache } from 'lru-cache'
import {
  decodeEvent,
  streamVersion,
  type DeciderDefinition,
  type StreamId,
  type StreamVersion,
} from '../core/codec/index.ts'
import { RampartError, type Json } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'

/** The state of a stream at a version. */
export interface LoadedState {
  readonly state: unknown
  readonly version: StreamVersion
  /** Bytes of the events folded so far: what the state is taken to weigh in the cache. */
  readonly foldedBytes: number
}

/** What a fold step needs of an event. */
export interface FoldedEvent {
  readonly type: string
  readonly data: Json
  readonly payloadBytes: number
}

/** Loads states of one decider's streams. */
export interface Repository {
  /** The last acknowledged state in memory; another process may have moved the stream on. */
  readonly cached: (id: StreamId) => LoadedState | undefined
  /** The state with every event that is recorded now. */
  readonly load: (id: StreamId) => Promise<LoadedState>
  /** The state after further events, which need not be recorded yet. */
  readonly advance: (base: LoadedState, events: readonly FoldedEvent[]) => LoadedState
  /** Remembers a state whose events are acknowledged, unless a later one is known. */
  readonly remember: (id: StreamId, state: LoadedState) => void
  /** Drops what is remembered, when it may be wrong. */
  readonly forget: (id: StreamId) => void
}

/** Bounds of the states kept in memory, over all streams of a decider. */
export interface CacheLimits {
  readonly states: number
  readonly foldedBytes: number
}

/** 10,000 states or 64 MiB of folded events, whichever is reached first. */
export const defaultCacheLimits: CacheLimits = { states: 10_000, foldedBytes: 64 * 1024 * 1024 }

/** Creates the repository of a decider over a log. */
export function createRepository(
  definition: DeciderDefinition,
  store: EventStore,
  limits: CacheLimits = defaultCacheLimits,
): Repository {
  const cache = new LRUCache<string, LoadedState>({
    max: limits.states,
    maxSize: limits.foldedBytes,
    // A state without events weighs something too.
    sizeCalculation: ({ foldedBytes }) => foldedBytes + 256,
  })
  const advance: Repository['advance'] = (base, events) => fold(definition, base, events)
  return {
    cached: (id) => cache.get(id),
    async load(id) {
      let loaded = cache.get(id) ?? initialState(definition)
      const from = streamVersion(loaded.version + 1)
      for await (const page of store.readStream({ decider: definition.of.name, id, from })) {
        const events = page.map((record) => ({
          type: record.type,
          data: decodeEvent(definition.of, record).data,
          payloadBytes: record.payload.byteLength,
        }))
        loaded = advance(loaded, events)
      }
      cache.set(id, loaded)
      return loaded
    },
    advance,
    remember(id, state) {
      const known = cache.peek(id)
      if (known === undefined || known.version < state.version) cache.set(id, state)
    },
    forget: (id) => void cache.delete(id),
  }
}

function initialState(definition: DeciderDefinition): LoadedState {
  return { state: deepFreeze(definition.state.initial()), version: streamVersion(0), foldedBytes: 0 }
}

function fold(definition: DeciderDefinition, base: LoadedState, events: readonly FoldedEvent[]): LoadedState {
  let { state, foldedBytes } = base
  for (const { type, data, payloadBytes } of events) {
    state = evolve(definition, state, { type, data })
    foldedBytes += payloadBytes
  }
  return { state, version: streamVersion(base.version + events.length), foldedBytes }
}

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

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const child of Object.values(value)) deepFreeze(child)
  return value
}
