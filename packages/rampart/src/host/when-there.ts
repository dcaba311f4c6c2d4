// Waits at the start of a host for a database that is away, or whose tables another process has yet to make:
// the process lives and says why it is not ready.
import { isRampartError, RampartError, sleep, type Runtime } from '../core/index.ts'
import {
  createAuthenticator,
  createGateway,
  serveGateway,
  type Gateway,
  type ListeningGateway,
} from '../gateway/index.ts'
import type { HostSettings } from './settings.ts'

/** What the wait needs of the host. */
export interface WaitingParts {
  readonly settings: HostSettings
  readonly runtime: Runtime
  readonly reportFault: (fault: unknown, what: string) => void
  /** Ends the wait, which rejects with its reason. */
  readonly signal: AbortSignal | undefined
}

const retryMs = 1000

/**
 * Opens something, as often as it takes until its database is there. Faults of other kinds pass through.
 * Meanwhile every request is answered with 503, but those after the health of the process.
 */
export async function whenThere<Opened>(open: () => Promise<Opened>, parts: WaitingParts): Promise<Opened> {
  const first = await attempt(open)
  if ('opened' in first) return first.opened
  const { listening, tell } = await startWaiting(parts)
  try {
    for (let { away } = first; ;) {
      tell(away)
      // oxlint-disable-next-line no-await-in-loop -- the pause between two attempts
      await sleep(parts.runtime, retryMs, parts.signal)
      // oxlint-disable-next-line no-await-in-loop -- each attempt begins when the one before it has failed
      const next = await attempt(open)
      if ('opened' in next) return next.opened
      away = next.away
    }
  } finally {
    await listening.close(0)
  }
}

async function attempt<Opened>(
  open: () => Promise<Opened>,
): Promise<{ readonly opened: Opened } | { readonly away: RampartError }> {
  try {
    return { opened: await open() }
  } catch (fault) {
    if (isRampartError(fault, 'STORE_UNAVAILABLE') && fault.details['isAway'] === true) return { away: fault }
    throw fault
  }
}

interface Waiting {
  readonly listening: ListeningGateway
  readonly tell: (fault: RampartError) => void
}

async function startWaiting({ settings, runtime, reportFault }: WaitingParts): Promise<Waiting> {
  const { authentication, host, port } = settings
  let reason = ''
  const health = createGateway({
    apps: [],
    runtime,
    ...(authentication === undefined
      ? {}
      : { authenticator: createAuthenticator({ authentication, runtime, reportFault }) }),
    limits: settings.limits,
    fault: () => reason,
    reportFault,
  })
  const gateway: Gateway = {
    ...health,
    fetch: async (request, bindings) => {
      const { pathname } = new URL(request.url)
      if (['/healthz', '/readyz', '/metrics'].includes(pathname)) return health.fetch(request, bindings)
      return health.faultResponse(new RampartError('STORE_UNAVAILABLE', reason))
    },
  }
  return {
    listening: await serveGateway(gateway, { runtime, reportFault, host, port }),
    tell({ code, message, cause, details }) {
      const next = `${message} This process tries again by itself.`
      if (next !== reason) {
        const told = new RampartError(code, next, { cause, details })
        reportFault(told, 'the start, which waits for the database,')
      }
      reason = next
    },
  }
}
