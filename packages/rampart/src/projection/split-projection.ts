// A split projection as its read model needs it: one name over parts, which stand where they stand.
import { RampartError, type Projection } from '../core/index.ts'
import { partIndex } from './parts.ts'
import type { RunnerState } from './projection-runner.ts'
import type { Lag } from './read-model.ts'
import type { ShownProjection } from './shown-projection.ts'
import { leastPlace, splitDocuments } from './split-documents.ts'
import { splitRebuild } from './split-rebuild.ts'

/** Shows the parts of a projection as one; a projection that is not split is its only part. */
export function showSplit(projection: Projection, parts: readonly ShownProjection[]): ShownProjection {
  const [first] = parts
  if (first === undefined) throw new RampartError('INTERNAL', `Projection ${projection.name} has no part.`)
  if (parts.length === 1) return first
  const partOf = (key: string): ShownProjection => parts[partIndex(key, parts.length)] ?? first
  const rebuild = splitRebuild(projection, parts)
  return {
    projection,
    log: first.log,
    collection: splitDocuments(parts, partOf),
    partOf,
    state: () => stateOf(parts),
    // Of another number of parts the content is another one, too.
    tag: () => parts.map((part) => part.tag()).join('+'),
    reached: () => leastPlace(parts.map((part) => part.reached())),
    // Listings come with their place, and a single document is read from its part.
    placeOf: (place) => place,
    onMoved(callback) {
      // A part moves further than all of them do, for those who wait for that part.
      const ends = parts.map((part) => part.onMoved(callback))
      return () => {
        for (const end of ends) end()
      }
    },
    async judge(place) {
      const judgements = await Promise.all(parts.map((part) => part.judge(place)))
      return judgements.find((judgement) => judgement !== 'held') ?? 'held'
    },
    lag: async () => worstOf(await Promise.all(parts.map((part) => part.lag()))),
    quarantinedCount: () => parts.reduce((sum, part) => sum + part.quarantinedCount(), 0),
    treat: async (treatment) => partOf(treatment.key).treat(treatment),
    ...(rebuild === undefined ? {} : { rebuild }),
    upgradeStopped: () => firstOf(parts, (part) => part.upgradeStopped()),
    beginsAnew: () => firstOf(parts, (part) => part.beginsAnew()),
  }
}

function stateOf(parts: readonly ShownProjection[]): RunnerState {
  const states = parts.map((part) => part.state())
  return states.find(({ status }) => status !== 'running') ?? { status: 'running' }
}

function worstOf(lags: readonly Lag[]): Lag {
  return {
    events: Math.max(...lags.map(({ events }) => events)),
    seconds: Math.max(...lags.map(({ seconds }) => seconds)),
  }
}

function firstOf(
  parts: readonly ShownProjection[],
  reasonOf: (part: ShownProjection) => string | undefined,
): string | undefined {
  return parts.map(reasonOf).find((reason) => reason !== undefined)
}
