// How far a read model is behind its log, in events and in seconds.
//
// The age of an event is told by the wall clock, which may have jumped since it was recorded. What was seen
// of the read model itself bounds it: no event that it lacks can be older than the last look at which it was
// caught up, and an event that was missing at a look has been missing ever since.
import type { Runtime } from '../core/index.ts'
import type { EventStore, LogPlace } from '../core/ports/index.ts'
import type { Lag } from './read-model.ts'

/** How long an answer is good: whoever asks more often gets the same one. */
const answerMs = 250

/** What lag is measured between. */
export interface LagOptions {
  readonly store: EventStore
  /** The place that the read model contains. */
  readonly reached: () => LogPlace
  readonly runtime: Runtime
}

/** What was seen at earlier looks, by the clock that only grows. */
interface Seen {
  caughtUpMs: number | undefined
  /** The oldest event that was missing, since the first look at which it was. */
  missing: { readonly position: number; readonly sinceMs: number } | undefined
}

/** Makes the gauge of one read model. */
export function createLagGauge(options: LagOptions): () => Promise<Lag> {
  let answer: Promise<Lag> | undefined
  let askedMs = 0
  const seen: Seen = { caughtUpMs: undefined, missing: undefined }
  return () => {
    const nowMs = options.runtime.elapsedMs()
    if (answer !== undefined && nowMs - askedMs < answerMs) return answer
    askedMs = nowMs
    answer = measure(options, seen)
    return answer
  }
}

async function measure({ store, reached, runtime }: LagOptions, seen: Seen): Promise<Lag> {
  const lookedMs = runtime.elapsedMs()
  const head = await store.head()
  const place = reached()
  if (head.position <= place.position) {
    seen.caughtUpMs = lookedMs
    seen.missing = undefined
    return { events: 0, seconds: 0 }
  }
  const events = head.position - place.position
  for await (const page of store.readLog({ after: place.position, limit: 1 })) {
    const [oldest] = page.events
    if (oldest === undefined) continue
    if (seen.missing?.position !== oldest.position) {
      seen.missing = { position: oldest.position, sinceMs: lookedMs }
    }
    const ageMs = runtime.nowMs() - oldest.recordedAtMs
    return { events, seconds: between(ageMs, seen, runtime.elapsedMs()) / 1000 }
  }
  return { events, seconds: 0 }
}

function between(ageMs: number, { caughtUpMs, missing }: Seen, nowMs: number): number {
  const least = missing === undefined ? 0 : nowMs - missing.sinceMs
  const most = caughtUpMs === undefined ? Number.POSITIVE_INFINITY : nowMs - caughtUpMs
  return Math.min(most, Math.max(least, ageMs))
}
