// A projection as readers get it: one collection is live, others may be built beside it and take its place.
//
//   code of a newer version      live: version 1, as it was        beside it: version 2 from position 0
//   `rampart rebuild`            live: generation 1, kept up       beside it: generation 2 from position 0
//                                          └── one transaction, once the other contains as much ──┘
//
// Readers see the live collection until the switch and the other one from then on. Nothing goes back for
// them, because the other one contains at least what the live one does at that instant.
import { createProjectionRunner } from './create-projection-runner.ts'
import type { ProjectionRunner, ProjectionRunnerOptions } from './projection-runner.ts'
import { createRebuild, type Rebuild, type RebuildStatus } from './rebuild.ts'
import { createStage, type Stage } from './stage.ts'
import { beginUpgrade, type Upgrade } from './upgrade.ts'

/** A runner whose collection may change while it runs, and what operators do about that. */
export interface ServedProjection extends ProjectionRunner {
  readonly rebuild: Rebuild
  /** Why documents of an older version stay live: their successors stopped, or wait for a decision. */
  readonly upgradeStopped: () => string | undefined
  /** Whether documents of another version are live. */
  readonly isUpgrading: () => boolean
}

/** Starts a projection; while documents of another version are stored, its own are built beside them. */
export async function createServedProjection(options: ProjectionRunnerOptions): Promise<ServedProjection> {
  const { projection, store, readStore } = options
  const states = await readStore.collections(store.log, projection.name)
  const live = states.find(({ isLive }) => isLive)
  if (live === undefined || live.version === projection.version) {
    const name = { version: projection.version, generation: live?.generation ?? 1 }
    const tag = live?.tag ?? String(projection.version)
    const runner = await createProjectionRunner({ ...options, generation: name.generation, tag })
    const stage = createStage({ name, runner })
    return facadeOf(options, stage)
  }
  const upgrading = await beginUpgrade(options, { states, live })
  return facadeOf(options, upgrading.stage, upgrading)
}

function isOlder({ projection }: ProjectionRunnerOptions, stage: Stage): boolean {
  return stage.current().name.version !== projection.version
}

/** Until documents of today's version are live, their upgrade is the build that operators see. */
function rebuildIn(options: ProjectionRunnerOptions, stage: Stage, upgrading: Upgrade | undefined): Rebuild {
  const rebuild = createRebuild(options, stage)
  if (upgrading === undefined) return rebuild
  const status = async (): Promise<RebuildStatus> => {
    const told = await rebuild.status()
    return isOlder(options, stage) ? { ...told, build: upgrading.status() } : told
  }
  return {
    ...rebuild,
    status,
    async act(action) {
      if (!isOlder(options, stage)) return rebuild.act(action)
      upgrading.decide(action)
      return status()
    },
  }
}

function facadeOf(options: ProjectionRunnerOptions, stage: Stage, upgrading?: Upgrade): ServedProjection {
  const rebuild = rebuildIn(options, stage, upgrading)
  const live = (): ProjectionRunner => stage.current().runner
  return {
    projection: options.projection,
    store: options.store,
    get collection() {
      return live().collection
    },
    tag: () => live().tag(),
    setTag: (tag) => live().setTag(tag),
    state: () => live().state(),
    reached: () => live().reached(),
    placeOf: (place) => live().placeOf(place),
    onMoved: stage.onMoved,
    hold: () => live().hold(),
    limitTo: (place) => live().limitTo(place),
    quarantinedCount: () => live().quarantinedCount(),
    treat: (treatment) => live().treat(treatment),
    rebuild,
    upgradeStopped: () => upgrading?.stopped(),
    isUpgrading: () => isOlder(options, stage),
    async stop() {
      await Promise.all([rebuild.stop(), live().stop(), upgrading?.stop()])
    },
  }
}
