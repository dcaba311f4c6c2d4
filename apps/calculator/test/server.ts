// Starts the calculator as a process of its own, as `npm start -w apps/calculator` does, and speaks HTTP to
// it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Json, Recorded } from 'rampart'
import { runApp, startServer as startProgram, until } from '../../../test/programs/server.ts'

export { until } from '../../../test/programs/server.ts'

/** A running server. */
export interface Server extends AsyncDisposable {
  readonly base: string
  /** Ends the process by a signal and resolves with its exit code; null when the signal killed it. */
  readonly end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | null>
}

/** An answer with its body, parsed when it is JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Json
}

/** A folder for the data of one test file, on the disk unless said. */
export function temporaryFolder(parent: string = tmpdir()): {
  readonly path: string
  readonly remove: () => void
} {
  const path = mkdtempSync(join(parent, 'rampart-calculator-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Starts a server on a free port with its data in a folder, and waits until it is ready. */
export async function startServer(dataFolder: string): Promise<Server> {
  // Floods come from one client here, so the limit per client is off.
  const settings = { RAMPART_DATA: dataFolder, RAMPART_RATE_PER_SECOND: '0' }
  const { base, end } = await startProgram((env) => runApp('apps/calculator', env), settings)
  return { base, end, [Symbol.asyncDispose]: async () => void (await end('SIGKILL')) }
}

/** Sends a request; a body is sent as JSON unless it is a text already. */
export async function ask(
  target: string,
  request: {
    readonly method?: string
    readonly body?: Json
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): Promise<Answer> {
  const { method = 'GET', body, headers = {} } = request
  const content = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(target, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: content }),
  })
  const text = await response.text()
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}

/** An event as the operator sees it. */
export interface LoggedEvent extends Recorded {
  readonly causationId: string
}

/** The whole log, page by page. */
export async function readLog(base: string): Promise<readonly LoggedEvent[]> {
  const log: LoggedEvent[] = []
  for (;;) {
    const { body } = await ask(`${base}/admin/events?after=${log.length}&limit=1000`)
    const { head, events } = Object(body)
    for (const { stream, metadata, ...event } of events) {
      const { causationId, recordedAt } = metadata
      log.push({ ...event, id: stream.slice('value-'.length), causationId, recordedAt })
    }
    if (events.length === 0 || log.length >= head) return log
  }
}

/** Every document of a read model as fresh as the log is now, by key. */
export async function readModel(base: string, name: string): Promise<ReadonlyMap<string, Json>> {
  await untilCaughtUp(base)
  const documents = new Map<string, Json>()
  for (let cursor: string | undefined, done = false; !done;) {
    const query = cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const { body } = await ask(`${base}/reads/${name}?limit=1000${query}`)
    for (const { key, data, version } of Object(body).items) documents.set(key, { data, version })
    cursor = Object(body).next
    done = cursor === undefined
  }
  return documents
}

/** Waits until no projection lacks an event. */
export async function untilCaughtUp(base: string): Promise<void> {
  await until(async () => {
    const { body } = await ask(`${base}/readyz`)
    const lags: readonly { readonly lagEvents: number }[] = Object.values(Object(body).projections)
    return lags.every(({ lagEvents }) => lagEvents === 0)
  })
}
