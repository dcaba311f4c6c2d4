// A projection that another process runs: followed through the read store alone, without a look at its log.
//
//   ┌─> look: live collection, place, what its runner told ─> readers that wait learn of what is new ─┐
//   └──────────────── wait for a hint that there is news, or for a second at most <───────────────────┘
import { judgePlace } from '../core/checks/index.ts'
import { position } from '../core/codec/index.ts'
import { RampartError, type Projection, type Runtime } from '../core/index.ts'
import type { Epoch, LogKey, LogPlace, ReadStore } from '../core/ports/index.ts'
import { createBell } from '../subscription/index.ts'
import { isSamePlace } from './checkpoint.ts'
import { hasStopped, type RunnerState } from './projection-runner.ts'
import type { Lag } from './read-model.ts'
import { noKeys } from './running-projection.ts'
import type { ShownProjection } from './shown-projection.ts'
import type { Move } from './waiters.ts'

type SharedLooks = NonNullable<ReadStore['kept']>
type Look = NonNullable<Awaited<ReturnType<SharedLooks['look']>>>

/** A projection that is followed. */
export interface FollowedProjection extends ShownProjection {
  /** Why the store could not be looked at last time; `undefined` when it could. */
  readonly fault: () => string | undefined
  readonly stop: () => Promise<void>
}

/** What following needs. */
export interface FollowOptions {
  readonly projection: Projection
  readonly log: LogKey
  readonly shared: SharedLooks
  readonly runtime: Runtime
  /** Hears when looks begin to fail. */
  readonly reportFault: (fault: unknown, what: string) => void
}

interface Following {
  readonly options: FollowOptions
  readonly bell: ReturnType<typeof createBell>
  readonly stopping: AbortController
  readonly listeners: Set<(move: Move) => void>
  look: Look | undefined
  lookedMs: number
  fault: string | undefined
}

// A hint can be lost; after this long everyone looks for himself.
const pollMs = 1000
/** What a runner told longer ago than this is no answer to how far it is. */
const toldMsMax = 10_000

/** Begins to follow. Rejects when the store cannot be looked at. */
export async function followProjection(options: FollowOptions): Promise<FollowedProjection> {
  const { projection, log, shared, runtime } = options
  const following: Following = {
    options,
    bell: createBell(runtime),
    stopping: new AbortController(),
    listeners: new Set(),
    look: undefined,
    lookedMs: runtime.elapsedMs(),
    fault: undefined,
  }
  const endHints = shared.onChanged(log, projection.name, following.bell.ring)
  try {
    await lookAgain(following)
  } catch (fault) {
    endHints()
    throw fault
  }
  const ended = follow(following)
  // Not spread: its collection is another one after a switch.
  return Object.assign(shownBy(following), {
    fault: () => following.fault,
    async stop() {
      following.stopping.abort()
      endHints()
      await ended
      announce(following, { reached: undefined, keys: noKeys })
    },
  })
}

