// Puts the rooms of the gateway together: one hono router over the endpoints of every app.
import { Hono } from 'hono'
import { RampartError, type ErrorCode, type Runtime } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import { adminEndpoints, quarantineEndpoints, rebuildEndpoints, type Elsewhere } from './admin/index.ts'
import { createAdmission } from './admission.ts'
import type { Authenticator } from './authentication/index.ts'
import { BodiesInHand } from './bodies-in-hand.ts'
import { commandEndpoints, type CommandService } from './commands/index.ts'
import type { AppDescription, Endpoint, Surroundings } from './endpoint.ts'
import { rawPath, type Exchange } from './exchange.ts'
import { healthEndpoints, lagsOf } from './health.ts'
import { createRateLimit, defaultLimits, type GatewayLimits, type RateLimit } from './limits.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { hasRole, isLogOf, ownPart, roleFor } from './own-part.ts'
import { appPages, frontPageEndpoint } from './pages.ts'
import { problemOf, problemResponse } from './problem.ts'
import { readEndpoints, type ReadModel } from './reads/index.ts'
import { createEventStreams } from './streams.ts'
import { createTurns } from './turns.ts'
import { anyone } from './visitor.ts'

/** An app with everything that its endpoints reach. */
export interface GatewayApp extends AppDescription {
  readonly commands: readonly CommandService[]
  readonly reads: readonly ReadModel[]
  /** The logs of its contexts, in their order; none in a process that only serves. */
  readonly stores: readonly EventStore[]
  /** Where operators are told of what another process runs; nowhere unless given. */
  readonly elsewhere?: Elsewhere
}

/** What a gateway stands on. */
export interface GatewayOptions {
  readonly apps: readonly GatewayApp[]
  readonly runtime: Runtime
  /** Checks the token that every request then needs; unless given, none does. */
  readonly authenticator?: Authenticator
  readonly limits?: Partial<GatewayLimits>
  /** Why commands cannot be recorded, for operators; `undefined` while they can. */
  readonly fault: () => string | undefined
  /** Hears of faults that callers did not cause. */
  readonly reportFault: (fault: unknown, request: string) => void
  /** Adds metrics of the process; one gateway per process can have them. */
  readonly processMetrics?: boolean
}

/** The HTTP edge of some apps. */
export interface Gateway {
  /** Answers a request; never rejects. */
  readonly fetch: (request: Request, bindings?: Exchange['env']) => Response | Promise<Response>
  /** The answer to a fault that arose before a request could be routed. */
  readonly faultResponse: (fault: unknown) => Response
  readonly limits: GatewayLimits
  /** Ends waits with 503 and streams with a hint, and takes no more requests but those after its health. */
  readonly drain: () => void
}

/** Creates the gateway of some apps. */
export function createGateway(options: GatewayOptions): Gateway {
  const { runtime, reportFault, authenticator } = options
  const apps = options.apps.map((app) => ({ ...app, needsToken: authenticator !== undefined }))
  const limits = { ...defaultLimits, ...options.limits }
  const draining = new AbortController()
  const streams = createEventStreams({
    runtime,
    streamsMax: limits.streamsMax,
    reportFault: (fault) => reportFault(fault, 'an event stream'),
  })
  const metrics = createMetrics({
    lags: () => lagsOf(apps),
    streams: streams.count,
    processMetrics: options.processMetrics === true,
  })
  const around: Surroundings = {
    runtime,
    limits,
    streams,
    bodies: new BodiesInHand(),
    turn: createTurns(runtime),
    draining: draining.signal,
    isKnownLog: isLogOf(apps),
    countCommand: metrics.countCommand,
  }
  const fault = (): string | undefined => unreadyReason(draining.signal, options)
  const health = healthEndpoints({ apps, metrics, fault, showsReasons: authenticator === undefined })
  const front = frontPageEndpoint(apps.map(ownPart))
  const endpoints = [...apps.flatMap((app) => endpointsOf(app, around)), ...health, front]
  const rateLimit = createRateLimit(limits.ratePerSecond)
  return {
    fetch: routerOf(endpoints, { metrics, around, reportFault, authenticator, rateLimit, apps }),
    faultResponse: (error) => faultResponse(error, { what: 'a request without a route', reportFault }),
    limits,
    drain() {
      draining.abort(new RampartError('SHUTTING_DOWN', 'The server is shutting down. Try again soon.'))
      streams.endAll()
    },
  }
}

function unreadyReason(draining: AbortSignal, { fault }: GatewayOptions): string | undefined {
  return draining.aborted ? 'The server is shutting down.' : fault()
}

function endpointsOf(app: GatewayApp, around: Surroundings): readonly Endpoint[] {
  const { commands: services, reads: models, stores, elsewhere = async () => [] } = app
  const operated = { app, models, around, elsewhere }
  return [
    ...(hasRole(app, 'write') ? commandEndpoints({ app, services, around }) : []),
    ...(hasRole(app, 'serve') ? readEndpoints({ app, models, around }) : []),
    // Whatever stands in that room is for operators.
    ...(hasRole(app, 'write') ? adminEndpoints({ app, stores, around }) : []).map(forOperators),
    ...(hasRole(app, 'write') || hasRole(app, 'project')
      ? [...quarantineEndpoints(operated), ...rebuildEndpoints(operated)].map(forOperators)
      : []),
    ...appPages(ownPart(app)),
  ]
}

