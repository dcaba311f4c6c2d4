// An app: bounded contexts with routes of their own, as a module's default export that any host can load.
import { choices, commandTypesOf, requireName } from '../core/codec/index.ts'
import { RampartError, type Context, type Decider, type Json } from '../core/index.ts'
import type { AppAccess, ResourceRoute } from '../gateway/index.ts'
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
  readonly access: AppAccess
  /** Runs once beside the serving app after every start; a failure is reported and does not stop the app. */
  readonly onStart?: (app: StartedApp) => Promise<void>
}

type CommandOf<Each> = Each extends Decider<string, infer Commands> ? keyof Commands & string : never
type CommandsOf<Contexts extends readonly Context[]> =
  | CommandOf<Contexts[number]['deciders'][number]>
  | Contexts[number]['decisions'][number]['name']
type ReadsOf<Contexts extends readonly Context[]> = Contexts[number]['projections'][number]['name']

/**
 * Defines an app. Contexts, command types and projections have names that are unique in the app. Throws
 * `APP_INVALID` otherwise, and for routes that name what is not there or stand where the gateway's own do.
 */
export function app<const Contexts extends readonly Context[]>(
  name: string,
  parts: {
    readonly contexts: Contexts
    readonly routes?: readonly ResourceRoute[]
    /** Who may send and read what over the network; everyone whose token holds unless said. */
    readonly access?: AppAccess<CommandsOf<Contexts>, ReadsOf<Contexts>>
    readonly onStart?: (app: StartedApp) => Promise<void>
  },
): App<Contexts> {
  requireName('an app', name)
  if (parts.contexts.length === 0) throw withoutContexts(name)
  const { contexts, routes = [], access = {}, onStart } = parts
  const commands = contexts.flatMap(commandTypesOf)
  const projections = contexts.flatMap((context) => context.projections.map((projection) => projection.name))
  requireUnique(
    name,
    'context',
    contexts.map((context) => context.name),
  )
  requireUnique(name, 'command', commands)
  requireUnique(name, 'projection', projections)
  for (const route of routes) requireStreamOf(name, route, contexts)
  for (const route of routes) requireRoute(name, route, route.method === 'GET' ? projections : commands)
  requireUnique(
    name,
    'route',
    routes.map(({ method, path }) => `${method} ${path}`),
  )
  // Rules are asked about the names that stand in these contexts, and no others.
  const asked = access as AppAccess
  return { name, contexts, routes, access: asked, ...(onStart === undefined ? {} : { onStart }) }
}

/** First segments of addresses that the gateway keeps for itself. */
export const reservedSegments: readonly string[] = [
  'admin',
  'asyncapi.json',
  'commands',
  'console',
  'docs',
  'feeds',
  'healthz',
  'metrics',
  'openapi.json',
  'reads',
  'readyz',
]

function requireRoute(appName: string, route: ResourceRoute, known: readonly string[]): void {
  const fault = routeFault(route, known)
  if (fault === undefined) return
  const message = `The route ${route.method} ${route.path} of app ${appName} ${fault}.`
  throw new RampartError('APP_INVALID', message)
}

// A decision makes a stream of its own, so a path cannot name it.
function requireStreamOf(appName: string, route: ResourceRoute, contexts: readonly Context[]): void {
  if (route.method === 'GET' || !route.path.includes('/:id')) return
  const decisions = contexts.flatMap((context) => context.decisions)
  if (!decisions.some((decision) => decision.name === route.command)) return
  const message =
    `The route ${route.method} ${route.path} of app ${appName} names a stream, but ${route.command} is a ` +
    'decision and has none. Leave :id out of its path.'
  throw new RampartError('APP_INVALID', message)
}

function routeFault(route: ResourceRoute, known: readonly string[]): string | undefined {
  const { path, method } = route
  if (!/^(\/[A-Za-z0-9_-]+)+(\/:id)?(\/[A-Za-z0-9_-]+)*$/.test(path)) {
    return 'has a malformed path: use segments of letters, digits and hyphens, and :id at most once'
  }
  if (reservedSegments.includes(path.split('/')[1] ?? ''))
    return 'stands where the gateway has endpoints of its own'
  if (method === 'GET' && !path.includes('/:id')) return 'reads one document and needs :id in its path'
  const target = method === 'GET' ? route.read : route.command
  return known.includes(target)
    ? undefined
    : `names ${target}. ${choices(target, known, 'The app has').slice(0, -1)}`
}

function withoutContexts(name: string): RampartError {
  const message = `App ${name} has no context. Give it one: contexts: [context('${name}', { deciders: [] })].`
  return new RampartError('APP_INVALID', message)
}

function requireUnique(appName: string, what: string, names: readonly string[]): void {
  const repeated = names.find((each, index) => names.indexOf(each) !== index)
  if (repeated === undefined) return
  throw new RampartError('APP_INVALID', `App ${appName} has two ${what}s named ${repeated}. Rename one.`)
}
