// Who may import whom: the table of rooms, and the checks that hold it.
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { isTest, type Import, type SourceFile, type Violation } from './source.ts'

/** What a room may import: rooms (through their index), and packages or `node:` modules. */
interface Room {
  readonly rooms: readonly string[]
  readonly packages: readonly string[]
}

const files = ['node:fs', 'node:fs/promises', 'node:os', 'node:path', 'node:url']
const adapters = ['memory', 'sqlite', 'postgres', 'postgres/copies', 'kafka', 'redis']
const gatewayRooms = [
  'gateway/authentication',
  'gateway/commands',
  'gateway/reads',
  'gateway/feeds',
  'gateway/admin',
]
const engine = ['core', 'write', 'subscription', 'projection', 'process', 'publish', 'seal']
const server = ['hono', '@hono/node-server', 'pino', 'prom-client', 'rate-limiter-flexible', 'node:*']

/**
 * The arrows of the house. `node:*` means every module of Node but `node:sqlite`, which only its adapter
 * touches. Files that stand in `gateway` itself are shared by its rooms, or put the rooms together.
 */
export const rooms: Readonly<Record<string, Room>> = {
  core: { rooms: [], packages: [] },
  write: { rooms: ['core'], packages: ['canonicalize', 'lru-cache', 'node:crypto'] },
  subscription: { rooms: ['core'], packages: [] },
  projection: { rooms: ['core', 'subscription'], packages: [] },
  process: { rooms: ['core', 'subscription', 'write'], packages: [] },
  publish: { rooms: ['core', 'subscription'], packages: [] },
  seal: { rooms: ['core', 'subscription'], packages: ['node:crypto'] },
  memory: { rooms: ['core'], packages: ['node:crypto'] },
  sqlite: { rooms: ['core'], packages: [...files, 'node:crypto', 'node:sqlite', 'node:worker_threads'] },
  postgres: { rooms: ['core'], packages: [...files, 'node:crypto', 'pg'] },
  kafka: { rooms: ['core'], packages: [...files, '@platformatic/kafka'] },
  redis: { rooms: ['core'], packages: [...files, 'redis'] },
  gateway: { rooms: ['core', ...gatewayRooms], packages: server },
  'gateway/authentication': { rooms: ['core', 'gateway'], packages: ['jose', 'lru-cache', 'node:crypto'] },
  'gateway/commands': { rooms: ['core', 'write', 'gateway'], packages: ['hono', 'node:crypto'] },
  'gateway/reads': { rooms: ['core', 'projection', 'publish', 'gateway'], packages: ['hono', 'node:crypto'] },
  'gateway/feeds': { rooms: ['core', 'projection', 'publish', 'gateway'], packages: ['hono', 'node:crypto'] },
  'gateway/admin': { rooms: ['core', 'projection', 'gateway'], packages: ['hono'] },
  'sqlite/copies': { rooms: ['core', 'sqlite'], packages: [...files, 'node:sqlite'] },
  'postgres/copies': {
    rooms: ['core', 'postgres'],
    packages: [...files, 'node:events', 'node:stream', 'pg'],
  },
  backup: { rooms: ['core', 'sqlite/copies', 'postgres/copies'], packages: [...files, 'node:crypto'] },
  host: { rooms: [...engine, ...adapters, 'backup', 'gateway', ...gatewayRooms], packages: server },
  client: { rooms: ['core'], packages: [] },
  testing: { rooms: ['core'], packages: ['node:crypto'] },
  cli: {
    rooms: [...engine, ...adapters, 'backup', 'gateway', ...gatewayRooms, 'host', 'client'],
    packages: ['commander', 'cli-progress', 'pino', 'node:*'],
  },
}

const librarySource = /^packages\/rampart\/src\/(?:(.+)\/)?[^/]+$/

/** The room in which a file of the library stands; undefined outside of the library. */
export function roomOf(path: string): string | undefined {
  const folders = librarySource.exec(path)?.[1]?.split('/')
  if (folders === undefined) return undefined
  const two = folders.slice(0, 2).join('/')
  return two in rooms ? two : folders[0]
}

/** Every import that the table does not list, every way around an index, and every cycle. */
export function checkArrows(sources: readonly SourceFile[]): readonly Violation[] {
  const production = sources.filter((file) => !isTest(file.path) && librarySource.test(file.path))
  return [
    ...production.flatMap((file) => checkRoom(file)),
    ...production.flatMap((file) => file.imports.flatMap((one) => checkImport(file, one))),
    ...findCycles(sources),
  ]
}

/** The file that a relative import means, as a path of the workspace. */
export function targetOf(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined
}

function checkRoom(file: SourceFile): readonly Violation[] {
  const room = roomOf(file.path)
  if (room === undefined) return [`${file.path}:1 stands in no folder of the house`]
  return room in rooms ? [] : [`${file.path}:1 the folder ${room} is not in the table of arrows`]
}

function checkImport(file: SourceFile, one: Import): readonly Violation[] {
  const from = roomOf(file.path) ?? ''
  const table = rooms[from]
  if (table === undefined) return []
  const place = `${file.path}:${one.line}`
  const target = targetOf(file.path, one.specifier)
  if (target === undefined) {
    const allowed = isPackageAllowed(table.packages, one.specifier)
    return allowed ? [] : [`${place} ${from} may not import the package ${one.specifier}`]
  }
  const to = roomOf(target)
  if (to === from) return []
  if (to === undefined) return [`${place} imports ${target}, which is outside of the library's source`]
  if (!table.rooms.includes(to)) return [`${place} ${from} may not import ${to}`]
  if (from === 'client' && !one.isType) return [`${place} client may import types of ${to} only`]
  return isThroughIndex(from, to, target) ? [] : [`${place} imports ${target} past the index of ${to}`]
}

function isPackageAllowed(allowed: readonly string[], specifier: string): boolean {
  if (specifier.startsWith('node:')) {
    return allowed.includes(specifier) || (specifier !== 'node:sqlite' && allowed.includes('node:*'))
  }
  if (builtinModules.includes(specifier)) return false
  const depth = specifier.startsWith('@') ? 2 : 1
  return allowed.includes(specifier.split('/').slice(0, depth).join('/'))
}

// A room of the gateway shares the files beside it, but not the index, which puts the rooms together.
function isThroughIndex(from: string, to: string, target: string): boolean {
  const isIndex = posix.basename(target) === 'index.ts'
  return from.startsWith(`${to}/`) ? !isIndex : isIndex
}

/** Files that import each other in a circle; each circle is reported once. */
export function findCycles(sources: readonly SourceFile[]): readonly Violation[] {
  const byPath = new Map(sources.map((file) => [file.path, file]))
  const finished = new Set<string>()
  const violations: Violation[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start !== -1) violations.push(describeCycle([...trail.slice(start), path]))
    if (start !== -1 || finished.has(path)) return
    for (const one of byPath.get(path)?.imports ?? []) {
      const target = targetOf(path, one.specifier)
      if (target !== undefined && byPath.has(target)) visit(target, [...trail, path])
    }
    finished.add(path)
  }
  for (const path of byPath.keys()) visit(path, [])
  return violations
}

function describeCycle(circle: readonly string[]): Violation {
  return `${circle[0]}:1 is part of a circle: ${circle.join(' -> ')}`
}