function forOperators(endpoint: Endpoint): Endpoint {
  return { ...endpoint, isForOperators: true }
}

interface Routing {
  readonly metrics: Metrics
  readonly around: Surroundings
  readonly reportFault: GatewayOptions['reportFault']
  readonly authenticator: Authenticator | undefined
  readonly rateLimit: RateLimit | undefined
  readonly apps: readonly AppDescription[]
}

type Handler = (exchange: Exchange) => Promise<Response>

function routerOf(endpoints: readonly Endpoint[], routing: Routing): Gateway['fetch'] {
  // Segments are decoded where they are read: decoded before, a key's own slash would look like two segments.
  const hono = new Hono<{ Bindings: NonNullable<Exchange['env']> }>({ getPath: rawPath })
  const answer = answering(routing)
  for (const endpoint of endpoints) hono.on(endpoint.method, endpoint.path, answer(endpoint))
  const allowedAt = (path: string): readonly string[] =>
    (['GET', 'POST', 'PUT'] as const).filter((method) => hono.router.match(method, path)[0].length > 0)
  hono.notFound(answer(unrouted(allowedAt, routing.apps)))
  hono.onError((fault) => faultResponse(fault, { what: 'the router', reportFault: routing.reportFault }))
  return (request, bindings) => hono.fetch(request, bindings ?? {})
}

function unrouted(allowedAt: (path: string) => readonly string[], apps: readonly AppDescription[]): Endpoint {
  const below = apps.map(({ prefix }) => prefix).filter((prefix) => prefix !== '')
  const places = below.length === 0 ? '' : `Apps stand below ${below.join(', ')}. `
  return {
    method: 'GET',
    path: 'none',
    handle(exchange) {
      const { method, path } = exchange.req
      for (const app of apps) requireOwnRole(app, method, path)
      const allowed = allowedAt(path)
      if (allowed.length === 0) {
        throw new RampartError(
          'ROUTE_UNKNOWN',
          `There is nothing at this address. ${places}The front page is at /.`,
        )
      }
      const allow = allowed.flatMap((each) => (each === 'GET' ? ['GET', 'HEAD'] : [each])).join(', ')
      const message = `This address does not take the method of the request. It takes ${allow}.`
      const fault = new RampartError('METHOD_NOT_ALLOWED', message)
      return problemResponse(problemOf(fault, { headers: { allow } }))
    },
  }
}

/** Throws `ROLE_ELSEWHERE` for what another process answers. */
function requireOwnRole(app: AppDescription, method: string, path: string): void {
  const role = roleFor(app, method, path)
  if (role === undefined || hasRole(app, role)) return
  const own = [...(app.roles ?? [])].join(', ')
  const message = `This process runs ${app.name} with ${own} only. Ask one that has the role ${role}.`
  throw new RampartError('ROLE_ELSEWHERE', message)
}

function answering(routing: Routing): (endpoint: Endpoint) => Handler {
  const { metrics, around, reportFault } = routing
  const admit = createAdmission(routing)
  const answer = (exchange: Exchange, endpoint: Endpoint): Response | Promise<Response> => {
    if (endpoint.isVital === true) return endpoint.handle(exchange, anyone)
    around.draining.throwIfAborted()
    const admitted = admit(exchange, endpoint)
    if (!(admitted instanceof Promise)) return endpoint.handle(exchange, admitted)
    return admitted.then((visitor) => endpoint.handle(exchange, visitor))
  }
  return (endpoint) => {
    const { method, path } = endpoint
    return async (exchange) => {
      const startedMs = around.runtime.elapsedMs()
      let response: Response
      try {
        response = await answer(exchange, endpoint)
      } catch (fault) {
        const hasLeft = exchange.req.raw.signal.aborted
        const report = hasLeft ? ignore : reportFault
        response = faultResponse(fault, { what: `${method} ${path}`, reportFault: report })
      } finally {
        around.bodies.release(exchange)
      }
      const elapsedMs = around.runtime.elapsedMs() - startedMs
      metrics.countRequest(method, path, { status: response.status, elapsedMs })
      return response
    }
  }
}

// Who has left gets no answer, and what ended only because of that is no fault.
const ignore = (): void => {}

// Answers of this kind say nothing that its operator does not know.
const expectedCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'ISSUER_UNAVAILABLE',
  'KEY_QUARANTINED',
  'PROJECTION_STOPPED',
  'READ_MODEL_BEHIND',
  'SERVER_FULL',
  'SHUTTING_DOWN',
  'STREAM_CONTENDED',
])

interface FaultContext {
  readonly what: string
  readonly reportFault: GatewayOptions['reportFault']
}

function faultResponse(fault: unknown, { what, reportFault }: FaultContext): Response {
  const isMalformed = fault instanceof Error && fault.name === 'RequestError'
  const told = isMalformed
    ? new RampartError('REQUEST_MALFORMED', 'The address or the Host header is malformed.')
    : fault
  const problem = problemOf(told)
  if (problem.status >= 500 && !expectedCodes.has(problem.code)) reportFault(fault, what)
  return problemResponse(problem)
}
