// A projection as readers get it: one collection is live, others may be built beside it and take its place.
//
//   code of a newer version      live: version 1, as it was        beside it: version 2 from position 0
//   `rampart rebuild`            live: generation 1, kept up       beside it: generation 2 from position 0
//                                          └── one transaction, once the other contains as much ──┘
//
// Readers see the live collection until the switch and the other one from then on. Nothing goes back for
// them, because the other one contains at least what the live one does at that instant.
import { RampartError, sleep } from '../core/index.ts'
import type { CollectionState, DocumentCollection, LogPlace } from '../core/ports/index.ts'
import { createBackOff, isPassing } from '../subscription/index.ts'
import { findStart } from './checkpoint.ts'
import { createProjectionRunner } from './create-projection-runner.ts'
import type { ProjectionRunner, ProjectionRunnerOptions } from './projection-runner.ts'
import { createRebuild, type Rebuild } from './rebuild.ts'
import { createStage, untilMoved, type Serving, type Stage } from './stage.ts'

/** A runner whose collection may change while it runs, and what operators do about that. */
export interface ServedProjection extends ProjectionRunner {
  readonly rebuild: Rebuild
  /** Why documents of an older version stay live: their successors cannot be built any further. */
  readonly upgradeStopped: () => string | undefined
  /** Whether documents of another version are live. */
  readonly isUpgrading: () => boolean
}

/** Starts a projection; while documents of another version are stored, its own are built beside them. */
export async function createServedProjection(options: ProjectionRunnerOptions): Promise<ServedProjection> {
  const { projection, store, readStore } = options
  const states = await readStore.collections(store.log, projection.name)
  const live = states.find(({ isLive }) => isLive)
  if (live === undefined || live.version === projection.version) {
    const name = { version: projection.version, generation: live?.generation ?? 1 }
    const tag = live?.tag ?? String(projection.version)
    const runner = await createProjectionRunner({ ...options, generation: name.generation, tag })
    const stage = createStage({ name, runner })
    return facadeOf(options, stage)
  }
  return upgrade(options, { states, live })
}

interface Stored {
  readonly states: readonly CollectionState[]
  readonly live: CollectionState
}

/** Shows the documents of the stored version as they are, until those of today's version contain as much. */
async function upgrade(
  options: ProjectionRunnerOptions,
  { states, live }: Stored,
): Promise<ServedProjection> {
  const { projection, store, readStore } = options
  const { version } = projection
  const kept = states.filter((state) => state.version === version)
  const generation = (kept.findLast(({ tag }) => tag !== null) ?? kept.at(-1))?.generation ?? 1
  const tag = String(version)
  const builder = await createProjectionRunner({ ...options, generation, tag })
  const collection = await readStore.openCollection(live.shape, live.checkpoint.epoch, live.generation)
  const place = await findStart(collection, store)
  const still = standingStill({ collection, place, tag: live.tag ?? String(live.version), builder })
  const stage = createStage({ name: { version: live.version, generation: live.generation }, runner: still })
  const what = `the upgrade of projection ${projection.name}`
  let failure: string | undefined
  const own = { name: { version, generation }, runner: builder }
  const done = takeOver(options, { live, collection, stage, own }).catch((fault: unknown) => {
    failure = fault instanceof Error ? fault.message : String(fault)
    options.reportFault?.(fault, what)
  })
  return facadeOf(options, stage, { done, builder, stopped: () => failure ?? stoppedIn(stage, builder) })
}

interface TakeOver {
  readonly live: CollectionState
  readonly collection: DocumentCollection
  readonly stage: Stage
  readonly own: Serving
}

/** Shows the documents of today's version as soon as they contain what the live ones do. */
async function takeOver(options: ProjectionRunnerOptions, { live, collection, stage, own }: TakeOver) {
  const { projection, store, readStore, runtime } = options
  const backOff = createBackOff(runtime)
  for (;;) {
    const { position } = await collection.checkpoint()
    const isThere = (): boolean => own.runner.reached().position >= position
    if (!(await untilMoved(own.runner, { isThere, options }))) return
    const held = await own.runner.hold()
    try {
      const pair = { log: store.log, name: projection.name, live, other: own.name }
      await readStore.switchLive(pair, own.runner.tag())
      return stage.show(own)
    } catch (fault) {
      // Another process may still keep the live ones up to date, and be ahead at this moment.
      if (!isPassing(fault)) throw fault
    } finally {
      held.release()
    }
    await sleep(runtime, backOff.nextDelayMs())
  }
}

function stoppedIn(stage: Stage, builder: ProjectionRunner): string | undefined {
  const state = builder.state()
  return stage.current().runner !== builder && state.status === 'stopped' ? state.reason : undefined
}

interface Still {
  readonly collection: DocumentCollection
  readonly place: LogPlace
  readonly tag: string
  readonly builder: ProjectionRunner
}

/** Documents whose code is gone: they are there to be read, and nothing changes them. */
function standingStill({ collection, place, tag, builder }: Still): ProjectionRunner {
  return {
    ...builder,
    collection,
    // What stops its successor leaves these documents as readable as they were.
    state: () => (builder.state().status === 'ended' ? { status: 'ended' } : { status: 'running' }),
    tag: () => tag,
    reached: () => place,
    placeOf: (at) => at,
    quarantinedCount: () => 0,
    onMoved: (callback) => builder.onMoved(() => callback({ reached: undefined, keys: new Set() })),
    async treat() {
      const message = 'A newer version is being built, which this key is not quarantined in. Wait for it.'
      throw new RampartError('READ_NOT_FOUND', message)
    },
  }
}

interface Upgrade {
  readonly done: Promise<unknown>
  readonly builder: ProjectionRunner
  readonly stopped: () => string | undefined
}

function facadeOf(options: ProjectionRunnerOptions, stage: Stage, upgrading?: Upgrade): ServedProjection {
  const rebuild = createRebuild(options, stage)
  const live = (): ProjectionRunner => stage.current().runner
  return {
    projection: options.projection,
    store: options.store,
    get collection() {
      return live().collection
    },
    tag: () => live().tag(),
    setTag: (tag) => live().setTag(tag),
    state: () => live().state(),
    reached: () => live().reached(),
    placeOf: (place) => live().placeOf(place),
    onMoved: stage.onMoved,
    hold: () => live().hold(),
    limitTo: (place) => live().limitTo(place),
    quarantinedCount: () => live().quarantinedCount(),
    treat: (treatment) => live().treat(treatment),
    rebuild,
    upgradeStopped: () => upgrading?.stopped(),
    isUpgrading: () => stage.current().name.version !== options.projection.version,
    async stop() {
      await Promise.all([rebuild.stop(), live().stop(), upgrading?.builder.stop()])
      await upgrading?.done
    },
  }
}
