// Builds a projection anew beside the live one: what operators ask, and when it may be begun.
import { RampartError } from '../core/index.ts'
import { beginBuild, cannot, progressOf, work, type Build, type BuildStatus, type Staged } from './build.ts'
import type { ProjectionRunnerOptions } from './projection-runner.ts'
import type { CollectionName, Stage } from './stage.ts'

/** What operators ask: build anew, go back to the build before, or decide about one that differs. */
export type RebuildAction = 'start' | 'back' | 'accept' | 'drop'

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
  /** Whether a build is under way or waits for a decision, which would be lost if the projection ended. */
  readonly isBuilding: () => boolean
  readonly stop: () => Promise<void>
}

interface Rebuilding extends Staged {
  build: Build | undefined
  /** What operators asked last, while it is being begun; nothing else begins meanwhile. */
  acting: Promise<void> | undefined
  isStopping: boolean
}

/** The rebuilds of what is on a stage. */
export function createRebuild(options: ProjectionRunnerOptions, stage: Stage): Rebuild {
  const rebuilding: Rebuilding = { options, stage, build: undefined, acting: undefined, isStopping: false }
  return {
    status: () => statusOf(rebuilding),
    async act(action) {
      await claim(rebuilding, action)
      return statusOf(rebuilding)
    },
    isBuilding: () => rebuilding.acting !== undefined || isUndecided(rebuilding.build),
    async stop() {
      rebuilding.isStopping = true
      // What is being begun is there to be stopped then.
      await rebuilding.acting?.catch(() => undefined)
      const { build } = rebuilding
      await build?.runner.stop()
      await build?.work
    },
  }
}

function isUndecided(build: Build | undefined): boolean {
  return build?.state === 'building' || build?.state === 'differs'
}

/** Looks whether it may begin and begins it, as one step: whoever asks meanwhile is refused. */
async function claim(rebuilding: Rebuilding, action: RebuildAction): Promise<void> {
  if (rebuilding.isStopping) {
    throw new RampartError('SHUTTING_DOWN', 'The read models are being shut down. Try again in a moment.')
  }
  if (rebuilding.acting !== undefined) throw cannot(rebuilding, 'is being built already')
  const acting = actions[action](rebuilding)
  rebuilding.acting = acting
  try {
    await acting
  } finally {
    rebuilding.acting = undefined
  }
}

const actions: Readonly<Record<RebuildAction, (rebuilding: Rebuilding) => Promise<void>>> = {
  async start(rebuilding) {
    await requireIdle(rebuilding)
    const { version } = rebuilding.options.projection
    const states = await statesOf(rebuilding)
    const generation =
      Math.max(...states.filter((one) => one.version === version).map((one) => one.generation)) + 1
    // One build before the live one is kept; what was left half built by a death is of no use.
    for (const one of states) {
      // oxlint-disable-next-line no-await-in-loop -- there are a handful at most
      if (!one.isLive) await drop(rebuilding, one)
    }
    rebuilding.build = await beginBuild(rebuilding, { version, generation }, { mayDiffer: false })
  },
  async back(rebuilding) {
    await requireIdle(rebuilding)
    const { version } = rebuilding.options.projection
    const kept = (await keptOf(rebuilding)).filter((one) => one.version === version).at(-1)
    if (kept === undefined) throw cannot(rebuilding, 'has no build of this version to go back to')
    rebuilding.build = await beginBuild(rebuilding, kept, { mayDiffer: true })
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

/** Refuses at once what cannot be begun; what the last build took the place of has ended then. */
async function requireIdle(rebuilding: Rebuilding): Promise<void> {
  const { build } = rebuilding
  if (build?.state === 'building') throw cannot(rebuilding, 'is being built already')
  if (build?.state === 'differs') throw cannot(rebuilding, 'has a build that differs: accept or drop it')
  await build?.work
}

function differing(rebuilding: Rebuilding): Build {
  const { build } = rebuilding
  if (build?.state === 'differs') return build
  throw cannot(rebuilding, 'has no build that differs')
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
