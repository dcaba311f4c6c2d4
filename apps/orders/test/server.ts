// Runs the workspace's own scripts as processes, and speaks HTTP to the servers that they start.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json, Recorded } from 'rampart'
import {
  run,
  runApp,
  startServer as startProgram,
  until,
  workspaceRoot,
  type Running,
  type Settings,
} from '../../../test/programs/server.ts'

export { statusOf, until } from '../../../test/programs/server.ts'
export type { Running } from '../../../test/programs/server.ts'

/** A running server. */
export interface Server extends AsyncDisposable {
  readonly base: string
  readonly process: Running
}

/** A folder for the data of one test file. */
export function temporaryFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'rampart-orders-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts npm in the workspace's root, or in another folder with the root as its prefix. */
export function runNpm(args: readonly string[], options: { cwd?: string; env?: Settings } = {}): Running {
  return run('npm', ['--prefix', workspaceRoot, ...args], options)
}

/** Starts the importer without npm, so that a signal reaches it and nothing else. */
export function runImporter(args: readonly string[], env: Settings = {}): Running {
  const main = join(import.meta.dirname, '../src/import/main.ts')
  return run(process.execPath, ['--conditions=rampart-source', main, ...args], {
    env: { INIT_CWD: undefined, ...env },
  })
}

/** The orders app alone, at the root of a gateway, without the sample unless the settings say otherwise. */
export function startOrders(dataFolder: string, settings: Settings = {}): Promise<Server> {
  return startServer((env) => runApp('apps/orders', env), {
    RAMPART_DATA: dataFolder,
    RAMPART_SAMPLE: 'none',
    RAMPART_RATE_PER_SECOND: '0',
    ...settings,
  })
}

/** Both apps, as `npm start` serves them. */
export function startAll(dataFolder: string, settings: Settings = {}): Promise<Server> {
  return startServer((env) => runNpm(['start'], { env }), { RAMPART_DATA: dataFolder, ...settings })
}

async function startServer(start: (env: Settings) => Running, settings: Settings): Promise<Server> {
  const { base, process, end } = await startProgram(start, settings)
  return { base, process, [Symbol.asyncDispose]: async () => void (await end('SIGTERM')) }
}

/** Sends a request with JSON and returns the parsed answer. */
export async function ask(
  target: string,
  request: { readonly body?: Json; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly body: Json }> {
  const { body, headers = {} } = request
  const response = await fetch(target, {
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

/** The whole log of an app, page by page. */
export async function readLog(app: string): Promise<readonly Recorded[]> {
  const log: Recorded[] = []
  for (;;) {
    const { events } = Object((await ask(`${app}/admin/events?after=${log.length}&limit=1000`)).body)
    for (const { stream, metadata, ...event } of events)
      log.push({ ...event, id: stream.slice('order-'.length), recordedAt: metadata.recordedAt })
    if (events.length === 0) return log
  }
}

/** Every document of a read model, by key. */
export async function readModel(app: string, name: string): Promise<ReadonlyMap<string, Json>> {
  const documents = new Map<string, Json>()
  for (let query = ''; ;) {
    const { items, next } = Object((await ask(`${app}/reads/${name}?limit=1000${query}`)).body)
    for (const { key, data } of items) documents.set(key, data)
    if (next === undefined) return documents
    query = `&cursor=${encodeURIComponent(next)}`
  }
}

/** Waits until the log holds so many events and no projection lacks one. */
export async function untilCaughtUp(server: Server, app: string, head: number): Promise<void> {
  await until(async () => {
    const log = await ask(`${app}/admin/events?limit=1`)
    const { body } = await ask(`${server.base}/readyz`)
    const lags: readonly { readonly lagEvents: number }[] = Object.values(Object(body).projections)
    return Object(log.body).head >= head && lags.every(({ lagEvents }) => lagEvents === 0)
  })
}
