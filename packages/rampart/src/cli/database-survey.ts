// Gathers what a database and the processes that share it tell.
import type { Runtime } from '../core/index.ts'
import type {
  InspectedCollection,
  InspectedLease,
  InspectedLog,
  InspectedProcess,
  InspectedSession,
} from '../core/inspection/index.ts'
import { nameOf, withDriver, type DatabasePlace } from './data-place.ts'
import { askHealth, type ProjectionHealth } from './health.ts'
import { surveyedLog, type SurveyedLog } from './surveyed-log.ts'

/** Everything that is known about a database at one time. */
export interface DatabaseSurvey {
  readonly database: string
  readonly atMs: number
  /** How far each schema is, and how far this version knows it. */
  readonly schemas: readonly { readonly name: string; readonly step: number; readonly knownStep: number }[]
  /** Whether those who keep and serve read models cannot see what commands change; null when nobody does. */
  readonly wall: 'up' | 'down' | null
  readonly apps: readonly SharedApp[]
}

/** What is known about an app that several processes share. */
export interface SharedApp {
  readonly app: string
  readonly processes: readonly SharedProcess[]
  readonly logs: readonly SurveyedLog[]
  /** By the names that they have within the app. */
  readonly leases: readonly SharedLease[]
}

/** A process; one that is `gone` gave no sign of life for a while, and a `silent` one does not answer. */
export interface SharedProcess extends InspectedProcess {
  readonly state: 'running' | 'silent' | 'gone'
  /** Why it takes no commands; null when it does, or does not say. */
  readonly reason: string | null
}

/** A lease with its holder, where that is a process that is known. */
export interface SharedLease extends InspectedLease {
  readonly process: InspectedProcess | null
}

/** A process that gave no sign of life for so long stands still, was killed or is cut off. */
const goneMs = 6000

/** Looks at all apps of a database. */
export async function surveyDatabase(place: DatabasePlace, runtime: Runtime): Promise<DatabaseSurvey> {
  const database = await withDriver(() => import('../postgres/inspection/index.ts'))
  // The read models first: events that are recorded between the two looks would else be missing from the log.
  const reads = await database.inspectReads(place.readsUrl)
  const atMs = runtime.nowMs()
  const writes = await database.inspectWrites(place.url, { nowMs: atMs, places: reads.collections })
  const asked = await Promise.all(writes.processes.map(askProcess))
  const following = reads.collections.map((build, index) => ({
    ...build,
    oldestAtMs: writes.recordedAtMs[index] ?? null,
  }))
  const builds = [...following, ...writes.collections.map((build) => ({ ...build, oldestAtMs: null }))]
  const leases = [...reads.leases, ...writes.leases]
  const names = [...writes.logs.map(({ log }) => appOf(log)), ...writes.processes.map(({ app }) => app)]
  return {
    database: nameOf(place),
    atMs,
    schemas: [writes.schema, reads.schema].filter((schema) => schema !== undefined),
    wall: wallOf(asked),
    apps: [...new Set(names)]
      .toSorted()
      .map((app) => sharedApp(app, { asked, logs: writes.logs, builds, leases, nowMs: atMs })),
  }
}

/** Sessions with an open transaction, the oldest first; also when one has locked what is looked at. */
export async function surveySessions({ url }: DatabasePlace): Promise<readonly InspectedSession[]> {
  const database = await withDriver(() => import('../postgres/inspection/index.ts'))
  return database.inspectSessions(url)
}

interface Found {
  readonly asked: readonly AskedProcess[]
  readonly logs: readonly InspectedLog[]
  /** With the time of the first event that each lacks. */
  readonly builds: readonly (InspectedCollection & { readonly oldestAtMs: number | null })[]
  readonly leases: readonly InspectedLease[]
  readonly nowMs: number
}

function sharedApp(app: string, { asked, logs, builds, leases, nowMs }: Found): SharedApp {
  const own = asked.filter(({ process }) => process.app === app)
  const health = { projections: new Map(own.flatMap(({ projections }) => [...projections])) }
  return {
    app,
    processes: own.map(({ process }) => process),
    logs: logs
      .filter(({ log }) => appOf(log) === app)
      .map((log) => {
        const over = builds.filter((build) => build.log === log.log)
        const recorded = (position: number): number | null =>
          over.find((build) => build.position === position)?.oldestAtMs ?? null
        return surveyedLog({ log: withoutApp(log), builds: over, recorded, health, nowMs })
      }),
    leases: leases.filter(({ name }) => appOf(name) === app).map((lease) => sharedLease(lease, own)),
  }
}

interface AskedProcess {
  readonly process: SharedProcess
  readonly projections: ReadonlyMap<string, ProjectionHealth>
}

async function askProcess(process: InspectedProcess): Promise<AskedProcess> {
  const { app, silentMs, url } = process
  if (silentMs > goneMs || url === null) {
    const state = silentMs > goneMs ? 'gone' : 'running'
    return { process: { ...process, state, reason: null }, projections: new Map() }
  }
  const health = await askHealth(url, app)
  if (health === null)
    return { process: { ...process, state: 'silent', reason: null }, projections: new Map() }
  // What a process says of projections that it does not run tells nothing.
  const told = [...health.projections].filter(
    ([, { stopped, upgradeStopped }]) => stopped !== null || upgradeStopped !== null,
  )
  const reason = health.ready ? null : (health.reason ?? 'it does not say why')
  return { process: { ...process, state: 'running', reason }, projections: new Map(told) }
}

function sharedLease(lease: InspectedLease, own: readonly AskedProcess[]): SharedLease {
  // The name of a holder begins with its machine and its process.
  const holder = own.find(({ process: { host, pid } }) => lease.holder?.startsWith(`${host}/${pid}/`))
  return { ...lease, name: lease.name.slice(lease.name.indexOf(':') + 1), process: holder?.process ?? null }
}

function wallOf(asked: readonly AskedProcess[]): DatabaseSurvey['wall'] {
  const reading = asked
    .map(({ process }) => process)
    .filter(({ state, roles }) => state !== 'gone' && roles.some((role) => role !== 'write'))
  if (reading.length === 0) return null
  return reading.every(({ isWalled }) => isWalled) ? 'up' : 'down'
}

// Keys of logs and names of leases begin with their apps.
function appOf(name: string): string {
  const [app = name] = name.split(':')
  return app
}

function withoutApp<Log extends { readonly log: string }>(log: Log): Log {
  return { ...log, log: log.log.slice(log.log.indexOf(':') + 1) }
}
