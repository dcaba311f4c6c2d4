// An app: bounded contexts with routes of their own, as a module's default export that any host can load.
import { RampartError, requireName, type Context, type Json } from '../core/index.ts'
import type { ResourceRoute } from '../gateway/index.ts'
import type { CommandStatus } from '../write/index.ts'

/** What an app's start hook may use: its own commands and what the host knows. */
export interface StartedApp {
  /**
   * Sends a command in process, as `POST /commands/{type}` would, and waits for the outcome up to a minute.
   */
  readonly send: (command: {
    readonly type: string
    readonly streamId?: string
    readonly data: Json
    readonly key?: string
  }) => Promise<CommandStatus>
  /** True when no context of the app has recorded any event yet. */
  readonly isEmpty: () => Promise<boolean>
  /** The app's own folder for its data, absolute; null when nothing is kept. */
  readonly dataFolder: string | null
  /** Aborted when the host drains. */
  readonly signal: AbortSignal
}

/** What an app consists of. */
export interface App<Contexts extends readonly Context[] = readonly Context[]> {
  readonly name: string
  readonly contexts: Contexts
  readonly routes: readonly ResourceRoute[]
  /** Runs once beside the serving app after every start; a failure is reported and does not stop the app. */
  readonly onStart?: (app: StartedApp) => Promise<void>
}

/**
 * Defines an app. Contexts, command types and projections have names that are unique in the app. Throws
 * `APP_INVALID` otherwise, and for routes that name a command or projection that is not there.
 */
export function app<const Contexts extends readonly Context[]>(
  name: string,
  parts: {
    readonly contexts: Contexts
    readonly routes?: readonly ResourceRoute[]
    readonly onStart?: (app: StartedApp) => Promise<void>
  },
): App<Contexts> {
  requireName('an app', name)
  const { contexts, routes = [], onStart } = parts
  const commands = contexts.flatMap((context) =>
    context.deciders.flatMap((each) => Object.keys(each.definition.commands)),
  )
  const projections = contexts.flatMap((context) => context.projections.map((projection) => projection.name))
  requireUnique(
    name,
    'context',
    contexts.map((context) => context.name),
  )
  requireUnique(name, 'command', commands)
  requireUnique(name, 'projection', projections)
  for (const route of routes) {
    const known = route.method === 'GET' ? projections : commands
    const target = route.method === 'GET' ? route.read : route.command
    if (known.includes(target)) continue
    const names = known.join(', ')
    const message = `Route ${route.method} ${route.path} of app ${name} names ${target}. It has: ${names}.`
    throw new RampartError('APP_INVALID', message)
  }
  return { name, contexts, routes, ...(onStart === undefined ? {} : { onStart }) }
}

function requireUnique(appName: string, what: string, names: readonly string[]): void {
  const repeated = names.find((each, index) => names.indexOf(each) !== index)
  if (repeated === undefined) return
  throw new RampartError('APP_INVALID', `App ${appName} has two ${what}s named ${repeated}. Rename one.`)
}
