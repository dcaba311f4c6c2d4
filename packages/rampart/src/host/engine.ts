// Runs the contexts of one app on its stores: a command service, and a runner with a read model per
// projection.
import { choices, quoted } from '../core/codec/index.ts'
import { RampartError, type Context, type Runtime } from '../core/index.ts'
import { logKey, type EventStore } from '../core/ports/index.ts'
import { runProjections, startSynchronous, type ReadModel } from '../projection/index.ts'
import { createSealer } from '../seal/index.ts'
import { createCommandService, type CommandService, type CommandStatus } from '../write/index.ts'
import { Activity, type WatchedCommand } from './activity.ts'
import type { App, StartedApp } from './app.ts'
import type { AppStores } from './stores.ts'

/** A running app, without any edge. */
export interface Engine {
  readonly app: App
  /** The app's own folder for its data; null when nothing is kept. */
  readonly folder: string | null
  /** One per context, in their order. */
  readonly stores: readonly EventStore[]
  readonly services: readonly CommandService[]
  readonly models: readonly ReadModel[]
  readonly serviceOf: (commandType: string) => CommandService
  /** Why no commands can be recorded; `undefined` when they can. */
  readonly fault: () => string | undefined
  /** Runs the app's start hook, if it has one. */
  readonly start: (signal: AbortSignal) => Promise<void>
  /** Takes no more commands and finishes those in hand. */
  readonly drain: () => Promise<void>
  /** Stops the projections and closes the stores. */
  readonly close: () => Promise<void>
}

/** What an engine stands on. */
export interface EngineOptions {
  readonly app: App
  readonly stores: AppStores
  readonly runtime: Runtime
  /** How long the ids of refused and failed commands are kept; 24 hours unless said. */
  readonly outcomeTtlMs?: number
  readonly reportFault: (fault: unknown, what: string) => void
  /** Is told of every command, once its read models contain it. */
  readonly onCommand?: (command: WatchedCommand) => void
  /** Hears how far the documents of synchronous projections are that are built before the app starts. */
  readonly reportProgress?: Parameters<typeof startSynchronous>[0]['reportProgress']
}

/** Starts an app on its stores, which are closed when that fails. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { app, stores } = options
  const contexts = await startContexts(options)
  const services = contexts.map(({ service }) => service)
  const logs = contexts.map(({ store }) => store)
  const byType = new Map(services.flatMap((service) => service.types.map((type) => [type, service])))
  const serviceOf = (type: string): CommandService => {
    const service = byType.get(type)
    if (service !== undefined) return service
    const known = choices(type, [...byType.keys()], 'It has')
    const message = `App ${app.name} has no command ${quoted(type)}. ${known}`
    throw new RampartError('COMMAND_TYPE_UNKNOWN', message)
  }
  return {
    app,
    folder: stores.folder,
    stores: logs,
    services,
    models: contexts.flatMap(({ models }) => models),
    serviceOf,
    fault: stores.write.fault,
    async start(signal) {
      await app.onStart?.(startedApp({ logs, serviceOf, dataFolder: stores.folder, signal }))
    },
    drain: async () => void (await Promise.all(services.map((service) => service.drain()))),
    async close() {
      await Promise.all(contexts.map(({ stop }) => stop()))
      await stores.close()
    },
  }
}

async function startContexts(options: EngineOptions): Promise<readonly RunningContext[]> {
  const { app, stores } = options
  const starting = await Promise.allSettled(app.contexts.map((context) => startContext(context, options)))
  const contexts = starting.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = starting.find((each) => each.status === 'rejected')
  if (failed === undefined) return contexts
  await Promise.all(contexts.map(({ service, stop }) => service.drain().then(stop)))
  await stores.close()
  throw failed.reason
}

interface RunningContext {
  readonly store: EventStore
  readonly service: CommandService
  readonly models: readonly ReadModel[]
  readonly stop: () => Promise<void>
}

async function startContext(context: Context, options: EngineOptions): Promise<RunningContext> {
  const { stores, runtime, outcomeTtlMs, reportFault, reportProgress, onCommand } = options
  const log = await stores.write.openLog(logKey(context.name))
  const activity = onCommand === undefined ? undefined : new Activity(runtime, onCommand)
  const store = activity?.watch(log) ?? log
  const limits = outcomeTtlMs === undefined ? {} : { outcomeTtlMs }
  const observed = activity === undefined ? {} : { observe: activity.observe }
  const followed = context.projections.filter(({ synchronous }) => !synchronous)
  const kept = context.projections.filter(({ synchronous }) => synchronous)
  const following = await runProjections({
    projections: followed,
    store,
    readStore: stores.read,
    runtime,
    reportFault,
  })
  // Until its documents are complete, nothing may be recorded that they would lack.
  const starting = startSynchronous({ projections: kept, store, runtime, reportProgress })
  const synchronous = await starting.catch(async (fault: unknown) => {
    await stopAll(following.runners)
    throw fault
  })
  const documents = synchronous.fold
  const service = createCommandService({ context, store, runtime, limits, documents, ...observed })
  const runners = [...synchronous.runners, ...following.runners]
  activity?.follow(runners)
  service.start()
  // What a process forgets at its end needs no proof.
  const sealer = store.capabilities.durable ? createSealer({ store, runtime, reportFault }) : undefined
  return {
    store,
    service,
    models: [...synchronous.models, ...following.models],
    stop: () => stopAll(sealer === undefined ? runners : [sealer, ...runners]),
  }
}

async function stopAll(running: readonly { readonly stop: () => Promise<unknown> }[]): Promise<void> {
  await Promise.all(running.map((one) => one.stop()))
}

const hookWaitMs = 60_000

interface Started {
  readonly logs: readonly EventStore[]
  readonly serviceOf: (type: string) => CommandService
  readonly dataFolder: string | null
  readonly signal: AbortSignal
}

function startedApp({ logs, serviceOf, dataFolder, signal }: Started): StartedApp {
  return {
    send: async (command): Promise<CommandStatus> =>
      serviceOf(command.type).send({ actor: null, ...command }, { mode: 'wait', waitMs: hookWaitMs }),
    async isEmpty() {
      const heads = await Promise.all(logs.map((log) => log.head()))
      return heads.every(({ position }) => position === 0)
    },
    dataFolder,
    signal,
  }
}
