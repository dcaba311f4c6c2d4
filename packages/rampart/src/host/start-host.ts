// Serves apps on one gateway: opens their stores, starts them, listens, and drains when asked to.
import { RampartError, sleep, systemRuntime, type Runtime } from '../core/index.ts'
import {
  createAuthenticator,
  createGateway,
  serveGateway,
  type Gateway,
  type ListeningGateway,
} from '../gateway/index.ts'
import type { WatchedCommand } from './activity.ts'
import { reservedSegments, type App } from './app.ts'
import { startEngine, type Engine, type EngineOptions } from './engine.ts'
import { leaveAppNote, leaveRunNote, removeRunNote } from './notes/index.ts'
import { register } from './registration.ts'
import type { ProcessRegister } from '../postgres/processes/index.ts'
import { createReporter } from './reporter.ts'
import { readSettings, type Environment, type HostSettings } from './settings.ts'
import { openStores } from './stores.ts'
import { whenThere } from './when-there.ts'

/** An app and where it is mounted. */
export interface Mount {
  /** Empty for the root, else a slash and a name: `/orders`. */
  readonly prefix: string
  readonly app: App
  /** The file of the module that it was loaded from, for commands that look at its data later. */
  readonly module?: string
}

/** What a host needs. */
export interface HostOptions {
  readonly mounts: readonly Mount[]
  /** Settings; those of the process unless given. */
  readonly environment?: Environment
  readonly runtime?: Runtime
  /** Hears what goes wrong; faults are written to stderr as JSON unless given. */
  readonly reportFault?: (fault: unknown, what: string) => void
  /** Is told of every command, once its read models contain it: for development, at the cost of a few µs. */
  readonly onCommand?: (command: WatchedCommand) => void
  /** Ends a start that waits for a database which is away. A start that goes on has to be drained. */
  readonly signal?: AbortSignal
  /**
   * Hears how far the documents of synchronous projections are that must be built before anything is served.
   */
  readonly reportProgress?: EngineOptions['reportProgress']
}

/** Apps that are being served. Disposing of it drains it. */
export interface RunningHost extends AsyncDisposable {
  /** Where it listens: `http://127.0.0.1:3000`. */
  readonly url: string
  readonly settings: HostSettings
  /** Resolves when the start hooks of all apps have ended. */
  readonly started: Promise<void>
  /** Answers what is in flight, ends streams, stops and closes everything; takes less than ten seconds. */
  readonly drain: () => Promise<void>
}

/**
 * Starts a host; while its database is away it answers 503, and waits. Throws `SETTING_INVALID` for settings
 * and mounts that cannot work, `STORE_LOCKED` when another process has the same data, and the reason of its
 * signal when that ends the wait for a database.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const settings = readSettings(options.environment ?? process.env)
  requireMounts(options.mounts)
  const { runtime = systemRuntime } = options
  const parts: HostParts = {
    settings,
    runtime,
    reportFault: options.reportFault ?? createReporter(runtime),
    ...(options.onCommand === undefined ? {} : { onCommand: options.onCommand }),
    reportProgress: options.reportProgress,
  }
  const waiting = { ...parts, signal: options.signal }
  const engines = await whenThere(() => openEngines(options.mounts, parts), waiting)
  try {
    const registering = Promise.withResolvers<ProcessRegister>()
    const gateway = gatewayOf(options.mounts, engines, { ...parts, registered: registering.promise })
    const { host, port } = settings
    const listening = await serveGateway(gateway, { ...parts, host, port })
    const url = urlOf(listening)
    const urls = options.mounts.map(({ prefix }) => `${url}${prefix}`)
    await leaveNotes(engines, parts, (index) => urls[index] ?? url)
    const apps = options.mounts.map(({ app }, index) => ({ app: app.name, url: urls[index] ?? url }))
    const registered = await register({ ...parts, apps })
    registering.resolve(registered)
    return runningHost({ ...parts, engines, gateway, listening, url, registered })
  } catch (fault) {
    await Promise.allSettled(engines.map((engine) => engine.close()))
    throw fault
  }
}

interface HostParts {
  readonly settings: HostSettings
  readonly runtime: Runtime
  readonly reportFault: (fault: unknown, what: string) => void
  readonly reportProgress: HostOptions['reportProgress']
  readonly onCommand?: (command: WatchedCommand) => void
}

async function openEngines(mounts: readonly Mount[], parts: HostParts): Promise<readonly Engine[]> {
  const engines: Engine[] = []
  try {
    // One after the other, so that what was opened is known when one of them fails.
    // oxlint-disable-next-line no-await-in-loop -- an app takes milliseconds to open
    for (const mount of mounts) engines.push(await openEngine(mount, parts))
    return engines
  } catch (fault) {
    await Promise.allSettled(engines.map((engine) => engine.close()))
    throw fault
  }
}

async function openEngine({ app, module }: Mount, parts: HostParts): Promise<Engine> {
  const { settings, runtime, reportFault, reportProgress, onCommand } = parts
  const { dataFolder, storeUrls, storeLimits, roles, outcomeTtlMs } = settings
  const storage = { dataFolder, storeUrls, storeLimits }
  const stores = await openStores({ appName: app.name, storage, thread: 'worker', runtime })
  const folder = noteFolderOf(stores, settings)
  // The lock is held from here on, so a note that is still there is of a server that was killed.
  if (folder !== null) await removeRunNote(folder)
  if (folder !== null && module !== undefined) {
    // Apps are served without it, too.
    await leaveAppNote(folder, module).catch((fault) => reportFault(fault, `the note of ${app.name}`))
  }
  const watched = onCommand === undefined ? {} : { onCommand }
  return startEngine({ app, stores, runtime, roles, outcomeTtlMs, reportFault, reportProgress, ...watched })
}

/** Where notes for the command line lie; null where it looks at a database instead. */
function noteFolderOf({ folder }: Pick<Engine, 'folder'>, { storeUrls }: HostSettings): string | null {
  return storeUrls === undefined ? folder : null
}

