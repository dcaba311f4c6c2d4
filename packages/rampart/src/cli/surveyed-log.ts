// A log with the read models over it, as far as stores and servers tell of both.
import type { InspectedCollection, InspectedLog } from '../core/inspection/index.ts'
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
  const projections = builds.map((build) => {
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
