// The bounds of the gateway: their defaults, and the count of requests per client.
import { RateLimiterMemory } from 'rate-limiter-flexible'

/** Bounds on what clients may ask for; 0 switches those off that say so. */
export interface GatewayLimits {
  /** Largest request body; 0 = off. */
  readonly bodyBytesMax: number
  /** Requests per second and subject of a token, or client address where there is none; 0 = off. */
  readonly ratePerSecond: number
  /** Open connections; 0 = off. */
  readonly connectionsMax: number
  /** Open event streams. */
  readonly streamsMax: number
  /** All headers of a request. */
  readonly headerBytesMax: number
  /** How long a request may take to arrive. */
  readonly requestMs: number
  /** How long a connection may stay open without a request. */
  readonly keepAliveMs: number
  /** How long a connection may stand still. */
  readonly stalledMs: number
  /** How long a client may leave unread what was written to it at one time. */
  readonly unreadMs: number
  /** Bytes that wait in memory for clients to read them, over all connections. */
  readonly unsentBytesMax: number
}

/** The bounds that hold unless settings say otherwise. */
export const defaultLimits: GatewayLimits = {
  bodyBytesMax: 1024 * 1024,
  ratePerSecond: 5000,
  connectionsMax: 500,
  streamsMax: 1000,
  headerBytesMax: 16 * 1024,
  requestMs: 15_000,
  keepAliveMs: 10_000,
  stalledMs: 120_000,
  unreadMs: 30_000,
  unsentBytesMax: 64 * 1024 * 1024,
}

/** Counts a request of a client; resolves with false when it has sent too many this second. */
export type RateLimit = (client: string) => Promise<boolean>

/** Counts requests per client; `undefined` when the bound is off. */
export function createRateLimit(ratePerSecond: number): RateLimit | undefined {
  if (ratePerSecond === 0) return undefined
  const limiter = new RateLimiterMemory({ points: ratePerSecond, duration: 1 })
  return (client) =>
    limiter.consume(client).then(
      () => true,
      () => false,
    )
}
