// Runs the contexts of one app on its stores, as far as the roles of the process go.
import { choices, quoted } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import type { ReadModel } from '../projection/index.ts'
import type { CommandService, CommandStatus } from '../write/index.ts'
import type { App, StartedApp } from './app.ts'
import { startContext, type ContextOptions, type RunningContext } from './running-context.ts'

/** A running app, without any edge. */
export interface Engine {
  readonly app: App
  /** The app's own folder for its data; null when nothing is kept. */
  readonly folder: string | null
  /** One per context, in their order; none where reads are served, and nothing else. */
  readonly stores: readonly EventStore[]
  /** One per context, in their order; none where no commands are taken. */
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
export interface EngineOptions extends ContextOptions {
  readonly app: App
}

/** Starts an app on its stores, which are closed when that fails. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { app, stores } = options
  const contexts = await startContexts(options)
  const services = contexts.flatMap(({ service }) => service ?? [])
  const logs = contexts.flatMap(({ store }) => store ?? [])
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
    fault: () =>
      stores.write?.fault() ?? contexts.map(({ fault }) => fault()).find((fault) => fault !== undefined),
    async start(signal) {
      // What sends commands at a start belongs where they are taken.
      if (services.length === 0) return
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
  await Promise.all(contexts.map(({ service, stop }) => service?.drain().then(stop) ?? stop()))
  await stores.close()
  throw failed.reason
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
