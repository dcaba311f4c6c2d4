// The repositories: the state of a stream from a stored state and the events after it, kept warm between
// commands.
//
//   events   1 ──── 2 ──── 3 ──── 4 ──── 5        eventSourced: a snapshot every so many events, stored with
//   stored          └ state at 2                  the append that completes them; discarded when it is of
//   load              state at 2 + 3, 4, 5        another state version or unusable, and folded from 1.
//
//   stored                             └ at 5     stateStored: a row with every append; migrated when it is
//   load                        state at 5        of another state version, and refused when that fails.
//
// A snapshot goes with the append, and not with one of its own, because it then costs a row of a commit that
// happens anyway, and cannot be ahead of its stream. Both kinds read what is stored in the same way, so that
// a decider may change its kind at any time.
import { LRUCache } from 'lru-cache'
import {
  decodeData,
  streamVersion,
  type DeciderDefinition,
  type StreamFoldRecord,
  type StreamId,
} from '../core/codec/index.ts'
import { RampartError, type RepositoryKind } from '../core/index.ts'
import { snapshotEveryUnlessSaid } from '../core/checks/index.ts'
import type { EventStore, StoredState, StreamQuery } from '../core/ports/index.ts'
import { fold, initialState, type FoldedEvent, type LoadedState } from './fold.ts'
import {
  loadedFrom,
  migrateState,
  readState,
  unreadable,
  writeState,
  type StateName,
} from './stored-state.ts'

/** Loads states of one decider's streams. */
export interface Repository {
  /** The last acknowledged state in memory; another process may have moved the stream on. */
  readonly cached: (id: StreamId) => LoadedState | undefined
  /**
   * The state of a new stream, where the streams that were loaded last have all been new; an append has to
   * prove it, and whoever finds it wrong loads.
   */
  readonly presumed: () => LoadedState | undefined
  /** The state with every event that is recorded now. Throws `STATE_UNREADABLE` for an unusable state row. */
  readonly load: (id: StreamId) => Promise<LoadedState>
  /** The state after further events, which need not be recorded yet. */
  readonly advance: (base: LoadedState, events: readonly FoldedEvent[]) => LoadedState
  /**
   * What the append that leads to a state has to store with it, and the state that holds then. Throws
   * `DECIDER_FAILED` for a state that cannot be a row.
   */
  readonly keep: (id: StreamId, after: LoadedState) => KeptState
  /** Remembers a state whose events are acknowledged, unless a later one is known. */
  readonly remember: (id: StreamId, state: LoadedState) => void
  /** Drops what is remembered, when it may be wrong. */
  readonly forget: (id: StreamId) => void
}

/** A state with what is to be stored of it; nothing when `stored` is absent. */
export interface KeptState {
  readonly after: LoadedState
  readonly stored?: StoredState
}

/** Bounds of the states kept in memory, over all streams of a decider. */
export interface CacheLimits {
  readonly states: number
  readonly weight: number
}

/** 10,000 states or 64 MiB, whichever is reached first. */
export const defaultCacheLimits: CacheLimits = { states: 10_000, weight: 64 * 1024 * 1024 }

/** How many streams in a row are new before the next one that is not in memory is presumed to be. */
const newInARowMin = 8

/** What a repository stands on. */
export interface RepositoryOptions {
  readonly definition: DeciderDefinition
  readonly store: EventStore
  /** `eventSourced` unless given. */
  readonly kind?: RepositoryKind | undefined
  readonly limits?: CacheLimits | undefined
}

/** Creates the repository of a decider over a log. */
export function createRepository(options: RepositoryOptions): Repository {
  const { definition, store, kind = 'eventSourced', limits = defaultCacheLimits } = options
  const strategy = kind === 'stateStored' ? stateStored : eventSourced(kind)
  const cache = new LRUCache<string, LoadedState>({
    max: limits.states,
    maxSize: limits.weight,
    // A state without events weighs something too.
    sizeCalculation: ({ weight }) => weight + 256,
  })
  let newInARow = 0
  let isStateExpected = true
  const loadCold = async (name: StateName): Promise<LoadedState> => {
    const { loaded, isFromState } = await foldCold(store, name, { strategy, isStateExpected })
    if (loaded.version > 0) isStateExpected = isFromState || strategy.eventsFirst === 0
    return loaded
  }
  return {
    cached: (id) => cache.get(id),
    presumed: () => (newInARow < newInARowMin ? undefined : initialState(definition)),
    async load(id) {
      const name = { definition, id }
      const warm = cache.get(id)
      const loaded = warm === undefined ? await loadCold(name) : await foldOn(store, name, warm)
      newInARow = loaded.version === 0 ? newInARow + 1 : 0
      cache.set(id, loaded)
      return loaded
    },
    advance: (base, events) => fold(definition, base, events),
    keep: (id, after) => strategy.keep({ definition, id }, after),
    remember(id, state) {
      const known = cache.peek(id)
      if (known === undefined || known.version < state.version) cache.set(id, state)
    },
    forget: (id) => void cache.delete(id),
  }
}

