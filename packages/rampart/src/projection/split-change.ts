// Another number of parts than before: until the parts of today contain as much, readers get the documents of
// the parts before, as they are or as a process with older code keeps them.
//
//   orders, parts: 2 before      at 812, shown ─────────────┐ as soon as all of today's are at 812
//   orders, parts: 4 today       from 0, built ─────────────┴─> shown
//   the next start               finds today's complete, and forgets those before
import { RampartError, type Projection } from '../core/index.ts'
import { splitName } from '../core/inspection/index.ts'
import type { EventStore, LogKey, ReadStore } from '../core/ports/index.ts'
import { followProjection, type FollowOptions } from './followed-projection.ts'
import { leaseNameOf, type LeasedProjection } from './leased-projection.ts'
import { partsOf } from './parts.ts'
import { noKeys } from './running-projection.ts'
import type { ShownProjection } from './shown-projection.ts'
import { showSplit } from './split-projection.ts'
import type { Move } from './waiters.ts'

/** The same projection in other numbers of parts, as far as the store has any of them. */
export function otherSplits(projection: Projection, names: readonly string[]): readonly Projection[] {
  const counts = names
    .map(splitName)
    .filter(({ name, parts }) => name === projection.name && parts !== projection.parts)
    .map(({ parts }) => parts)
  return [...new Set(counts)].map((parts) => ({ ...projection, parts }))
}

/** Today's parts, and what was there before them. */
export interface SplitChange {
  readonly own: ShownProjection
  readonly others: readonly Projection[]
  /** Opens the documents of a part as they are kept; `undefined` when there are none, or of no use. */
  readonly open: (part: Projection) => Promise<LeasedProjection | undefined>
}

/** What readers get, whether that is today's parts, and what ends it. */
export interface ShownChange extends LeasedProjection {
  readonly isComplete: boolean
}

interface Predecessor extends LeasedProjection {
  /** The largest place that one of its parts contains. */
  readonly furthest: () => number
}

/** Shows what came furthest of what was there before, until today's parts contain as much. */
export async function showChange({ own, others, open }: SplitChange): Promise<ShownChange> {
  const opened = await Promise.all(others.map((other) => openSplit(other, open)))
  const found = opened.flatMap((one) => one ?? [])
  const least = ({ shown }: Predecessor): number => shown.reached().position
  const [best, ...rest] = found.toSorted((one, other) => least(other) - least(one))
  await Promise.all(rest.map((one) => one.stop()))
  if (best === undefined) return { shown: own, isComplete: true, stop: async () => {} }
  if (!hasOvertaken(own, best)) return { shown: showSuccessor(own, best), isComplete: false, stop: best.stop }
  await best.stop()
  return { shown: own, isComplete: true, stop: async () => {} }
}

/** Whether readers lose nothing. Parts that no process has begun yet contain nothing, and cannot be read. */
function hasOvertaken(own: ShownProjection, { furthest }: Predecessor): boolean {
  const { position } = own.reached()
  return position >= furthest() && (position > 0 || own.state().status === 'running')
}

async function openSplit(split: Projection, open: SplitChange['open']): Promise<Predecessor | undefined> {
  const opened = (await Promise.all(partsOf(split).map(open))).flatMap((one) => one ?? [])
  const stop = async (): Promise<void> => void (await Promise.all(opened.map((one) => one.stop())))
  const parts = opened.map(({ shown }) => shown)
  if (parts.length < split.parts) {
    await stop()
    return undefined
  }
  const furthest = (): number => Math.max(...parts.map((part) => part.reached().position))
  return { shown: showSplit(split, parts), furthest, stop }
}

