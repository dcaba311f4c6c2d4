// A log with the read models over it, as far as stores and servers tell of both.
import { splitName, type InspectedCollection, type InspectedLog } from '../core/inspection/index.ts'
import type { Health } from './health.ts'

/** A log with the read models over it. */
export interface SurveyedLog extends InspectedLog {
  /** The name of the bounded context. */
  readonly context: string
  readonly projections: readonly SurveyedProjection[]
}

/** A build of a projection, and how far it is behind its log. */
export interface SurveyedProjection extends InspectedCollection {
  readonly lagEvents: number
  readonly lagSeconds: number
  readonly stopped: string | null
  readonly upgradeStopped: string | null
  /** Over how many parts its keys are spread. */
  readonly parts: number
  /** Whether readers get it in another number of parts, because that came further. */
  readonly isBeside: boolean
}

/** What is known of a log. */
export interface LogParts {
  readonly log: InspectedLog
  readonly builds: readonly InspectedCollection[]
  /** When the first event after a position was recorded; null when there is none. */
  readonly recorded: (position: number) => number | null
  readonly health: Pick<Health, 'projections'> | null
  readonly nowMs: number
}

/** Puts it together. */
export function surveyedLog({ log, builds, recorded, health, nowMs }: LogParts): SurveyedLog {
  const projections = whole(builds).map((build) => {
    // What commits with the events contains them all, and its checkpoint stays where it began.
    const position = build.isSynchronous && build.isLive ? log.head : build.position
    const lagEvents = Math.max(0, log.head - position)
    const oldestAtMs = lagEvents === 0 ? null : recorded(position)
    const told = build.isLive ? health?.projections.get(build.name) : undefined
    return {
      ...build,
      position,
      lagEvents,
      lagSeconds: oldestAtMs === null ? 0 : Math.max(0, nowMs - oldestAtMs) / 1000,
      stopped: told?.stopped ?? null,
      upgradeStopped: told?.upgradeStopped ?? null,
    }
  })
  return { ...log, context: log.log.split('/')[1] ?? log.log, projections }
}

type WholeBuild = InspectedCollection & Pick<SurveyedProjection, 'parts' | 'isBeside'>

/** The builds by the names that their projections have, parts put together: at the least of their places. */
function whole(builds: readonly InspectedCollection[]): readonly WholeBuild[] {
  const together = new Map<string, WholeBuild>()
  for (const build of builds) {
    const { name, parts } = splitName(build.name)
    const { version, generation, isLive, isNamed } = build
    const key = JSON.stringify([name, parts, version, generation, isLive, isNamed])
    const known = together.get(key) ?? { ...build, quarantinedKeys: 0 }
    together.set(key, {
      ...build,
      name,
      parts,
      isBeside: false,
      position: Math.min(known.position, build.position),
      quarantinedKeys: known.quarantinedKeys + build.quarantinedKeys,
    })
  }
  const all = [...together.values()]
  return all.map((build) => (isBeside(build, all) ? { ...build, isLive: false, isBeside: true } : build))
}

// Of several numbers of parts readers get the one that came furthest.
function isBeside({ name, parts, position }: WholeBuild, all: readonly WholeBuild[]): boolean {
  return all.some(
    (other) => other.isLive && other.name === name && other.parts !== parts && other.position > position,
  )
}
