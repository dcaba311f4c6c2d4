// Whether the server lives, whether it accepts commands, and how far its projections are behind.
import type { Endpoint } from './endpoint.ts'
import { jsonResponse } from './exchange.ts'
import type { Metrics, ProjectionLag } from './metrics.ts'
import type { ReadModel } from './reads/index.ts'

/** The part of an app that its health is about. */
export interface HealthyApp {
  readonly name: string
  readonly reads: readonly ReadModel[]
}

/** What the health of a server is told from. */
export interface HealthOptions {
  readonly apps: readonly HealthyApp[]
  readonly metrics: Metrics
  readonly fault: () => string | undefined
  /** Whether everybody may read why something stands still: the reasons name files and servers. */
  readonly showsReasons: boolean
}

/**
 * The endpoints that watchers of the server call; they stand at the root, whatever the apps' prefixes are.
 */
export function healthEndpoints(options: HealthOptions): readonly Endpoint[] {
  const { metrics } = options
  return [
    {
      method: 'GET',
      path: '/healthz',
      isVital: true,
      handle: () => jsonResponse({ status: 'alive' }, 200, { 'cache-control': 'no-store' }),
    },
    {
      method: 'GET',
      path: '/readyz',
      isVital: true,
      handle: () => readiness(options),
    },
    {
      method: 'GET',
      path: '/metrics',
      isVital: true,
      async handle() {
        return new Response(await metrics.text(), { headers: { 'content-type': metrics.contentType } })
      },
    },
  ]
}

async function readiness({ apps, fault, showsReasons }: HealthOptions): Promise<Response> {
  const shownReason = (reason: string): string => (showsReasons ? reason : hiddenReason)
  const lags = [...(await lagsOf(apps))].map(([name, health]) => [name, shown(health, shownReason)] as const)
  const reason = fault()
  const ready = reason === undefined
  const why = ready ? {} : { reason: shownReason(reason) }
  const body = { ready, ...why, projections: Object.fromEntries(lags) }
  return jsonResponse(body, ready ? 200 : 503, { 'cache-control': 'no-store' })
}

const hiddenReason = 'The log of the server says why, and so does rampart doctor.'

function shown(
  { events, seconds, quarantinedKeys, ...reasons }: ProjectionHealth,
  shownReason: (reason: string) => string,
): object {
  const said = Object.entries(reasons).map(([what, reason]) => [what, shownReason(reason)])
  return {
    lagEvents: events,
    lagSeconds: seconds,
    ...(quarantinedKeys === 0 ? {} : { quarantinedKeys }),
    ...Object.fromEntries(said),
  }
}

/** How far a projection is behind, and why it stopped or begins anew, if it does. */
export interface ProjectionHealth extends ProjectionLag {
  readonly stopped?: string
  /** Why an older version is still served: building today's has stopped, or it waits for a decision. */
  readonly upgradeStopped?: string
  /** Why its documents had to go, as long as they are derived anew. */
  readonly beginsAnew?: string
}

/** The health of every projection, named `app/projection`. */
export async function lagsOf(apps: readonly HealthyApp[]): Promise<ReadonlyMap<string, ProjectionHealth>> {
  const entries = apps.flatMap((app) =>
    app.reads.map(async (model) => [`${app.name}/${model.projection.name}`, await healthOf(model)] as const),
  )
  return new Map(await Promise.all(entries))
}

async function healthOf(model: ReadModel): Promise<ProjectionHealth> {
  const stopped = model.stopped()
  const upgradeStopped = model.upgradeStopped()
  const beginsAnew = model.beginsAnew()
  const told = {
    quarantinedKeys: model.quarantine.count(),
    ...(stopped === undefined ? {} : { stopped }),
    ...(upgradeStopped === undefined ? {} : { upgradeStopped }),
    ...(beginsAnew === undefined ? {} : { beginsAnew }),
  }
  try {
    return { ...(await model.lag()), ...told }
  } catch {
    // A lag that cannot be told is shown as unknown, which no watcher takes for none.
    return { events: null, seconds: null, ...told }
  }
}
