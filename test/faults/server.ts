// Starts the orders app as a process of its own and speaks HTTP to it, for the tests of faults.
import { runApp, startServer as startProgram, until } from '../programs/server.ts'

export { until } from '../programs/server.ts'

/** A running server. */
export interface Server extends AsyncDisposable {
  readonly base: string
  readonly pid: number
  /** What it has written to stderr so far. */
  readonly stderr: () => string
  /** Ends the process by a signal and resolves with its exit code; null when the signal killed it. */
  readonly end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<number | null>
}

/** An answer with its body, parsed when it is JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  // Answers are compared with what they should be, member by member.
  readonly body: { readonly [member: string]: unknown }
}

/** How to start a server. */
export interface ServerOptions {
  readonly dataFolder: string
  /** The folder of the app in the workspace; that of the orders unless given. */
  readonly app?: string
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts a server on a free port, and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { dataFolder, app = 'apps/orders', environment = {} } = options
  const settings = {
    RAMPART_DATA: dataFolder,
    RAMPART_SAMPLE: 'none',
    RAMPART_RATE_PER_SECOND: '0',
    ...environment,
  }
  const { base, process, end } = await startProgram((env) => runApp(app, env), settings)
  const dispose = async (): Promise<void> => void (await end('SIGKILL'))
  return { base, pid: process.pid, stderr: process.stderr, end, [Symbol.asyncDispose]: dispose }
}

/** Sends a request; with a body it is a POST. */
export async function ask(
  target: string,
  request: { readonly body?: object; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { body, headers = {} } = request
  const response = await fetch(target, {
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
}

/** Places an order with so many lines; its key is its id. */
export async function place(base: string, id: string, options: Placing = {}): Promise<Answer> {
  const { lines = 1, prefer = 'wait=10' } = options
  const line = { sku: 'mug', description: 'A mug. '.repeat(50), quantity: 1, unitPricePence: 1 }
  const data = { country: 'Greece', placedOn: '2026-01-01', lines: Array.from({ length: lines }, () => line) }
  const headers = { 'idempotency-key': id, prefer }
  return ask(`${base}/commands/PlaceOrder`, { body: { streamId: id, data }, headers })
}

/** How an order is placed: one line, and waited for, unless said. */
export interface Placing {
  readonly lines?: number
  readonly prefer?: string
}

/** The ids of the placed orders in the order of the log, whose positions must be 1, 2, 3 … */
export async function placedOrders(base: string): Promise<readonly string[]> {
  const ids: string[] = []
  for (;;) {
    const { body } = await ask(`${base}/admin/events?after=${ids.length}&limit=1000`)
    const events = body['events'] as readonly { position: number; version: number; stream: string }[]
    for (const { position, version, stream } of events) {
      if (position !== ids.length + 1 || version !== 1)
        throw new Error(
          `The event after position ${ids.length} has position ${position}, version ${version}.`,
        )
      ids.push(stream.slice('order-'.length))
    }
    if (events.length === 0) return ids
  }
}

/** How many events each projection lacks, as told at most a quarter of a second ago. */
export async function lagsOf(base: string): Promise<readonly number[]> {
  const { body } = await ask(`${base}/readyz`)
  const lags: readonly { readonly lagEvents: number }[] = Object.values(Object(body['projections']))
  return lags.map(({ lagEvents }) => lagEvents)
}

/** Waits until the read model of orders shows so many, 1,000 at most. */
export async function untilShown(base: string, count: number): Promise<void> {
  await until(async () => {
    const { body } = await ask(`${base}/reads/order?limit=1000`)
    return (body['items'] as readonly unknown[]).length === count
  })
}
