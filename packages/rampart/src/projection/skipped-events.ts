// Events that operators skipped, as a verification folds: it leaves them out for the keys that they were
// skipped for, and tells those that were never there.
import type { Position } from '../core/codec/index.ts'
import { eventId, type DocumentCollection } from '../core/ports/index.ts'
import type { FoldedRecord, KeyedBatch } from './fold.ts'

type SkippedEvent = Awaited<ReturnType<DocumentCollection['skipped']>>[number]

/** The skips of a read model while its log is folded. */
export interface Skips {
  /** Hears what is recorded of them by now, when the log was folded up to a position. */
  readonly learn: (skipped: readonly SkippedEvent[], folded: Position) => void
  readonly withoutSkipped: (batch: KeyedBatch) => KeyedBatch
  /** Those that no folded event explains. */
  readonly unfounded: () => readonly SkippedEvent[]
  /** Keys of which an event was skipped after it was folded. */
  readonly late: ReadonlySet<string>
}

/** Begins without any. */
export function createSkips(): Skips {
  const known = new Map<string, SkippedEvent>()
  const met = new Set<string>()
  const late = new Set<string>()
  const isSkipped = (key: string, record: FoldedRecord): boolean => {
    const text = textOf(key, record.position)
    const skip = known.get(text)
    if (skip?.event.eventId !== eventId(record) || skip.event.type !== record.type) return false
    met.add(text)
    return true
  }
  return {
    learn(skipped, folded) {
      for (const skip of skipped) {
        const text = textOf(skip.key, skip.event.position)
        if (known.has(text)) continue
        known.set(text, skip)
        if (skip.event.position > 0 && skip.event.position <= folded) late.add(skip.key)
      }
    },
    withoutSkipped: (batch) => (known.size === 0 ? batch : without(batch, isSkipped)),
    unfounded: () =>
      [...known].filter(([text, { key }]) => !met.has(text) && !late.has(key)).map(([, skip]) => skip),
    late,
  }
}

function without(
  { events, failure }: KeyedBatch,
  isSkipped: (key: string, record: FoldedRecord) => boolean,
): KeyedBatch {
  const kept = events.map((keyed) => {
    const keys = keyed.keys.filter((key) => !isSkipped(key, keyed.record))
    return keys.length === keyed.keys.length ? keyed : { ...keyed, keys }
  })
  return { events: kept, failure }
}

function textOf(key: string, at: number): string {
  return `${at} ${key}`
}
