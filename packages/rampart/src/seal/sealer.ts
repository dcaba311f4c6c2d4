// Seals a log beside whoever appends to it: what was appended is digested and chained within a second or so.
//
//   once a second ──> ranges after the newest seal ──> a few seals per commit ──> until the head is sealed
//
// It looks at once when it starts: from then on a store may keep at hand what the next seals need.
//
// Where it dies does not matter: seals are stored whole or not at all, and the next start goes on after the
// newest one. Nothing waits for a seal. Of several processes one seals a log at a time.
import { hash } from 'node:crypto'
import { position } from '../core/codec/index.ts'
import { isRampartError, RampartError, type Runtime } from '../core/index.ts'
import type { LeaseStore } from '../core/leases/index.ts'
import type { Epoch, EventStore } from '../core/ports/index.ts'
import {
  epochsUpTo,
  noDigest,
  sealDigest,
  sealsMax,
  type Seal,
  type SealContent,
  type SealRange,
} from '../core/seals/index.ts'
import { createBackOff, createBell, workUnderLease } from '../subscription/index.ts'

/** What a sealer needs. */
export interface SealerOptions {
  readonly store: Pick<EventStore, 'log' | 'head' | 'epochs' | 'seals'>
  readonly runtime: Runtime
  /** Where several processes may seal, the one that has the lease does; absent where there is one. */
  readonly leases?: LeaseStore | undefined
  /** Hears of faults of the store, which are waited out, and of a log that is shorter than its seals. */
  readonly reportFault?: (fault: unknown, what: string) => void
}

/** A log that is being sealed. */
export interface Sealer {
  /** Ends it, after a last look at what was appended. */
  readonly stop: () => Promise<void>
}

const intervalMs = 1000

interface Sealing extends SealerOptions {
  readonly stopping: AbortController
  /** The newest seal; null when there is none, `undefined` until it was looked up. */
  last: Seal | null | undefined
}

/** Starts to seal a log, or to wait until no other process does. */
export function createSealer(options: SealerOptions): Sealer {
  const { leases, store, runtime, reportFault } = options
  if (leases === undefined) return startSealing(options)
  return workUnderLease({
    leases,
    name: whatOf(store),
    runtime,
    // Seals need no fence: one that does not follow the newest is refused whoever brings it.
    begin: async () => startSealing(options).stop,
    ...(reportFault === undefined ? {} : { reportFault }),
  })
}

function startSealing(options: SealerOptions): Sealer {
  const sealing: Sealing = { ...options, stopping: new AbortController(), last: undefined }
  const ended = run(sealing)
  return {
    stop() {
      sealing.stopping.abort()
      return ended
    },
  }
}

async function run(sealing: Sealing): Promise<void> {
  const { stopping, runtime, store } = sealing
  const { signal } = stopping
  const backOff = createBackOff(runtime)
  for (let waitMs = 0; !signal.aborted;) {
    // oxlint-disable-next-line no-await-in-loop -- it is what this loop is for
    await createBell(runtime).wait(waitMs, signal)
    try {
      // oxlint-disable-next-line no-await-in-loop -- the same
      await sealToHead(sealing)
      waitMs = intervalMs
      backOff.reset()
    } catch (fault) {
      if (isRampartError(fault, 'STORE_CLOSED')) return
      const known = sealing.last?.number ?? 0
      // Whatever the store failed at, nothing is known of the newest seal any more.
      sealing.last = undefined
      // oxlint-disable-next-line no-await-in-loop -- the same
      if (isRampartError(fault, 'STORE_UNAVAILABLE') && (await isSealedBeyond(store, known))) continue
      sealing.reportFault?.(fault, whatOf(store))
      waitMs = intervalMs + backOff.nextDelayMs()
    }
  }
}

// Another process that writes to the same log has sealed it meanwhile, which is as good.
async function isSealedBeyond(store: SealerOptions['store'], known: number): Promise<boolean> {
  const last = await store.seals.last().catch(() => undefined)
  return last !== undefined && last.number > known
}

async function sealToHead(sealing: Sealing): Promise<void> {
  let isMore = true
  // oxlint-disable-next-line no-await-in-loop -- seals follow each other
  while (isMore) isMore = (await sealNext(sealing)) && !sealing.stopping.signal.aborted
}

/** Stores the next seals; false when all that the log holds is sealed. */
async function sealNext(sealing: Sealing): Promise<boolean> {
  const { store, runtime } = sealing
  sealing.last ??= await findLast(sealing)
  const ranges = await nextRanges(store, sealing.last)
  if (ranges.length === 0) return false
  // After the ranges: no later epoch forks before what an earlier one has sealed.
  const { epoch } = await store.head()
  const epochs = epochsUpTo(epoch, await store.epochs())
  const seals: Seal[] = []
  let last = sealing.last
  for (const range of ranges) {
    last = sealOf(store.log, { range, before: last, epoch, epochs, sealedAtMs: runtime.nowMs() })
    seals.push(last)
  }
  await store.seals.append(seals)
  sealing.last = last
  return seals.length === sealsMax
}

async function nextRanges({ seals }: SealerOptions['store'], last: Seal | null): Promise<SealRange[]> {
  const ranges: SealRange[] = []
  while (ranges.length < sealsMax) {
    // oxlint-disable-next-line no-await-in-loop -- each range begins where the one before it ends
    const range = await seals.rangeAfter((ranges.at(-1) ?? last)?.last ?? position(0))
    if (range === undefined) break
    ranges.push(range)
  }
  return ranges
}

async function findLast({ store, reportFault }: Sealing): Promise<Seal | null> {
  const last = (await store.seals.last()) ?? null
  const head = await store.head()
  if (last !== null && last.last > head.position) {
    const message =
      `${store.log} ends at position ${head.position}, and is sealed through ${last.last}: events are ` +
      'missing. Run `rampart verify`, and restore a backup.'
    reportFault?.(new RampartError('STORE_UNAVAILABLE', message), whatOf(store))
  }
  return last
}

function whatOf({ log }: SealerOptions['store']): string {
  return `the sealing of ${log}`
}

interface Sealed {
  readonly range: SealRange
  readonly before: Seal | null
  readonly epoch: string
  readonly epochs: readonly Epoch[]
  readonly sealedAtMs: number
}

function sealOf(log: string, { range, before, epochs, ...rest }: Sealed): Seal {
  const number = (before?.number ?? 0) + 1
  const seal = { ...range, ...rest, number, previous: before?.digest ?? noDigest }
  const content: SealContent = { ...seal, epochs }
  return { ...seal, digest: sealDigest(log, content, (data) => hash('sha256', data)) }
}
