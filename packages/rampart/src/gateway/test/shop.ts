// A small shop that the tests of gateway and host serve, and what they ask it with.
import { z } from 'zod'
import {
  context,
  decider,
  events,
  projection,
  state,
  systemRuntime,
  uuidStreamId,
  refuse,
} from '../../core/index.ts'
import type { Runtime } from '../../core/index.ts'
import { app, type App } from '../../host/index.ts'
import { startEngine, type Engine } from '../../host/engine.ts'
import { openStores } from '../../host/stores.ts'
import {
  createAuthenticator,
  createGateway,
  type Authentication,
  type Gateway,
  type GatewayLimits,
  type Role,
} from '../index.ts'

const line = z.strictObject({ sku: z.string().min(1), quantity: z.int().min(1) })
export const orderEvents = events('order', {
  OrderPlaced: { version: 1, schema: z.strictObject({ customer: z.string(), lines: z.array(line) }) },
  OrderCancelled: { version: 1, schema: z.strictObject({ reason: z.string() }) },
})
const { OrderPlaced, OrderCancelled } = orderEvents.make

/** Held by tests that need a command to take its time. */
export const gate: { throws: boolean } = { throws: false }

export const order = decider(orderEvents, {
  state: state(1, (): { status: 'none' | 'placed' | 'cancelled' } => ({ status: 'none' })),
  evolve: {
    OrderPlaced: () => ({ status: 'placed' }),
    OrderCancelled: () => ({ status: 'cancelled' }),
  },
  commands: {
    PlaceOrder: {
      schema: z.strictObject({ customer: z.string(), lines: z.array(line).min(1) }),
      refuses: ['ORDER_EXISTS'],
      creates: true,
      decide: ({ status }, data) =>
        status === 'none'
          ? OrderPlaced(data)
          : refuse('ORDER_EXISTS', { status }, { detail: 'It is there.' }),
    },
    CancelOrder: {
      schema: z.strictObject({ reason: z.string().optional() }),
      refuses: ['ORDER_NOT_FOUND'],
      decide({ status }, { reason = 'none' }) {
        if (gate.throws) throw new Error('a secret of the decider')
        if (status === 'none') return refuse('ORDER_NOT_FOUND')
        return status === 'cancelled' ? [] : OrderCancelled({ reason })
      },
    },
  },
})

const orders = projection('order', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: { status: 'placed', customer: '' },
  on: {
    OrderPlaced: (_, { data }) => ({ status: 'placed', customer: data.customer }),
    OrderCancelled: (page) => ({ ...page, status: 'cancelled' }),
  },
  indexes: ['status', 'customer'],
  search: ['customer'],
})

const customers = projection('customers', {
  version: 3,
  of: orderEvents,
  key: { OrderPlaced: ({ data }) => data.customer },
  initial: { orders: 0 },
  on: { OrderPlaced: (page) => ({ orders: page.orders + 1 }) },
})

const parcelEvents = events(
  'parcel',
  { ParcelWeighed: { version: 1, schema: z.strictObject({ grams: z.number() }) } },
  { streamId: uuidStreamId },
)
const weight = z.strictObject({ grams: z.number() })
const parcel = decider(parcelEvents, {
  state: state(1, () => 0),
  evolve: { ParcelWeighed: (_, { grams }) => grams },
  commands: {
    SendParcel: {
      schema: weight,
      refuses: ['PARCEL_EXISTS'],
      creates: true,
      decide: (grams, data) =>
        grams === 0 ? parcelEvents.make.ParcelWeighed(data) : refuse('PARCEL_EXISTS'),
    },
    WeighParcel: { schema: weight, refuses: [], decide: (_, data) => parcelEvents.make.ParcelWeighed(data) },
  },
})
const parcels = projection('parcels', {
  version: 1,
  of: parcelEvents,
  key: 'stream',
  initial: { grams: 0 },
  on: { ParcelWeighed: (_, { data }) => ({ grams: data.grams }) },
})

const shopContext = context('shop', {
  deciders: [order, parcel],
  projections: [orders, customers, parcels],
})

const answer = (reply: { readonly streamId: string; readonly commandId: string }) => ({
  parcel_id: reply.streamId,
  command_id: reply.commandId,
})

export const shop = app('shop', {
  contexts: [shopContext],
  routes: [
    { method: 'POST', path: '/parcels', command: 'SendParcel', prefer: 'respond-async', answer },
    { method: 'PUT', path: '/parcels/:id', command: 'WeighParcel', answer },
    {
      method: 'GET',
      path: '/parcels/:id',
      read: 'parcels',
      answer: ({ key, version, data }) => ({ parcel_id: key, version, parcel: data }),
    },
  ],
})

/** An app in memory behind a gateway, without a socket. */
export interface ServedShop extends AsyncDisposable {
  readonly gateway: Gateway
  readonly engine: Engine
  readonly faults: unknown[]
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>
  readonly post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>
  readonly place: (id: string, customer?: string) => Promise<Response>
}

