// A build of a projection beside its live documents: it catches up with them, is compared with them, and
// takes their place.
import { RampartError, sleep } from '../core/index.ts'
import type { LogPlace, ReadStore } from '../core/ports/index.ts'
import { createBackOff, isPassing } from '../subscription/index.ts'
import { createProjectionRunner } from './create-projection-runner.ts'
import type { ProjectionRunner, ProjectionRunnerOptions } from './projection-runner.ts'
import { keysOf, setBacksOf, type SetBacks, type Skipped } from './set-backs.ts'
import {
  switchOver,
  untilMoved,
  type CollectionName,
  type Comparison,
  type Serving,
  type Stage,
} from './stage.ts'

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
  /** What operators skipped in the live documents, and the build brings back; 20 at most. */
  readonly skipped: readonly { readonly key: string; readonly position: number; readonly type: string }[]
  readonly error: string | null
}

/** A build, and what becomes of it. */
export interface Build {
  readonly name: CollectionName
  readonly runner: ProjectionRunner
  readonly startedMs: number
  readonly from: number
  state: BuildStatus['state']
  comparison: Comparison | null
  undone: readonly Skipped[]
  error: string | null
  work: Promise<void>
}

/** What builds stand beside. */
export interface Staged {
  readonly options: ProjectionRunnerOptions
  readonly stage: Stage
}

interface How {
  readonly mayDiffer: boolean
}

/** Begins a build, whose documents are there already when it goes back to one. */
export async function beginBuild(staged: Staged, name: CollectionName, how: How): Promise<Build> {
  const { options } = staged
  const { generation } = name
  const runner = await createProjectionRunner({
    ...options,
    generation,
    tag: `${name.version}.${generation}`,
  })
  const build = buildOf(staged, { name, runner })
  build.work = work(staged, build, how)
  return build
}

/** A build that begins now. */
export function buildOf({ options }: Staged, { name, runner }: Serving): Build {
  return {
    name,
    runner,
    startedMs: options.runtime.elapsedMs(),
    from: runner.reached().position,
    state: 'building',
    comparison: null,
    undone: [],
    error: null,
    work: Promise.resolve(),
  }
}

/** Goes on until it is live, differs or has failed. Never rejects. */
export async function work(staged: Staged, build: Build, how: How): Promise<void> {
  const { options, stage } = staged
  const isThere = (): boolean => build.runner.reached().position >= stage.current().runner.reached().position
  const waitOut = patience(staged)
  try {
    for (let hasMet = false; !hasMet;) {
      // oxlint-disable-next-line no-await-in-loop -- one meeting after the other
      if (!(await untilMoved(build.runner, { isThere, options }))) throw stoppedOf(build)
      // oxlint-disable-next-line no-await-in-loop -- the same
      hasMet = await meet(staged, build, how).catch(waitOut)
    }
  } catch (fault) {
    build.state = 'failed'
    build.error = fault instanceof Error ? fault.message : String(fault)
    await build.runner.stop()
  }
}

const meetingsMax = 5

/** Waits out faults of the stores that pass, some times: what came of a switch must be found out, too. */
function patience({ options }: Staged): (fault: unknown) => Promise<false> {
  const backOff = createBackOff(options.runtime)
  let meetings = 0
  return async (fault) => {
    meetings += 1
    if (!isPassing(fault) || meetings === meetingsMax) throw fault
    options.reportFault?.(fault, `the build of projection ${options.projection.name}`)
    await sleep(options.runtime, backOff.nextDelayMs())
    return false
  }
}

// Readers who demand what is new wait five seconds unless they say otherwise.
const heldMsMax = 3000

/**
 * Brings both to one place, compares them there, and switches when they are the same or may differ. False
 * when the build did not get there in time: the live documents go on, and it must catch up with them first.
 */
async function meet(staged: Staged, build: Build, how: How): Promise<boolean> {
  const { options, stage } = staged
  const before = stage.current()
  const paused = await build.runner.hold()
  try {
    // The live one stops at the build's place or beyond it, and the build then goes exactly as far.
    const isThere = (): boolean => before.runner.reached().position >= paused.place.position
    if (!(await untilMoved(before.runner, { isThere, options }))) throw stoppedOf(build)
    const held = await before.runner.hold()
    try {
      build.runner.limitTo(held.place)
      paused.release()
      const hasCaughtUp = (): boolean => build.runner.reached().position >= held.place.position
      const isAlive = await untilMoved(build.runner, { isThere: hasCaughtUp, options, withinMs: heldMsMax })
      if (!isAlive) throw stoppedOf(build)
      if (!hasCaughtUp()) return false
      await compareAndSwitch(staged, build, { ...how, at: held.place })
    } finally {
      build.runner.limitTo(undefined)
      held.release()
    }
  } finally {
    paused.release()
  }
  if (build.state === 'switched') await before.runner.stop()
  return true
}

/** What becomes of both while they stand at one place. */
async function compareAndSwitch(
  staged: Staged,
  build: Build,
  { mayDiffer, at }: How & { readonly at: LogPlace },
): Promise<void> {
  const { options, stage } = staged
  const arrived = await build.runner.hold()
  try {
    const pair = pairOf(staged, build)
    const compared = await options.readStore.compare(pair)
    const setBacks = await setBacksOf(stage.current().runner.collection, build.runner.collection)
    build.undone = setBacks.undone
    build.comparison = withUndone(compared, setBacks)
    if (build.comparison.differing > 0 && !mayDiffer) {
      build.state = 'differs'
      return
    }
    const tag = build.comparison.isSame
      ? stage.current().runner.tag()
      : `${build.name.version}.${build.name.generation}.${at.position}`
    await switchOver(options, pair, tag)
    build.runner.setTag(tag)
    stage.show({ name: build.name, runner: build.runner })
    build.state = 'switched'
  } finally {
    arrived.release()
  }
}

const sampleMax = 20

/** Documents are compared without those of skipped events; that a skip would not last is told of each. */
function withUndone(compared: Comparison, setBacks: SetBacks): Comparison {
  const more = keysOf(setBacks).filter((key) => !setBacks.setAside.has(key))
  const sample = [...new Set([...compared.sample, ...more])].slice(0, sampleMax)
  return { ...compared, differing: compared.differing + more.length, sample }
}

function pairOf({ options, stage }: Staged, { name }: Build): Parameters<ReadStore['compare']>[0] {
  return { log: options.store.log, name: options.projection.name, live: stage.current().name, other: name }
}

function stoppedOf({ runner }: Build): Error {
  const state = runner.state()
  return new Error(state.status === 'stopped' ? state.reason : 'It ended before it was complete.')
}

/** How far a build is. */
export function progressOf({ options, stage }: Staged, build: Build): BuildStatus {
  const { name, state, comparison, error, runner } = build
  const skipped = build.undone
    .slice(0, sampleMax)
    .map(({ key, event: { position: at, type } }) => ({ key, position: at, type }))
  const { position } = runner.reached()
  const target = Math.max(position, stage.current().runner.reached().position)
  const seconds = (options.runtime.elapsedMs() - build.startedMs) / 1000
  const perSecond = seconds > 0 ? Math.round((position - build.from) / seconds) : 0
  const secondsLeft = perSecond > 0 ? Math.ceil((target - position) / perSecond) : null
  return { ...name, state, position, target, perSecond, secondsLeft, comparison, skipped, error }
}

/** The fault of what cannot be done about a build. */
export function cannot({ options }: Staged, why: string): RampartError {
  return new RampartError('INPUT_INVALID', `The projection ${options.projection.name} ${why}.`)
}
