// Serves projections that other processes run, from a read store that is shared with them.
import { RampartError, type Projection, type Runtime } from '../core/index.ts'
import type { LogKey, ReadStore } from '../core/ports/index.ts'
import { createReadModel } from './create-read-model.ts'
import { followProjection } from './followed-projection.ts'
import { followSplit } from './followed-split.ts'
import { partsOf } from './parts.ts'
import type { ReadModel } from './read-model.ts'
import type { ShownProjection } from './shown-projection.ts'
import { otherSplits } from './split-change.ts'
import { showSplit } from './split-projection.ts'

/** What is followed, and where. */
export interface FollowProjectionsOptions {
  readonly projections: readonly Projection[]
  readonly log: LogKey
  readonly shared: ReadStore['kept']
  /** Where documents may stand in another number of parts; absent where they cannot. */
  readonly names?: ReadStore['names']
  readonly runtime: Runtime
  /** Hears when the store begins to fail. */
  readonly reportFault: (fault: unknown, what: string) => void
}

/** What may be read of projections that other processes run. */
export interface FollowedProjections {
  /** One for each, in their order. */
  readonly models: readonly ReadModel[]
  /** Why the store cannot be looked at; `undefined` when it can. */
  readonly fault: () => string | undefined
  readonly stop: () => Promise<void>
}

/**
 * Follows projections. Throws `CAPABILITY_MISSING` for a store that one process has alone, and what the
 * store throws.
 */
export async function followProjections(options: FollowProjectionsOptions): Promise<FollowedProjections> {
  const { projections, shared, names, ...how } = options
  if (shared === undefined) {
    const message = 'This read store belongs to one process. Keep read models on PostgreSQL to share them.'
    throw new RampartError('CAPABILITY_MISSING', message)
  }
  const following = await Promise.all(
    projections.flatMap(partsOf).map((projection) => followProjection({ projection, shared, ...how })),
  )
  const parts: ShownProjection[] = [...following]
  const open = async (projection: Projection) => {
    const shown = await followProjection({ projection, shared, ...how })
    return { shown, stop: shown.stop }
  }
  const changes = await Promise.all(
    projections.map((projection) => {
      const own = showSplit(projection, parts.splice(0, projection.parts))
      const findOthers = async () => {
        const stored = (await names?.(how.log)) ?? []
        const others = otherSplits(projection, stored)
        return others.filter((other) => partsOf(other).every(({ name }) => stored.includes(name)))
      }
      return followSplit({ own, open, findOthers, ...how })
    }),
  )
  return {
    models: changes.map(({ shown }) => createReadModel({ shown, runtime: how.runtime })),
    fault: () => following.map((one) => one.fault()).find((fault) => fault !== undefined),
    stop: async () => void (await Promise.all([...following, ...changes].map((one) => one.stop()))),
  }
}
