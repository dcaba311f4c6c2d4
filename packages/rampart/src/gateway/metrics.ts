// What the gateway counts and measures, in a registry of its own, for `/metrics`.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** How far a projection is behind; null when it could not be told. */
export interface ProjectionLag {
  readonly events: number | null
  readonly seconds: number | null
  readonly quarantinedKeys: number
}

/** The meters of one gateway. */
export interface Metrics {
  readonly countRequest: (method: string, route: string, outcome: RequestOutcome) => void
  readonly countCommand: (type: string, status: string) => void
  readonly contentType: string
  /** The page as Prometheus reads it. */
  readonly text: () => Promise<string>
}

/** How a request ended. */
export interface RequestOutcome {
  readonly status: number
  readonly elapsedMs: number
}

/** What is looked up when the page is asked for. */
export interface MetricsOptions {
  /** Lag by projection, named `app/projection`. */
  readonly lags: () => Promise<ReadonlyMap<string, ProjectionLag>>
  readonly streams: () => number
  /** Adds memory, event loop and garbage collection of the process. */
  readonly processMetrics: boolean
}

/** Creates the meters. Gauges are looked up when the page is asked for, so that they cost nothing before. */
export function createMetrics({ lags, streams, processMetrics }: MetricsOptions): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (processMetrics) collectDefaultMetrics({ register: registry })
  // Its count per label set is the number of requests: one meter serves both.
  const requests = new Histogram({
    name: 'rampart_http_request_duration_seconds',
    help: 'Requests and how long their answers took, by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60],
    registers,
  })
  const commands = new Counter({
    name: 'rampart_commands_total',
    help: 'Commands by type and status; rejected ones never became commands.',
    labelNames: ['type', 'status'],
    registers,
  })
  const lagEvents = lagGauge('rampart_projection_lag_events', 'Events that a projection lacks.', registers)
  const lagSeconds = lagGauge('rampart_projection_lag_seconds', 'Age of its oldest missing event.', registers)
  const quarantined = lagGauge('rampart_quarantined_keys', 'Keys that stand still, by projection.', registers)
  const openStreams = new Gauge({ name: 'rampart_event_streams', help: 'Open event streams.', registers })
  return {
    countRequest(method, route, { status, elapsedMs }) {
      requests.observe({ method, route, status }, elapsedMs / 1000)
    },
    countCommand: (type, status) => commands.inc({ type, status }),
    contentType: registry.contentType,
    async text() {
      for (const [projection, { events, seconds, quarantinedKeys }] of await lags()) {
        lagEvents.set({ projection }, events ?? Number.NaN)
        lagSeconds.set({ projection }, seconds ?? Number.NaN)
        quarantined.set({ projection }, quarantinedKeys)
      }
      openStreams.set(streams())
      return registry.metrics()
    },
  }
}

function lagGauge(name: string, help: string, registers: Registry[]): Gauge<'projection'> {
  return new Gauge({ name, help, labelNames: ['projection'], registers })
}
