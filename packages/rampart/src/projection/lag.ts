// How far a read model is behind its log, in events and in seconds.
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

/** Makes the gauge of one read model. */
export function createLagGauge(options: LagOptions): () => Promise<Lag> {
  let answer: Promise<Lag> | undefined
  let askedMs = 0
  return () => {
    const nowMs = options.runtime.elapsedMs()
    if (answer !== undefined && nowMs - askedMs < answerMs) return answer
    askedMs = nowMs
    answer = measure(options)
    return answer
  }
}

async function measure({ store, reached, runtime }: LagOptions): Promise<Lag> {
  const head = await store.head()
  const place = reached()
  if (head.position <= place.position) return { events: 0, seconds: 0 }
  const events = head.position - place.position
  for await (const page of store.readLog({ after: place.position, limit: 1 })) {
    const [oldest] = page.events
    if (oldest === undefined) continue
    // The wall clock may have jumped back since the event was recorded.
    return { events, seconds: Math.max(0, runtime.nowMs() - oldest.recordedAtMs) / 1000 }
  }
  return { events, seconds: 0 }
}
