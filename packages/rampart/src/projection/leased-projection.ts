// A projection that each of several processes could run: the one that has its lease runs it, the others
// follow what that one commits, and are ready to take over.
//
//   follow ──lease taken──> run: fold, commit under the lease ──lease lost──> follow
//
// Readers of this process see no difference: what they get is committed, whoever did it. A version of
// a projection has a lease of its own, so that an upgrade is built while the old one goes on.
import { isRampartError, type Projection } from '../core/index.ts'
import type { LogKey, ReadStore } from '../core/ports/index.ts'
import { createBell, workUnderLease, type WorkShare } from '../subscription/index.ts'
import { followProjection, runsElsewhere } from './followed-projection.ts'
import type { ProjectionRunnerOptions } from './projection-runner.ts'
import type { Rebuild } from './rebuild.ts'
import { forgetLostFutures } from './lost-future.ts'
import { noKeys } from './running-projection.ts'
import { createServedProjection, type ServedProjection } from './served-projection.ts'
import { showCurrent, showRunner, type ShownProjection } from './shown-projection.ts'
import { tellStanding } from './standings.ts'
import type { Move } from './waiters.ts'

/** What running in turn needs. */
export interface LeasedProjectionOptions extends ProjectionRunnerOptions {
  readonly leases: NonNullable<ReadStore['leases']>
  readonly shared: NonNullable<ReadStore['shared']>
  /** Names this process among those that could run it. */
  readonly holder: string
  /** The share of this process in all projections. */
  readonly share?: WorkShare | undefined
  readonly reportFault: (fault: unknown, what: string) => void
}

/** A projection that runs here or elsewhere. */
export interface LeasedProjection {
  readonly shown: ShownProjection
  readonly stop: () => Promise<void>
}

interface Sharing {
  readonly options: LeasedProjectionOptions
  readonly listeners: Set<(move: Move) => void>
  readonly stopping: AbortController
  current: LeasedProjection
  /** What runs here, whether its documents are live yet or not. */
  runner: ServedProjection | undefined
  endMoves: () => void
}

/** Follows the projection, and runs it when its lease is free. Rejects with what the stores throw. */
export async function leaseProjection(options: LeasedProjectionOptions): Promise<LeasedProjection> {
  const { projection, store, leases, runtime, reportFault } = options
  const sharing: Sharing = {
    options,
    listeners: new Set(),
    stopping: new AbortController(),
    current: await follow(options),
    runner: undefined,
    endMoves: () => {},
  }
  show(sharing, sharing.current)
  const work = workUnderLease({
    leases,
    name: leaseNameOf(store.log, projection),
    holder: options.holder,
    runtime,
    reportFault,
    share: options.share,
    mayEnd: () => sharing.runner?.rebuild.isBuilding() !== true,
    begin: (lease, onLost) =>
      begin(sharing, {
        ...options,
        readStore: leases.under(lease),
        reportFault: (fault, what) =>
          isRampartError(fault, 'LEASE_LOST') ? onLost() : reportFault(fault, what),
      }),
  })
  const stop = async (): Promise<void> => {
    sharing.stopping.abort()
    await work.stop()
    await sharing.current.stop()
  }
  try {
    await work.settled
  } catch (fault) {
    await stop()
    throw fault
  }
  return { shown: shownBy(sharing), stop }
}

/** Names the work of keeping a version of a projection up to date. */
export function leaseNameOf(log: LogKey, { name, version }: Pick<Projection, 'name' | 'version'>): string {
  return `projection ${name}, version ${version}, of ${log}`
}

async function follow(options: LeasedProjectionOptions): Promise<LeasedProjection> {
  const { projection, store, shared, runtime, reportFault } = options
  const followed = await followProjection({ projection, log: store.log, shared, runtime, reportFault })
  return { shown: followed, stop: followed.stop }
}

/** Runs the projection, and shows that; the answer ends it and goes back to following. */
async function begin(sharing: Sharing, options: LeasedProjectionOptions): Promise<() => Promise<void>> {
  const followed = sharing.current
  const running = await run(options)
  const { runner } = running
  const showRunning = async (): Promise<void> => {
    if (sharing.current !== followed || runner.isUpgrading()) return
    show(sharing, running)
    await followed.stop()
  }
  // Until its own documents are live, readers get the older ones, which another process may keep up to date.
  const endMoves = runner.onMoved(() => void showRunning())
  sharing.runner = runner
  await showRunning()
  return async () => {
    endMoves()
    sharing.runner = undefined
    if (sharing.current === running) await followAgain(sharing)
    await running.stop()
  }
}

async function run(options: LeasedProjectionOptions) {
  const { projection, store, readStore, shared, runtime, reportFault } = options
  const stores = { store, readStore, reportFault }
  const anew = await forgetLostFutures({ projections: [projection], ...stores })
  const runner: ServedProjection = await createServedProjection(options)
  const shown = showRunner({ runner, runtime, anew: anew.get(projection.name) })
  const telling = tellStanding({ shown, store, shared, runtime, reportFault })
  return {
    runner,
    shown,
    stop: async () => void (await Promise.all([telling.stop(), runner.stop()])),
  }
}

/** Goes back to following, unless this process ends: then its readers learn that. */
async function followAgain(sharing: Sharing): Promise<void> {
  const { options, stopping } = sharing
  while (!stopping.signal.aborted) {
    try {
      const followed = await follow(options)
      show(sharing, followed)
      return
    } catch (fault) {
      options.reportFault(fault, `the look at projection ${options.projection.name}`)
      await createBell(options.runtime).wait(retryMs, stopping.signal)
    }
  }
}

const retryMs = 1000

function show(sharing: Sharing, next: LeasedProjection): void {
  sharing.endMoves()
  sharing.current = next
  const announce = (move: Move): void => {
    for (const listener of sharing.listeners) listener(move)
  }
  sharing.endMoves = next.shown.onMoved(announce)
  announce({ reached: undefined, keys: noKeys })
}

function shownBy(sharing: Sharing): ShownProjection {
  const { options, listeners } = sharing
  const shown = showCurrent({
    projection: options.projection,
    log: options.store.log,
    now: () => sharing.current.shown,
    onMoved(callback) {
      const listener = (move: Move): void => callback(move)
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  })
  // Not spread: its collection becomes another one.
  return Object.assign(shown, {
    rebuild: rebuildBy(sharing),
    // Of a newer version, what runs the older one says nothing.
    upgradeStopped: () => sharing.runner?.upgradeStopped() ?? sharing.current.shown.upgradeStopped(),
  })
}

/** Rebuilds are operated where the projection runs. */
function rebuildBy(sharing: Sharing): Rebuild {
  const here = (): Rebuild => {
    if (sharing.runner !== undefined) return sharing.runner.rebuild
    throw runsElsewhere(sharing.options.projection.name)
  }
  return {
    status: async () => here().status(),
    act: async (action) => here().act(action),
    isBuilding: () => sharing.runner?.rebuild.isBuilding() === true,
    stop: async () => sharing.runner?.rebuild.stop(),
  }
}
