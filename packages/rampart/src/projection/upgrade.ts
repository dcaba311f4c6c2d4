// The documents of another version stay live while those of today's version are built beside them.
//
//   building ──contains as much──> nothing is set back ──> switch
//                                  readers or operators would lose something ──> differs ──accepted──> switch
//
// Two versions cannot be compared document by document. A key that only today's version sets aside would be
// lost to readers all the same, and a skipped event that it does not skip was an operator's decision. Whoever
// starts older code goes back, and decided that.
import { RampartError, sleep } from '../core/index.ts'
import type { CollectionState, DocumentCollection, LogPlace } from '../core/ports/index.ts'
import { createBackOff, isPassing } from '../subscription/index.ts'
import { buildOf, cannot, progressOf, type Build, type BuildStatus, type Staged } from './build.ts'
import { findStart } from './checkpoint.ts'
import { createProjectionRunner } from './create-projection-runner.ts'
import type { ProjectionRunner, ProjectionRunnerOptions } from './projection-runner.ts'
import type { RebuildAction } from './rebuild.ts'
import { keysOf, setBacksOf } from './set-backs.ts'
import { createStage, switchOver, untilMoved, type Stage } from './stage.ts'

/** An upgrade under way. */
export interface Upgrade {
  /** What readers get: the older documents, and in the end those of today's version. */
  readonly stage: Stage
  /** Why the older documents stay live, if they do. */
  readonly stopped: () => string | undefined
  readonly status: () => BuildStatus
  /** Takes the decision of an operator. Throws `INPUT_INVALID` when there is none to take. */
  readonly decide: (action: RebuildAction) => void
  readonly stop: () => Promise<void>
}

interface Stored {
  readonly states: readonly CollectionState[]
  readonly live: CollectionState
}

interface Upgrading extends Staged {
  readonly live: CollectionState
  readonly collection: DocumentCollection
  readonly build: Build
  mayDiffer: boolean
}

/** Shows the documents of the stored version as they are, until those of today's version contain as much. */
export async function beginUpgrade(options: ProjectionRunnerOptions, stored: Stored): Promise<Upgrade> {
  const { projection, store, readStore } = options
  const { live } = stored
  const { version } = projection
  const generation = await generationOf(options, stored)
  const builder = await createProjectionRunner({ ...options, generation, tag: String(version) })
  const collection = await readStore.openCollection(live.shape, live.checkpoint.epoch, live.generation)
  const place = await findStart(collection, store)
  const still = standingStill({ collection, place, tag: live.tag ?? String(live.version), builder })
  const stage = createStage({ name: { version: live.version, generation: live.generation }, runner: still })
  const build = buildOf({ options, stage }, { name: { version, generation }, runner: builder })
  const isBack = version < live.version
  const upgrading: Upgrading = { options, stage, live, collection, build, mayDiffer: isBack }
  build.work = takeOver(upgrading).catch((fault: unknown) => {
    build.state = 'failed'
    build.error = fault instanceof Error ? fault.message : String(fault)
    options.reportFault?.(fault, `the upgrade of projection ${projection.name}`)
  })
  return {
    stage,
    stopped: () => stoppedIn(upgrading),
    status: () => statusOf(upgrading),
    decide: (action) => decide(upgrading, action),
    async stop() {
      await builder.stop()
      await build.work
    },
  }
}

/** Which build of today's version goes on. What was set aside in one is tried again from the start. */
async function generationOf(options: ProjectionRunnerOptions, { states, live }: Stored): Promise<number> {
  const { projection, store, readStore } = options
  const kept = states.filter(({ version }) => version === projection.version)
  const found = kept.findLast(({ tag }) => tag !== null) ?? kept.at(-1)
  if (found === undefined) return 1
  const { shape, checkpoint, generation, version } = found
  if (version < live.version) return generation
  const collection = await readStore.openCollection(shape, checkpoint.epoch, generation)
  // Code that was mended may fold what stood still, and nobody can replay what readers do not get.
  if ((await collection.quarantined()).length > 0)
    await readStore.dropCollection(store.log, projection.name, found)
  return generation
}

/** Shows the documents of today's version as soon as they contain what the live ones do. */
async function takeOver(upgrading: Upgrading): Promise<void> {
  const { options, collection, build } = upgrading
  const { runner } = build
  const backOff = createBackOff(options.runtime)
  for (;;) {
    const { position } = await collection.checkpoint()
    const isThere = (): boolean => runner.reached().position >= position
    if (!(await untilMoved(runner, { isThere, options }))) return
    const held = await runner.hold()
    try {
      await compare(upgrading)
      if (build.state === 'building') return await show(upgrading)
    } catch (fault) {
      // Another process may still keep the live ones up to date, and be ahead at this moment.
      if (!isPassing(fault)) throw fault
    } finally {
      held.release()
    }
    const isDecided = (): boolean => build.state !== 'differs'
    if (!(await untilMoved(runner, { isThere: isDecided, options }))) return
    await sleep(options.runtime, backOff.nextDelayMs())
  }
}

async function compare({ options, live, collection, build, mayDiffer }: Upgrading): Promise<void> {
  const setBacks = await setBacksOf(collection, build.runner.collection)
  const keys = [...new Set([...setBacks.setAside, ...keysOf(setBacks)])]
  build.undone = setBacks.undone
  if (keys.length === 0 || mayDiffer) return
  const pair = { log: options.store.log, name: options.projection.name, live, other: build.name }
  const { documents } = await options.readStore.compare(pair)
  build.comparison = { documents, differing: keys.length, sample: keys.slice(0, sampleMax), isSame: false }
  build.state = 'differs'
}

const sampleMax = 20

async function show({ options, stage, live, build }: Upgrading): Promise<void> {
  const pair = { log: options.store.log, name: options.projection.name, live, other: build.name }
  await switchOver(options, pair, build.runner.tag())
  build.state = 'switched'
  stage.show({ name: build.name, runner: build.runner })
}

function decide(upgrading: Upgrading, action: RebuildAction): void {
  const { build } = upgrading
  const isWaiting = statusOf(upgrading).state === 'differs'
  if (action === 'accept' && isWaiting) {
    upgrading.mayDiffer = true
    build.state = 'building'
    return
  }
  if (action === 'accept') throw cannot(upgrading, 'has no build that differs')
  throw cannot(
    upgrading,
    isWaiting
      ? 'has a newer version that differs: accept it, or start mended or older code'
      : 'is being built in a newer version',
  )
}

function statusOf(upgrading: Upgrading): BuildStatus {
  const told = progressOf(upgrading, upgrading.build)
  const state = upgrading.build.runner.state()
  return state.status === 'stopped' ? { ...told, state: 'failed', error: state.reason } : told
}

function stoppedIn(upgrading: Upgrading): string | undefined {
  if (upgrading.build.state === 'switched') return undefined
  const { state, error, comparison, version } = statusOf(upgrading)
  if (state === 'failed') return error ?? undefined
  if (state !== 'differs' || comparison === null) return undefined
  return (
    `Version ${version} differs in ${comparison.differing} keys, which it sets aside or of which it brings ` +
    `back what was skipped: ${comparison.sample.join(', ')}. Mend it and start again, or take it as it is: ` +
    'rampart rebuild --accept.'
  )
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
