// Work that one process at a time does, in whichever has its lease.
//
//   ┌─> ask for the lease ──no──> wait for a hint, or a second at most ─┐
//   │          yes                                                      │
//   │           └──> begin ──> the work goes on, the lease is renewed <─┼─ lost: end the work
//   └───────────────────────────────────────────────────────────────────┘
//   told to stop: end the work, give the lease back, so that another process takes it at once
//
// A process that is killed lets its lease run out. One that stood still and wakes up learns from the next
// renewal, or from a change that the store refuses, that it was overtaken.
import { isRampartError, RampartError, type Runtime } from '../core/index.ts'
import type { Lease, LeaseStore } from '../core/leases/index.ts'
import { createBackOff } from './back-off.ts'
import { createBell } from './bell.ts'
import type { WorkShare } from './work-share.ts'

/** What work under a lease needs. */
export interface LeasedWorkOptions {
  readonly leases: LeaseStore
  /** Names the work among all that the processes share. */
  readonly name: string
  /** Names this process among them; by chance unless given. */
  readonly holder?: string | undefined
  readonly runtime: Runtime
  /**
   * Begins the work; the answer ends it, and resolves when nothing of it goes on. `onLost` may be called by
   * whoever learns that the lease is lost.
   */
  readonly begin: (lease: Lease, onLost: () => void) => Promise<() => Promise<void>>
  /** The share of this process in all such work; it keeps what it has where there is none. */
  readonly share?: WorkShare | undefined
  /** Whether the work can be given up for the sake of another process; always unless said. */
  readonly mayEnd?: () => boolean
  /** Hears of what `begin` and the store throw; both are tried again. */
  readonly reportFault?: (fault: unknown, what: string) => void
}

/** Work that goes on here or elsewhere. */
export interface LeasedWork {
  /** Resolves when the work has begun here or is another's; rejects with what the first attempt threw. */
  readonly settled: Promise<void>
  /** Ends it here, and lets another process go on. */
  readonly stop: () => Promise<void>
}

/** How long work may stand still after the process that did it was killed. */
const leaseMs = 9000
const renewEveryMs = leaseMs / 3
/** A hint can be lost; whoever waits for a lease asks again by himself after this long. */
const askEveryMs = 1000
/** Whoever gave work up for the sake of others leaves them this long to take it. */
const giveWayMs = 3000

interface Working {
  readonly options: LeasedWorkOptions
  readonly holder: string
  readonly stopping: AbortSignal
  readonly settled: PromiseWithResolvers<void>
}

/** Begins to ask for the lease. */
export function workUnderLease(options: LeasedWorkOptions): LeasedWork {
  const stopping = new AbortController()
  const settled = Promise.withResolvers<void>()
  // Not everyone waits for it.
  settled.promise.catch(() => undefined)
  const { holder = options.runtime.uuid() } = options
  const working = { options, holder, stopping: stopping.signal, settled }
  const ended = run(working)
  return {
    settled: settled.promise,
    stop() {
      stopping.abort()
      return ended
    },
  }
}

async function run(working: Working): Promise<void> {
  const { options, holder, stopping, settled } = working
  const { leases, name, runtime, reportFault } = options
  const bell = createBell(runtime)
  const backOff = createBackOff(runtime)
  const endHints = leases.hints?.listen(name, bell.ring)
  while (!stopping.aborted) {
    const askedMs = runtime.elapsedMs()
    try {
      const lease = await leases.take({ name, holder, leaseMs })
      if (lease === undefined) settled.resolve()
      if (lease === undefined) await bell.wait(askEveryMs, stopping)
      else if (await work(working, lease, askedMs)) {
        await createBell(runtime).wait(giveWayMs, stopping)
      }
      backOff.reset()
    } catch (fault) {
      settled.reject(fault)
      if (isRampartError(fault, 'STORE_CLOSED')) break
      // Another process was faster, which is as good.
      if (!isRampartError(fault, 'LEASE_LOST')) reportFault?.(fault, name)
      await createBell(runtime).wait(backOff.nextDelayMs(), stopping)
    }
  }
  endHints?.()
}

/** Works until told to stop, until the lease is lost, or until others need the work: true then. */
async function work(working: Working, lease: Lease, takenMs: number): Promise<boolean> {
  const { options, stopping } = working
  const { share, mayEnd = () => true } = options
  const givenUp = new AbortController()
  const lost = new AbortController()
  const ended = new AbortController()
  const onLost = (): void => lost.abort()
  // A long start or end must not outlast the lease either.
  const renewing = renewUntil(working, { lease, takenMs, onLost, signal: ended.signal })
  try {
    if (stopping.aborted) return false
    const end = await options.begin(lease, onLost)
    working.settled.resolve()
    const uncount = share?.count({ mayEnd, giveUp: () => givenUp.abort() })
    await untilAborted(AbortSignal.any([lost.signal, givenUp.signal, stopping]))
    uncount?.()
    await end()
    return givenUp.signal.aborted
  } finally {
    ended.abort()
    await renewing
    // What cannot be given back runs out.
    await options.leases.giveBack(lease).catch(() => undefined)
  }
}

interface Renewing {
  readonly lease: Lease
  readonly takenMs: number
  readonly onLost: () => void
  readonly signal: AbortSignal
}

async function renewUntil({ options }: Working, renewing: Renewing): Promise<void> {
  const { leases, runtime, name, reportFault } = options
  const { lease, onLost, signal } = renewing
  const bell = createBell(runtime)
  let renewedMs = renewing.takenMs
  for (;;) {
    await bell.wait(renewEveryMs, signal)
    if (signal.aborted) return
    const askedMs = runtime.elapsedMs()
    try {
      if (!(await leases.renew(lease, leaseMs))) return onLost()
      renewedMs = askedMs
    } catch (fault) {
      // Nobody knows whether another process has it: until it must have run out, it is tried again.
      if (runtime.elapsedMs() - renewedMs < leaseMs) continue
      const message = `The lease of ${name} could not be renewed in time, and another process may take it.`
      reportFault?.(new RampartError('LEASE_LOST', message, { cause: fault }), name)
      return onLost()
    }
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