/** What is shown at one time, and how that moves. */
function createSuccession(own: ShownProjection, before: Predecessor) {
  const listeners = new Set<(move: Move) => void>()
  let current = before.shown
  const tell = (move: Move): void => {
    for (const listener of listeners) listener(move)
  }
  const onMove = (move: Move): void => {
    if (current === own || !hasOvertaken(own, before)) return tell(move)
    current = own
    void before.stop()
    tell({ reached: undefined, keys: noKeys })
  }
  before.shown.onMoved(onMove)
  own.onMoved(onMove)
  return {
    now: () => current,
    onMoved: (callback: (move: Move) => void) => {
      const listener = (move: Move): void => callback(move)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function showSuccessor(own: ShownProjection, before: Predecessor): ShownProjection {
  const { now, onMoved } = createSuccession(own, before)
  // Of parts that no process has begun, nothing can be told.
  const told = (): ShownProjection => (own.reached().epoch === '' ? now() : own)
  return {
    projection: own.projection,
    log: own.log,
    // What is shown becomes another.
    get collection() {
      return now().collection
    },
    partOf: (key) => now().partOf?.(key) ?? now(),
    // What stops today's parts leaves those before as readable as they were.
    state: () => (own.state().status === 'ended' ? own.state() : now().state()),
    tag: () => now().tag(),
    reached: () => now().reached(),
    placeOf: (place) => now().placeOf(place),
    onMoved,
    judge: (place) => now().judge(place),
    lag: () => told().lag(),
    quarantinedCount: () => told().quarantinedCount(),
    treat: own.treat,
    ...(own.rebuild === undefined ? {} : { rebuild: own.rebuild }),
    beginsAnew: own.beginsAnew,
    upgradeStopped() {
      const state = own.state()
      return now() !== own && state.status === 'stopped' ? state.reason : own.upgradeStopped()
    },
  }
}

/** What a process that runs projections opens documents with. */
export interface KeptDocuments {
  readonly store: EventStore
  readonly readStore: ReadStore
  readonly runtime: FollowOptions['runtime']
  readonly reportFault: FollowOptions['reportFault']
}

/** Opens the documents of a part that may have run before, unless they contain a lost future. */
export async function openKept(
  { store, readStore, runtime, reportFault }: KeptDocuments,
  part: Projection,
): Promise<LeasedProjection | undefined> {
  const { log } = store
  const live = (await readStore.collections(log, part.name)).find(({ isLive }) => isLive)
  if (live === undefined || (await store.judge(live.checkpoint)) !== 'held') return undefined
  const { shared } = readStore
  if (shared !== undefined) {
    const followed = await followProjection({ projection: part, log, shared, runtime, reportFault })
    return { shown: followed, stop: followed.stop }
  }
  const collection = await readStore.openCollection(live.shape, live.checkpoint.epoch, live.generation)
  return { shown: standingStill({ store, part, collection, live }), stop: async () => {} }
}

interface Still {
  readonly store: EventStore
  readonly part: Projection
  readonly collection: ShownProjection['collection']
  readonly live: Awaited<ReturnType<ReadStore['collections']>>[number]
}

/** Documents that nothing changes any more in the one process that has their store. */
function standingStill({ store, part, collection, live }: Still): ShownProjection {
  return {
    projection: part,
    log: store.log,
    collection,
    state: () => ({ status: 'running' }),
    tag: () => live.tag ?? String(live.version),
    reached: () => live.checkpoint,
    placeOf: (place) => place,
    onMoved: () => () => {},
    judge: (place) => store.judge(place),
    // Asked of those that take its place.
    lag: async () => ({ events: 0, seconds: 0 }),
    quarantinedCount: () => 0,
    treat: () => Promise.reject(new RampartError('READ_NOT_FOUND', `${part.name} stands still.`)),
    upgradeStopped: () => undefined,
    beginsAnew: () => undefined,
  }
}

/** Where documents are forgotten. */
export interface Forgetting {
  readonly log: LogKey
  readonly readStore: ReadStore
  readonly holder: string
}

// Long enough to drop what is there.
const forgetMs = 30_000

/** Forgets the documents of other splits, but for parts that a process with other code still runs. */
export async function forgetSplit({ log, readStore, holder }: Forgetting, split: Projection): Promise<void> {
  for (const { name } of partsOf(split)) {
    // oxlint-disable-next-line no-await-in-loop -- the store changes one at a time
    await (readStore.leases === undefined
      ? readStore.forget(log, name)
      : forgetUnderLeases({ log, readStore, holder, leases: readStore.leases }, name))
  }
}

interface UnderLeases extends Forgetting {
  readonly leases: NonNullable<ReadStore['leases']>
}

async function forgetUnderLeases(
  { log, readStore, holder, leases }: UnderLeases,
  name: string,
): Promise<void> {
  const states = await readStore.collections(log, name)
  const versions = [...new Set(states.map(({ version }) => version))]
  const asked = await Promise.all(
    versions.map((version) =>
      leases.take({ name: leaseNameOf(log, { name, version }), holder, leaseMs: forgetMs }),
    ),
  )
  const taken = asked.flatMap((lease) => lease ?? [])
  const [first] = taken
  try {
    if (first !== undefined && taken.length === versions.length) await leases.under(first).forget(log, name)
  } finally {
    await Promise.all(taken.map((lease) => leases.giveBack(lease)))
  }
}
