// Serves projections that other processes run, from a read store that is shared with them.
import { RampartError, type Projection, type Runtime } from '../core/index.ts'
import type { LogKey, ReadStore } from '../core/ports/index.ts'
import { createReadModel } from './create-read-model.ts'
import { followProjection } from './followed-projection.ts'
import type { ReadModel } from './read-model.ts'

/** What is followed, and where. */
export interface FollowProjectionsOptions {
  readonly projections: readonly Projection[]
  readonly log: LogKey
  readonly shared: ReadStore['kept']
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
  const { projections, shared, ...how } = options
  if (shared === undefined) {
    const message = 'This read store belongs to one process. Keep read models on PostgreSQL to share them.'
    throw new RampartError('CAPABILITY_MISSING', message)
  }
  const following = await Promise.all(
    projections.map((projection) => followProjection({ projection, shared, ...how })),
  )
  return {
    models: following.map((shown) => createReadModel({ shown, runtime: how.runtime })),
    fault: () => following.map((one) => one.fault()).find((fault) => fault !== undefined),
    stop: async () => void (await Promise.all(following.map((one) => one.stop()))),
  }
}