function shownBy(following: Following): ShownProjection {
  const { options, listeners } = following
  const { projection, log } = options
  const told = () => following.look?.standing
  return {
    projection,
    log,
    // Another one becomes live.
    get collection() {
      return lookOf(following).documents
    },
    state: () => stateOf(following),
    tag: () => tagOf(following.look) ?? String(projection.version),
    reached: () => following.look?.live.checkpoint ?? nothingSeen,
    placeOf: (checkpoint) => checkpoint,
    onMoved(callback) {
      const listener = (move: Move): void => callback(move)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    judge: (place) => judge(following, place),
    lag: async () => lagOf(following),
    quarantinedCount: () => following.look?.quarantinedKeys ?? 0,
    treat: () => Promise.reject(runsElsewhere(projection.name)),
    upgradeStopped: () => told()?.upgradeStopped ?? undefined,
    beginsAnew: () => told()?.beginsAnew ?? undefined,
  }
}

async function follow(following: Following): Promise<void> {
  const { options, bell, stopping } = following
  while (!stopping.signal.aborted) {
    await bell.wait(pollMs, stopping.signal)
    if (stopping.signal.aborted) return
    try {
      await lookAgain(following)
      following.fault = undefined
    } catch (fault) {
      if (following.fault === undefined) {
        options.reportFault(fault, `the look at projection ${options.projection.name}`)
      }
      following.fault = fault instanceof Error ? fault.message : String(fault)
      // A store that fails gets its pause, whatever rings.
      await createBell(options.runtime).wait(pollMs, stopping.signal)
    }
  }
}

async function lookAgain(following: Following): Promise<void> {
  const { shared, log, projection, runtime } = following.options
  const before = following.look
  const look = await shared.look(log, projection.name)
  following.look = look
  following.lookedMs = runtime.elapsedMs()
  const move = moveBetween(before, look)
  if (move !== undefined) announce(following, move)
}

/** What has changed for those who wait: everything where other documents are live or their runner stopped. */
function moveBetween(before: Look | undefined, after: Look | undefined): Move | undefined {
  if (after === undefined || before === undefined || before.documents !== after.documents)
    return before === after ? undefined : { reached: undefined, keys: noKeys }
  const isOther = tagOf(before) !== tagOf(after) || stoppedIn(before) !== stoppedIn(after)
  const { checkpoint } = after.live
  const hasMoved = !isSamePlace(before.live.checkpoint, checkpoint)
  if (isOther || before.quarantinedKeys !== after.quarantinedKeys || hasMoved)
    return { reached: isOther || !hasMoved ? undefined : checkpoint.position, keys: anyKey }
  return undefined
}

const nothingSeen: LogPlace = { epoch: '', position: position(0), eventId: '' }

// Which documents a commit of another process changed is not known here.
const anyKey: Move['keys'] = { has: () => true }

function announce({ listeners }: Following, move: Move): void {
  for (const listener of listeners) listener(move)
}

const stoppedIn = (look: Look): string | undefined => look.standing?.stopped ?? undefined
const tagOf = (look: Look | undefined): string | undefined => look?.live.tag ?? look?.live.version.toString()

function stateOf({ options, look, stopping }: Following): RunnerState {
  if (stopping.signal.aborted) return { status: 'ended' }
  if (look === undefined) {
    const reason = notBegun(options.projection)
    return { status: 'stopped', reason, told: reason }
  }
  const reason = stoppedIn(look)
  if (reason === undefined) return { status: 'running' }
  return { status: 'stopped', reason, told: hasStopped(options.projection) }
}

function lookOf({ options, look }: Following): Look {
  if (look !== undefined) return look
  throw new RampartError('PROJECTION_STOPPED', notBegun(options.projection))
}

function notBegun({ name, synchronous }: Projection): string {
  const role = synchronous ? 'write' : 'project'
  return `No process has begun to run projection ${name}. Start one with the role ${role}.`
}

async function judge(following: Following, place: LogPlace): ReturnType<ShownProjection['judge']> {
  const judgement = judgeBy(lookOf(following), place)
  if (judgement !== 'foreign') return judgement
  // An epoch that began a moment ago.
  await lookAgain(following)
  return judgeBy(lookOf(following), place)
}

/** Only the runner sees the events of a log; a place within the epochs is taken at its word. */
function judgeBy({ live: { checkpoint }, standing }: Look, place: LogPlace) {
  const first: Epoch = { epoch: checkpoint.epoch, forkPosition: checkpoint.position }
  const epochs = standing?.epochs ?? [first]
  return judgePlace(place, epochs, (at) => (at === checkpoint.position ? checkpoint.eventId : place.eventId))
}

function lagOf({ options, look, lookedMs }: Following): Lag {
  const { standing } = look ?? {}
  const ageMs = (standing?.ageMs ?? Number.POSITIVE_INFINITY) + options.runtime.elapsedMs() - lookedMs
  if (standing !== undefined && standing.lag !== null && ageMs <= toldMsMax) return standing.lag
  const message =
    `No process has said for ${toldMsMax / 1000} s how far projection ${options.projection.name} is. ` +
    'Start one with the role project, or see why it is silent.'
  throw new RampartError('PROJECTION_STOPPED', message)
}

/** The fault of what only the process that runs a projection can do. */
export function runsElsewhere(name: string): RampartError {
  const message = `Projection ${name} runs in another process. Ask one that has the role project.`
  return new RampartError('ROLE_ELSEWHERE', message)
}