// Apps are served without a note, too: it only helps the command line to find them.
async function leaveNotes(
  engines: readonly Engine[],
  { runtime, reportFault, settings }: HostParts,
  urlAt: (index: number) => string,
): Promise<void> {
  const startedAtMs = runtime.nowMs()
  for (const [index, engine] of engines.entries()) {
    const folder = noteFolderOf(engine, settings)
    const note = { pid: process.pid, url: urlAt(index), startedAtMs }
    // oxlint-disable-next-line no-await-in-loop -- a handful of small files
    if (folder !== null)
      await leaveRunNote(folder, note).catch((fault) => reportFault(fault, `the note of ${engine.app.name}`))
  }
}

async function removeNotes(engines: readonly Engine[], settings: HostSettings): Promise<void> {
  const folders = engines.map((engine) => noteFolderOf(engine, settings)).filter((folder) => folder !== null)
  await Promise.allSettled(folders.map(removeRunNote))
}

function urlOf({ host, port }: ListeningGateway): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

interface GatewayParts extends HostParts {
  readonly registered: Promise<ProcessRegister>
}

function gatewayOf(mounts: readonly Mount[], engines: readonly Engine[], parts: GatewayParts): Gateway {
  const { settings, runtime, reportFault, registered } = parts
  const { authentication, roles } = settings
  return createGateway({
    ...(authentication === undefined
      ? {}
      : { authenticator: createAuthenticator({ authentication, runtime, reportFault }) }),
    apps: engines.map(({ app, services, models, stores }, index) => ({
      prefix: mounts[index]?.prefix ?? '',
      name: app.name,
      contexts: app.contexts,
      routes: app.routes,
      access: app.access,
      commands: services,
      reads: models,
      stores,
      roles,
      elsewhere: async () => (await registered).elsewhere(app.name),
    })),
    runtime,
    limits: settings.limits,
    fault: () => engines.map((engine) => engine.fault()).find((fault) => fault !== undefined),
    reportFault,
    processMetrics: true,
  })
}

interface Running extends HostParts {
  readonly engines: readonly Engine[]
  readonly gateway: Gateway
  readonly listening: ListeningGateway
  readonly url: string
  readonly registered: Awaited<ReturnType<typeof register>>
}

const graceMs = 6000
const hooksMs = 2000
const registerMs = 1000

function runningHost(running: Running): RunningHost {
  const { engines, gateway, listening, settings, runtime, reportFault, url } = running
  const stopping = new AbortController()
  const started = Promise.all(engines.map((engine) => startHook(engine, stopping.signal, reportFault)))
  let drained: Promise<void> | undefined
  const drain = async (): Promise<void> => {
    stopping.abort(new RampartError('SHUTTING_DOWN', 'The host is shutting down.'))
    gateway.drain()
    await Promise.all([
      atMost(runtime, graceMs, Promise.all(engines.map((engine) => engine.drain()))),
      listening.close(graceMs),
    ])
    await atMost(runtime, hooksMs, started)
    await Promise.all([
      removeNotes(engines, settings),
      atMost(runtime, registerMs, running.registered.close()),
    ])
    await Promise.all(engines.map((engine) => engine.close()))
  }
  const drainOnce = (): Promise<void> => (drained ??= drain())
  return {
    url,
    settings,
    started: started.then(() => undefined),
    drain: drainOnce,
    [Symbol.asyncDispose]: drainOnce,
  }
}

/** Waits for work, but not for longer than `waitMs`; no timer outlives the wait. */
async function atMost(runtime: Runtime, waitMs: number, work: Promise<unknown>): Promise<void> {
  const over = new AbortController()
  try {
    await Promise.race([work, sleep(runtime, waitMs, over.signal)])
  } finally {
    over.abort()
  }
}

async function startHook(
  engine: Engine,
  signal: AbortSignal,
  reportFault: HostParts['reportFault'],
): Promise<void> {
  try {
    await engine.start(signal)
  } catch (fault) {
    if (!signal.aborted) reportFault(fault, `the start hook of ${engine.app.name}`)
  }
}

function requireMounts(mounts: readonly Mount[]): void {
  const fault = mountFault(mounts)
  if (fault !== undefined) throw new RampartError('SETTING_INVALID', fault)
}

function mountFault(mounts: readonly Mount[]): string | undefined {
  if (mounts.length === 0)
    return 'There is no app to serve. Name one, or mount some: --mount /orders=./orders.'
  for (const { prefix } of mounts) {
    if (prefix !== '' && !/^\/[a-z0-9][a-z0-9-]{0,62}$/.test(prefix)) {
      return `The prefix ${JSON.stringify(prefix)} is invalid. Use a slash, then a-z, 0-9 and hyphens.`
    }
    if (reservedSegments.includes(prefix.slice(1)))
      return `The prefix ${prefix} belongs to the server itself. Use another one.`
  }
  const repeated =
    repeatedIn(mounts.map(({ prefix }) => prefix)) ??
    repeatedIn(mounts.map(({ app }) => app.name)) ??
    repeatedIn(mounts.flatMap(({ app }) => app.contexts.map((context) => context.name)))
  if (repeated === undefined) return undefined
  return `Two mounts share ${JSON.stringify(repeated)} as prefix, app or context name. Change one of them.`
}

function repeatedIn(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index)
}
