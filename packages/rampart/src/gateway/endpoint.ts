// What the rooms of the gateway have in common: endpoints to offer, and the surroundings they stand in.
import type { Context, Runtime } from '../core/index.ts'
import type { AppAccess } from './access.ts'
import type { BodiesInHand } from './bodies-in-hand.ts'
import type { Exchange } from './exchange.ts'
import type { GatewayLimits } from './limits.ts'
import type { ResourceRoute } from './resource-route.ts'
import type { Role } from './role.ts'
import type { EventStreams } from './streams.ts'
import type { Turn } from './turns.ts'
import type { Visitor } from './visitor.ts'

/** What an app offers, as its endpoints, documentation and metrics name it. */
export interface AppDescription {
  /** Where it is mounted: empty, or a slash and a name. */
  readonly prefix: string
  readonly name: string
  readonly contexts: readonly Context[]
  readonly routes: readonly ResourceRoute[]
  /** Who may send and read what; everyone unless said. */
  readonly access?: AppAccess
  /** Whether its endpoints need a token, as its documentation tells. */
  readonly needsToken?: boolean
  /** What this process does for it; everything unless said. */
  readonly roles?: ReadonlySet<Role>
}

/** What answers one kind of request. HEAD goes where GET goes. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** The whole path; `:name` stands for one segment. */
  readonly path: string
  /** Answers or throws a fault, which becomes a problem document. */
  readonly handle: (exchange: Exchange, visitor: Visitor) => Response | Promise<Response>
  /** Answered also to clients that are over their rate, and while the server drains. */
  readonly isVital?: boolean
  /** Answered to everyone, also where tokens are needed. */
  readonly isPublic?: boolean
  /** Answered to operators only. */
  readonly isForOperators?: boolean
}

/** What all endpoints of a gateway share. */
export interface Surroundings {
  readonly runtime: Runtime
  readonly limits: GatewayLimits
  readonly streams: EventStreams
  readonly bodies: BodiesInHand
  /** Waited for by whatever occupies the thread for long. */
  readonly turn: Turn
  /** Aborted when the gateway drains; ends what waits. */
  readonly draining: AbortSignal
  /** Whether a log feeds anything of this gateway. */
  readonly isKnownLog: (log: string) => boolean
  /** Counts a command by what became of it. */
  readonly countCommand: (type: string, status: string) => void
}

/** The place of a named segment in a path, as `segmentOf` counts. */
export function placeOf(path: string, name: string): number {
  return path.split('/').indexOf(`:${name}`)
}

/**
 * Runs a wait that ends when its client leaves or the gateway drains. The signal's listeners are gone when
 * the wait is over, so that a long-lived gateway gathers none.
 */
export async function whilePresent<T>(
  exchange: Exchange,
  draining: AbortSignal,
  wait: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController()
  const client = exchange.req.raw.signal
  const leave = (): void => ending.abort(new Error('The client has left.'))
  const drain = (): void => ending.abort(draining.reason)
  if (draining.aborted) drain()
  client.addEventListener('abort', leave, { once: true })
  draining.addEventListener('abort', drain, { once: true })
  try {
    return await wait(ending.signal)
  } finally {
    client.removeEventListener('abort', leave)
    draining.removeEventListener('abort', drain)
  }
}
