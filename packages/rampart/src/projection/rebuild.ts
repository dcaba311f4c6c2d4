// Builds a projection anew beside the live one, compares the two, and lets the new one take its place.
import { RampartError } from '../core/index.ts'
import type { ReadStore } from '../core/ports/index.ts'
import { createProjectionRunner } from './create-projection-runner.ts'
import type { ProjectionRunner, ProjectionRunnerOptions } from './projection-runner.ts'
import { untilMoved, type CollectionName, type Comparison, type Stage } from './stage.ts'

/** What operators ask: build anew, go back to the build before, or decide about one that differs. */
export type RebuildAction = 'start' | 'back' | 'accept' | 'drop'

/** How far a build is. */
export interface BuildStatus extends CollectionName {
  readonly state: 'building' | 'differs' | 'switched' | 'dropped' | 'failed'
  /** Where its documents stand, and where the live ones do. */
  readonly position: number
  readonly target: number
  readonly perSecond: number
  readonly secondsLeft: number | null
  /** How it compares with the documents that were live; null until both stood at one place. */
  readonly comparison: Comparison | null
  readonly error: string | null
}

/** The collections of a projection, as operators see them. */
export interface RebuildStatus {
  readonly live: CollectionName
  /** Builds that were live before, to which the way back leads. */
  readonly kept: readonly CollectionName[]
  readonly build: BuildStatus | null
  /** Of a split projection: how many of its parts this process runs and tells of. */
  readonly parts?: { readonly here: number; readonly all: number }
}

/** Rebuilds of one projection. */
export interface Rebuild {
  readonly status: () => Promise<RebuildStatus>
  /** Begins what is asked, and answers at once. Throws `INPUT_INVALID` when it cannot be begun. */
  readonly act: (action: RebuildAction) => Promise<RebuildStatus>
  /** Whether a build is under way, which would be lost if the projection ended. */
  readonly isBuilding: () => boolean
  readonly stop: () => Promise<void>
}

interface Build {
  readonly name: CollectionName
  readonly runner: ProjectionRunner
  readonly startedMs: number
  readonly from: number
  state: BuildStatus['state']
  comparison: Comparison | null
  error: string | null
  work: Promise<void>
}

interface Rebuilding {
  readonly options: ProjectionRunnerOptions
  readonly stage: Stage
  build: Build | undefined
}

/** The rebuilds of what is on a stage. */
export function createRebuild(options: ProjectionRunnerOptions, stage: Stage): Rebuild {
  const rebuilding: Rebuilding = { options, stage, build: undefined }
  return {
    status: () => statusOf(rebuilding),
    async act(action) {
      await actions[action](rebuilding)
      return statusOf(rebuilding)
    },
    isBuilding: () => rebuilding.build?.state === 'building',
    async stop() {
      const { build } = rebuilding
      await build?.runner.stop()
      await build?.work
    },
  }
}

const actions: Readonly<Record<RebuildAction, (rebuilding: Rebuilding) => Promise<void>>> = {
  async start(rebuilding) {
    requireIdle(rebuilding)
    const { version } = rebuilding.options.projection
    const states = await statesOf(rebuilding)
    const generation =
      Math.max(...states.filter((one) => one.version === version).map((one) => one.generation)) + 1
    // One build before the live one is kept; what was left half built by a death is of no use.
    for (const one of states) {
      // oxlint-disable-next-line no-await-in-loop -- there are a handful at most
      if (!one.isLive) await drop(rebuilding, one)
    }
    await begin(rebuilding, { version, generation }, { mayDiffer: false })
  },
  async back(rebuilding) {
    requireIdle(rebuilding)
    const { version } = rebuilding.options.projection
    const kept = (await keptOf(rebuilding)).filter((one) => one.version === version).at(-1)
    if (kept === undefined) throw cannot(rebuilding, 'has no build of this version to go back to')
    await begin(rebuilding, kept, { mayDiffer: true })
  },
  async accept(rebuilding) {
    const build = differing(rebuilding)
    build.state = 'building'
    build.work = work(rebuilding, build, { mayDiffer: true })
  },
  async drop(rebuilding) {
    const build = differing(rebuilding)
    build.state = 'dropped'
    await build.runner.stop()
    await drop(rebuilding, build.name)
  },
}

async function begin(rebuilding: Rebuilding, name: CollectionName, how: { readonly mayDiffer: boolean }) {
  const { options } = rebuilding
  const { generation } = name
  const runner = await createProjectionRunner({
    ...options,
    generation,
    tag: `${name.version}.${generation}`,
  })
  const build: Build = {
    name,
    runner,
    startedMs: options.runtime.elapsedMs(),
    from: runner.reached().position,
    state: 'building',
    comparison: null,
    error: null,
    work: Promise.resolve(),
  }
  rebuilding.build = build
  build.work = work(rebuilding, build, how)
}

