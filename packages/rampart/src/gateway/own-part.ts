// The part of an app that a process has, and which role answers which request.
import { logKey } from '../core/ports/index.ts'
import type { AppDescription } from './endpoint.ts'
import type { Role } from './role.ts'

/** Whether this process has a role for an app. */
export function hasRole({ roles: own }: Pick<AppDescription, 'roles'>, role: Role): boolean {
  return own === undefined || own.has(role)
}

/** The app as its pages describe it: what this process answers, and nothing else. */
export function ownPart(app: AppDescription): AppDescription {
  const writes = hasRole(app, 'write')
  const serves = hasRole(app, 'serve')
  const contexts = app.contexts.map((context) => ({
    ...context,
    ...(writes ? {} : { deciders: [], decisions: [] }),
    ...(serves ? {} : { projections: [] }),
  }))
  const routes = app.routes.filter(({ method }) => (method === 'GET' ? serves : writes))
  return { ...app, contexts, routes }
}

/** The role that answers a request of an app; `undefined` for addresses that no role has. */
export function roleFor(app: AppDescription, method: string, path: string): Role | undefined {
  if (!path.startsWith(`${app.prefix}/`)) return undefined
  const [first = ''] = path.slice(app.prefix.length + 1).split('/')
  if (first === 'commands' || first === 'admin') return 'write'
  if (first === 'reads' || first === 'feeds') return 'serve'
  const isRead = method === 'GET' || method === 'HEAD'
  const own = app.routes.find((route) => (route.method === 'GET') === isRead && isAt(app, route.path, path))
  return own === undefined ? undefined : isRead ? 'serve' : 'write'
}

function isAt({ prefix }: AppDescription, pattern: string, path: string): boolean {
  const segments = path.slice(prefix.length).split('/')
  const wanted = pattern.split('/')
  return (
    segments.length === wanted.length &&
    wanted.every((segment, index) => segment.startsWith(':') || segment === segments[index])
  )
}

/** Whether any context of these apps has a log of this name. */
export function isLogOf(apps: readonly AppDescription[]): (log: string) => boolean {
  const logs = new Set(apps.flatMap(({ contexts }) => contexts.map(({ name }) => logKey(name))))
  return (log) => logs.has(log)
}