/** What the kinds of repositories differ in. */
interface Strategy {
  /** How many events are read before a stored state is looked for, where none is expected; 0 for none. */
  readonly eventsFirst: number
  /** The stored state as a base for the events after it; `undefined` when it is to be discarded. */
  readonly baseOf: (name: StateName, stored: StoredState) => LoadedState | undefined
  /** What to do with a stored state that is ahead of its stream: throws, unless it is to be discarded. */
  readonly onAhead: (name: StateName, stored: StoredState) => void
  readonly keep: (name: StateName, after: LoadedState) => KeptState
}

function eventSourced(kind: Exclude<RepositoryKind, 'stateStored'>): Strategy {
  const every = kind === 'eventSourced' ? snapshotEveryUnlessSaid : kind.snapshotEvery
  return {
    eventsFirst: every === 0 ? Number.MAX_SAFE_INTEGER : every,
    baseOf: (name, stored) => {
      if (stored.stateVersion !== name.definition.state.version) return undefined
      const read = readState(name, stored)
      return 'fault' in read ? undefined : loadedFrom(stored, read.state, stored.version)
    },
    onAhead: () => {},
    keep: (name, after) => {
      if (every === 0 || after.version - after.storedVersion < every) return { after }
      const written = writeState(name, after)
      // A state that cannot be stored is folded from its events, and tried again as many events later.
      return 'fault' in written ? { after: { ...after, storedVersion: after.version } } : written
    },
  }
}

const stateStored: Strategy = {
  eventsFirst: 0,
  baseOf: (name, stored) => {
    const read = readState(name, stored)
    if ('fault' in read) throw unreadable(name, read.fault)
    if (stored.stateVersion === name.definition.state.version) {
      return loadedFrom(stored, read.state, stored.version)
    }
    // The next append stores what the migration made.
    return loadedFrom(stored, migrateState(name, stored, read.state), 0)
  },
  onAhead: (name, { version }) => {
    throw unreadable(name, `it stands at version ${version}, which its stream has not reached`)
  },
  keep: (name, after) => {
    if (after.version === after.storedVersion) return { after }
    const written = writeState(name, after)
    if (!('fault' in written)) return written
    const { of } = name.definition
    const message = `The state of ${of.name} ${name.id} cannot be stored: ${written.fault}.`
    throw new RampartError('DECIDER_FAILED', `${message} Keep less in it, or keep the decider event-sourced.`)
  },
}

/** A state from what is stored, and whether a stored state was its base. */
interface ColdLoad {
  readonly loaded: LoadedState
  readonly isFromState: boolean
}

// Where the last stream had no stored state, a short one is folded without a look for its own. A stream with
// as many events as a snapshot needs may have one, which stands for them only if it has come as far.
async function foldCold(
  store: EventStore,
  name: StateName,
  { strategy, isStateExpected }: { readonly strategy: Strategy; readonly isStateExpected: boolean },
): Promise<ColdLoad> {
  const limit = isStateExpected ? 0 : strategy.eventsFirst
  const first = await foldFirst(store, name, limit)
  if (first.version < limit) return { loaded: first, isFromState: false }
  const stored = await store.loadState(name.definition.of.name, name.id)
  const base = stored === undefined ? undefined : strategy.baseOf(name, stored)
  if (stored !== undefined && base !== undefined && stored.version >= first.version) {
    const loaded = await foldAfter(store, name, base)
    if (loaded !== undefined) return { loaded, isFromState: true }
    strategy.onAhead(name, stored)
  }
  return { loaded: await foldOn(store, name, first), isFromState: false }
}

/** The state after the first events of a stream. */
async function foldFirst(store: EventStore, name: StateName, limit: number): Promise<LoadedState> {
  let loaded = initialState(name.definition)
  if (limit === 0) return loaded
  for await (const events of eventsFrom(store, name, { limit })) {
    loaded = fold(name.definition, loaded, events)
  }
  return loaded
}

/** The state after all events behind a base that is known to be true. */
async function foldOn(store: EventStore, name: StateName, base: LoadedState): Promise<LoadedState> {
  let loaded = base
  for await (const events of eventsFrom(store, name, { from: streamVersion(base.version + 1) })) {
    loaded = fold(name.definition, loaded, events)
  }
  return loaded
}

/**
 * The same on a base that claims a version: the event of that version is read as well. `undefined` when the
 * stream does not have it.
 */
async function foldAfter(
  store: EventStore,
  name: StateName,
  base: LoadedState,
): Promise<LoadedState | undefined> {
  let loaded: LoadedState | undefined
  for await (const events of eventsFrom(store, name, { from: base.version })) {
    loaded =
      loaded === undefined
        ? fold(name.definition, base, events.slice(1))
        : fold(name.definition, loaded, events)
  }
  return loaded
}

async function* eventsFrom(
  store: EventStore,
  { definition, id }: StateName,
  stretch: Pick<StreamQuery, 'from' | 'limit'>,
): AsyncGenerator<readonly FoldedEvent[]> {
  const { of } = definition
  const whereOf = ({ version }: StreamFoldRecord): string => `version ${version} of ${of.name} ${id}`
  for await (const page of store.readStreamToFold({ decider: of.name, id, ...stretch })) {
    yield page.map((record) => ({
      type: record.type,
      data: decodeData(of, record, whereOf),
      payloadBytes: record.text.length,
    }))
  }
}