async function work(
  rebuilding: Rebuilding,
  build: Build,
  how: { readonly mayDiffer: boolean },
): Promise<void> {
  const { options, stage } = rebuilding
  const isThere = (): boolean => build.runner.reached().position >= stage.current().runner.reached().position
  try {
    if (!(await untilMoved(build.runner, { isThere, options }))) throw stoppedOf(build)
    await meet(rebuilding, build, how)
  } catch (fault) {
    build.state = 'failed'
    build.error = fault instanceof Error ? fault.message : String(fault)
    await build.runner.stop()
  }
}

/** Brings both to one place, compares them there, and switches when they are the same or may differ. */
async function meet(rebuilding: Rebuilding, build: Build, { mayDiffer }: { readonly mayDiffer: boolean }) {
  const { options, stage } = rebuilding
  const before = stage.current()
  const paused = await build.runner.hold()
  // The live one stops at the build's place or beyond it, and the build then goes exactly as far.
  const isThere = (): boolean => before.runner.reached().position >= paused.place.position
  const isAlive = await untilMoved(before.runner, { isThere, options })
  const held = await before.runner.hold()
  try {
    build.runner.limitTo(held.place)
    paused.release()
    const hasCaughtUp = (): boolean => build.runner.reached().position >= held.place.position
    if (!isAlive || !(await untilMoved(build.runner, { isThere: hasCaughtUp, options })))
      throw stoppedOf(build)
    const arrived = await build.runner.hold()
    try {
      const pair = pairOf(rebuilding, build)
      build.comparison = await options.readStore.compare(pair)
      if (build.comparison.differing > 0 && !mayDiffer) {
        build.state = 'differs'
        return
      }
      const tag = build.comparison.isSame
        ? before.runner.tag()
        : `${build.name.version}.${build.name.generation}.${held.place.position}`
      await options.readStore.switchLive(pair, tag)
      build.runner.setTag(tag)
      stage.show({ name: build.name, runner: build.runner })
      build.state = 'switched'
    } finally {
      arrived.release()
    }
  } finally {
    build.runner.limitTo(undefined)
    held.release()
  }
  if (build.state === 'switched') await before.runner.stop()
}

function pairOf({ options, stage }: Rebuilding, { name }: Build): Parameters<ReadStore['compare']>[0] {
  return { log: options.store.log, name: options.projection.name, live: stage.current().name, other: name }
}

function stoppedOf({ runner }: Build): Error {
  const state = runner.state()
  return new Error(state.status === 'stopped' ? state.reason : 'It ended before it was complete.')
}

const statesOf = ({ options }: Rebuilding) =>
  options.readStore.collections(options.store.log, options.projection.name)

async function keptOf(rebuilding: Rebuilding): Promise<readonly CollectionName[]> {
  const states = await statesOf(rebuilding)
  return states
    .filter(({ isLive, tag }) => !isLive && tag !== null)
    .map(({ version, generation }) => ({ version, generation }))
}

function drop({ options }: Rebuilding, name: CollectionName): Promise<void> {
  return options.readStore.dropCollection(options.store.log, options.projection.name, name)
}

function requireIdle(rebuilding: Rebuilding): void {
  const { build, stage, options } = rebuilding
  if (stage.current().name.version !== options.projection.version) {
    throw cannot(rebuilding, 'is being built in a newer version')
  }
  if (build?.state === 'building') throw cannot(rebuilding, 'is being built already')
  if (build?.state === 'differs') throw cannot(rebuilding, 'has a build that differs: accept or drop it')
}

function differing(rebuilding: Rebuilding): Build {
  const { build } = rebuilding
  if (build?.state === 'differs') return build
  throw cannot(rebuilding, 'has no build that differs')
}

function cannot({ options }: Rebuilding, why: string): RampartError {
  return new RampartError('INPUT_INVALID', `The projection ${options.projection.name} ${why}.`)
}

async function statusOf(rebuilding: Rebuilding): Promise<RebuildStatus> {
  const { stage, build } = rebuilding
  const { version, generation } = stage.current().name
  return {
    live: { version, generation },
    kept: await keptOf(rebuilding),
    build: build === undefined ? null : progressOf(rebuilding, build),
  }
}

function progressOf({ options, stage }: Rebuilding, build: Build): BuildStatus {
  const { name, state, comparison, error, runner } = build
  const { position } = runner.reached()
  const target = Math.max(position, stage.current().runner.reached().position)
  const seconds = (options.runtime.elapsedMs() - build.startedMs) / 1000
  const perSecond = seconds > 0 ? Math.round((position - build.from) / seconds) : 0
  const secondsLeft = perSecond > 0 ? Math.ceil((target - position) / perSecond) : null
  return { ...name, state, position, target, perSecond, secondsLeft, comparison, error }
}
