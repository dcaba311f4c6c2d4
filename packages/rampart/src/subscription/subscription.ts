// The one loop that everything downstream of a log runs on: read after a place, hand over, go on, wait at
// the head.
//
//   ┌─> read a page after the place ──> hand it over ──> the place moves to the page's end ─┐
//   │     (the next page is read while this one is handled)                                 │
//   └─────────── at the head: wait for a hint of the store, or a second at most <───────────┘
//
// Two pages are held at most. The loop keeps no checkpoint: whoever handles a batch commits its end with
// the effect.
import type { Runtime } from '../core/index.ts'
import type { EventStore, LogPage, LogPlace } from '../core/ports/index.ts'
import { createBackOff, isPassing, type BackOff } from './back-off.ts'
import { createBell, type Bell } from './bell.ts'

/** Events in order of position, all that match after the last batch up to and with `through`. */
export interface Batch<Event> extends LogPage<Event> {
  /** Whether it holds as many events as it may: then more may follow at once. */
  readonly isFull: boolean
}

/** The log that a subscription follows, as whole records or as folds read it. */
export interface FollowedLog<Event> {
  readonly readLog: (query: Parameters<EventStore['readToFold']>[0]) => AsyncIterable<LogPage<Event>>
  readonly onAppended: EventStore['onAppended']
}

/** What a subscription needs. */
export interface SubscriptionOptions<Event> {
  readonly store: FollowedLog<Event>
  /** Which events to hand over; every type when absent. */
  readonly types?: readonly string[]
  /** The place after which to begin. */
  readonly from: LogPlace
  /**
   * Takes one batch at a time, in order; also empty ones, when the place moved over events of other types,
   * and about once a second while nothing happens. A throw ends the subscription.
   */
  readonly handle: (batch: Batch<Event>) => Promise<void>
  /** Called before the loop waits, for events or for a store that fails. A throw ends the subscription. */
  readonly beforeWait?: () => Promise<void>
  readonly runtime: Runtime
  /** Most events of a batch; 1,000 unless given. */
  readonly batchSize?: number
  /** Longest wait at the head without a hint; 1,000 unless given. */
  readonly pollMs?: number
  /** Hears of store faults after which the loop tries again. */
  readonly onRetry?: (error: unknown, delayMs: number) => void
}

/** How a subscription ended: asked to, or by what `handle` or the store threw. */
export type SubscriptionEnd =
  | { readonly reason: 'stopped' }
  | { readonly reason: 'failed'; readonly error: unknown }

/** A running loop. */
export interface Subscription {
  /** Resolves when the loop has ended; never rejects. */
  readonly ended: Promise<SubscriptionEnd>
  /** The end of the last batch that was handled. */
  readonly place: () => LogPlace
  /** Ends the loop: reads are aborted, a batch that is being handled is finished. */
  readonly stop: () => Promise<SubscriptionEnd>
}

interface Loop<Event> {
  readonly options: SubscriptionOptions<Event>
  readonly signal: AbortSignal
  readonly bell: Bell
  readonly backOff: BackOff
  place: LogPlace
}

const batchSizeUnlessSaid = 1000

/** Starts the loop. */
export function createSubscription<Event>(options: SubscriptionOptions<Event>): Subscription {
  const stopping = new AbortController()
  const bell = createBell(options.runtime)
  const backOff = createBackOff(options.runtime)
  const loop: Loop<Event> = { options, signal: stopping.signal, bell, backOff, place: options.from }
  const ended = runUntilStopped(loop)
  return {
    ended,
    place: () => loop.place,
    stop() {
      stopping.abort()
      return ended
    },
  }
}

async function runUntilStopped<Event>(loop: Loop<Event>): Promise<SubscriptionEnd> {
  const { store, pollMs = 1000 } = loop.options
  const endHints = store.onAppended(loop.bell.ring)
  try {
    while (!loop.signal.aborted) {
      await readToHead(loop)
      await loop.options.beforeWait?.()
      await loop.bell.wait(pollMs, loop.signal)
    }
    return { reason: 'stopped' }
  } catch (error) {
    return { reason: 'failed', error }
  } finally {
    endHints()
  }
}

/** Tells what `handle` threw (the cause) from faults of the store. */
class HandlingFault extends Error {}

/** Handles everything up to the head. A store fault that passes is waited out here; all others are thrown. */
async function readToHead<Event>(loop: Loop<Event>): Promise<void> {
  while (!loop.signal.aborted) {
    try {
      await handlePages(loop)
      return
    } catch (error) {
      if (error instanceof HandlingFault) throw error.cause
      if (loop.signal.aborted) return
      if (!isPassing(error)) throw error
      await waitOut(loop, error)
    }
  }
}

async function waitOut<Event>({ options, signal, backOff }: Loop<Event>, error: unknown): Promise<void> {
  await options.beforeWait?.()
  const delayMs = backOff.nextDelayMs()
  options.onRetry?.(error, delayMs)
  // A bell of its own: hints of appended events must not shorten the wait for a store that fails.
  await createBell(options.runtime).wait(delayMs, signal)
}

async function handlePages<Event>(loop: Loop<Event>): Promise<void> {
  const { store, types, batchSize = batchSizeUnlessSaid } = loop.options
  const query = { after: loop.place.position, pageSize: batchSize, signal: loop.signal }
  const pages = store.readLog(types === undefined ? query : { ...query, types })[Symbol.asyncIterator]()
  try {
    let upcoming = pages.next()
    for (let page = await upcoming; page.done !== true; page = await upcoming) {
      loop.backOff.reset()
      upcoming = pages.next()
      // The page that is read ahead is awaited above; until then its fault must not count as unhandled.
      upcoming.catch(() => undefined)
      await handlePage(loop, page.value)
      if (loop.signal.aborted) return
    }
  } finally {
    await pages.return?.()
  }
}

async function handlePage<Event>(loop: Loop<Event>, page: LogPage<Event>): Promise<void> {
  const { handle, batchSize = batchSizeUnlessSaid } = loop.options
  try {
    await handle({ ...page, isFull: page.events.length >= batchSize })
  } catch (error) {
    throw new HandlingFault('A batch could not be handled.', { cause: error })
  }
  loop.place = page.through
  // Stores may answer without ever leaving the thread; during a long catch-up others must get their turn.
  await new Promise<void>((resolve) => loop.options.runtime.soon(resolve))
}
