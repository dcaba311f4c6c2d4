// Rebuilds of a split projection: each part is built, compared and switched by itself, in the process that
// runs it, and told of together.
import { isRampartError, type Projection } from '../core/index.ts'
import { runsElsewhere } from './followed-projection.ts'
import type { BuildStatus } from './build.ts'
import type { Rebuild, RebuildAction, RebuildStatus } from './rebuild.ts'
import type { ShownProjection } from './shown-projection.ts'

const differsMax = 20

/** The rebuilds of the parts that run in this process; `undefined` where nothing operates them. */
export function splitRebuild(projection: Projection, parts: readonly ShownProjection[]): Rebuild | undefined {
  const all = parts.flatMap(({ rebuild }) => rebuild ?? [])
  if (all.length < parts.length) return undefined
  const status = async (): Promise<RebuildStatus> => {
    const here = await statusesOf(projection, all)
    return { ...together(here.map((one) => one.status)), parts: { here: here.length, all: all.length } }
  }
  return {
    status,
    async act(action) {
      const concerned = (await statusesOf(projection, all)).filter((one) => concerns(action, one.status))
      // Where it concerns none of them, the first says why it cannot be.
      const asked = concerned.length > 0 ? concerned.map((one) => one.rebuild) : all.slice(0, 1)
      const acted = await Promise.allSettled(asked.map((rebuild) => rebuild.act(action)))
      const refused = acted.find((one) => one.status === 'rejected')
      if (refused !== undefined) throw refused.reason
      return status()
    },
    isBuilding: () => all.some((rebuild) => rebuild.isBuilding()),
    stop: async () => void (await Promise.all(all.map((rebuild) => rebuild.stop()))),
  }
}

interface PartRebuild {
  readonly rebuild: Rebuild
  readonly status: RebuildStatus
}

/** What the parts of this process say; throws `ROLE_ELSEWHERE` when it runs none. */
async function statusesOf(
  { name }: Projection,
  all: readonly Rebuild[],
): Promise<readonly [PartRebuild, ...PartRebuild[]]> {
  const found = await Promise.all(
    all.map(async (rebuild) => {
      try {
        return [{ rebuild, status: await rebuild.status() }]
      } catch (fault) {
        if (isRampartError(fault, 'ROLE_ELSEWHERE')) return []
        throw fault
      }
    }),
  )
  const [first, ...others] = found.flat()
  if (first === undefined) throw runsElsewhere(name)
  return [first, ...others]
}

/** Decisions are about parts that wait for one, and a start leaves alone what is being built. */
function concerns(action: RebuildAction, { build }: RebuildStatus): boolean {
  switch (action) {
    case 'accept':
    case 'drop':
      return build?.state === 'differs'
    case 'start':
    case 'back':
      return build?.state !== 'building'
  }
}

function together(statuses: readonly RebuildStatus[]): RebuildStatus {
  const lives = statuses.map(({ live }) => live)
  const builds = statuses.flatMap(({ build }) => build ?? [])
  return {
    // Parts are built again one by one, so that their generations may differ.
    live: {
      version: Math.min(...lives.map(({ version }) => version)),
      generation: Math.max(...lives.map(({ generation }) => generation)),
    },
    kept: statuses.find(({ kept }) => kept.length > 0)?.kept ?? [],
    build: builds.length === 0 ? null : buildOf(builds),
  }
}

// What operators must hear of first: what goes on, what needs them, and only then what is done.
const order: readonly BuildStatus['state'][] = ['building', 'failed', 'differs', 'dropped', 'switched']

function buildOf(builds: readonly BuildStatus[]): BuildStatus {
  const generation = Math.max(...builds.map((one) => one.generation))
  const seconds = builds.map(({ secondsLeft }) => secondsLeft)
  return {
    version: Math.max(...builds.map(({ version }) => version)),
    generation,
    state: order.find((state) => builds.some((one) => one.state === state)) ?? 'building',
    position: Math.min(...builds.map(({ position }) => position)),
    target: Math.max(...builds.map(({ target }) => target)),
    perSecond: Math.min(...builds.map(({ perSecond }) => perSecond)),
    secondsLeft: seconds.some((left) => left === null) ? null : Math.max(...seconds.map((left) => left ?? 0)),
    comparison: comparisonOf(builds),
    skipped: builds.flatMap(({ skipped }) => skipped).slice(0, differsMax),
    error: builds.map(({ error }) => error).find((error) => error !== null) ?? null,
  }
}

function comparisonOf(builds: readonly BuildStatus[]): BuildStatus['comparison'] {
  const compared = builds.flatMap(({ comparison }) => comparison ?? [])
  if (compared.length === 0) return null
  const sum = (of: (one: (typeof compared)[number]) => number): number =>
    compared.reduce((total, one) => total + of(one), 0)
  return {
    documents: [sum(({ documents }) => documents[0]), sum(({ documents }) => documents[1])],
    differing: sum(({ differing }) => differing),
    sample: compared.flatMap(({ sample }) => sample).slice(0, differsMax),
    isSame: compared.every(({ isSame }) => isSame),
  }
}