/** Serves an app in memory; disposing of it stops everything. */
export async function serveShop(
  options: {
    readonly app?: App
    readonly prefix?: string
    readonly runtime?: Runtime
    readonly limits?: Partial<GatewayLimits>
    readonly authentication?: Authentication
    /** Why nothing can be recorded. */
    readonly fault?: string
    /** What the gateway answers; everything unless said. */
    readonly roles?: readonly Role[]
  } = {},
): Promise<ServedShop> {
  const { prefix = '/shop', runtime = systemRuntime, app: served = shop, authentication } = options
  const faults: unknown[] = []
  const stores = await openStores({ appName: 'shop', storage: { memory: true }, thread: 'caller', runtime })
  const reportFault = (fault: unknown): void => void faults.push(fault)
  const engine = await startEngine({ app: served, stores, runtime, reportFault })
  const gateway = createGateway({
    apps: [
      {
        prefix,
        name: served.name,
        contexts: served.contexts,
        routes: served.routes,
        access: served.access,
        commands: engine.services,
        reads: engine.models,
        stores: engine.stores,
        ...(options.roles === undefined ? {} : { roles: new Set(options.roles) }),
      },
    ],
    runtime,
    ...(authentication === undefined
      ? {}
      : { authenticator: createAuthenticator({ authentication, runtime, reportFault }) }),
    limits: { ratePerSecond: 0, ...options.limits },
    fault: () => options.fault,
    reportFault,
  })
  const send = async (path: string, init: RequestInit): Promise<Response> =>
    gateway.fetch(new Request(`http://localhost${path}`, init))
  const post: ServedShop['post'] = (path, body, headers = {}) =>
    send(`${prefix}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    })
  return {
    gateway,
    engine,
    faults,
    get: (path, headers = {}) => send(`${prefix}${path}`, { headers }),
    post,
    place: (id, customer = 'ada') => post('/commands/PlaceOrder', placing(id, customer)),
    async [Symbol.asyncDispose]() {
      gateway.drain()
      await engine.drain()
      await engine.close()
    },
  }
}

/** The body of a command that places an order. */
export function placing(streamId: string, customer = 'ada'): object {
  return { streamId, data: { customer, lines: [{ sku: 'cup', quantity: 1 }] } }
}

/** Does what must be done within a second, again until the machine is quick enough for it. */
export async function withinASecond<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const startedMs = systemRuntime.elapsedMs()
    const done = await work()
    if (systemRuntime.elapsedMs() - startedMs < 900 || attempt === 20) return done
  }
}

/** A JSON body, whatever it holds. */
// oxlint-disable-next-line no-explicit-any -- tests look into bodies whose form is what they test
export async function bodyOf(response: Response): Promise<any> {
  return JSON.parse(await response.text())
}

/** Expects a problem document, and gives it. */
// oxlint-disable-next-line no-explicit-any -- tests look into bodies whose form is what they test
export async function problemIn(response: Response): Promise<any> {
  const text = await response.text()
  if (response.headers.get('content-type') !== 'application/problem+json') {
    throw new Error(`no problem document but ${response.status} ${text.slice(0, 200)}`)
  }
  const problem = JSON.parse(text)
  if (problem.status !== response.status || /\n\s+at /.test(text)) throw new Error(`a bad problem: ${text}`)
  return problem
}

/** One event of a stream as it came. */
export interface SeenEvent {
  readonly id: string | undefined
  readonly event: string | undefined
  // oxlint-disable-next-line no-explicit-any -- tests look into bodies whose form is what they test
  readonly data: any
}

/** Reads the events of a stream one by one; `undefined` at its end. */
export function eventsOf(response: Response): {
  readonly next: () => Promise<SeenEvent | undefined>
  readonly take: (count: number) => Promise<readonly SeenEvent[]>
  readonly text: () => string
  readonly close: () => Promise<void>
} {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  let all = ''
  const next = async (): Promise<SeenEvent | undefined> => {
    for (;;) {
      const end = rest.indexOf('\n\n')
      if (end === -1) {
        const chunk = await reader?.read()
        if (chunk === undefined || chunk.done) return undefined
        const text = decoder.decode(chunk.value)
        rest += text
        all += text
        continue
      }
      const lines = rest.slice(0, end).split('\n')
      rest = rest.slice(end + 2)
      const field = (name: string): string | undefined =>
        lines.find((each) => each.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = field('data')
      if (data !== undefined) return { id: field('id'), event: field('event'), data: JSON.parse(data) }
    }
  }
  const take = async (count: number): Promise<readonly SeenEvent[]> => {
    const seen: SeenEvent[] = []
    while (seen.length < count) {
      const event = await next()
      if (event === undefined) throw new Error(`the stream ended after ${seen.length} events`)
      seen.push(event)
    }
    return seen
  }
  return { next, take, text: () => all, close: async () => reader?.cancel() }
}
