// Decides for every request who sends it and whether it is let in: its token, its rate, its role.
import { RampartError } from '../core/index.ts'
import { bearerTokenOf, unauthenticated, type Authenticator } from './authentication/index.ts'
import type { Endpoint } from './endpoint.ts'
import type { Exchange } from './exchange.ts'
import type { RateLimit } from './limits.ts'
import { anyone, isOperator, type Visitor } from './visitor.ts'

/**
 * Lets a request in, and tells who sends it. Throws `UNAUTHENTICATED`, `ISSUER_UNAVAILABLE`, `FORBIDDEN` or
 * `RATE_LIMITED`.
 */
export type Admission = (exchange: Exchange, endpoint: Endpoint) => Promise<Visitor>

/** What admission stands on; without an authenticator everyone is let in, operators on loopback only. */
export interface AdmissionOptions {
  readonly authenticator: Authenticator | undefined
  readonly rateLimit: RateLimit | undefined
}

/** Creates the admission of a gateway. */
export function createAdmission({ authenticator, rateLimit }: AdmissionOptions): Admission {
  const count = async (key: string): Promise<void> => {
    if (rateLimit !== undefined && !(await rateLimit(key))) throw tooManyRequests()
  }
  /** Known senders are counted by themselves, all others by their address, before anything is computed. */
  const authenticated = async (exchange: Exchange, { check, known }: Authenticator): Promise<Visitor> => {
    const token = tokenOrFault(exchange)
    const visitor = typeof token === 'string' ? known(token) : undefined
    await count(visitor === undefined ? addressOf(exchange) : `subject ${visitor.caller?.subject}`)
    if (typeof token !== 'string') throw token
    return visitor ?? check(token)
  }
  return async (exchange, { isPublic = false, isForOperators = false }) => {
    if (authenticator !== undefined && !isPublic) {
      const visitor = await authenticated(exchange, authenticator)
      if (isForOperators && !isOperator(visitor)) throw notOperator('The role admin is needed here.')
      return visitor
    }
    await count(addressOf(exchange))
    if (isForOperators && !isOnLoopback(exchange))
      throw notOperator('The admin endpoints answer on loopback only.')
    return anyone
  }
}

function tokenOrFault(exchange: Exchange): unknown {
  try {
    return bearerTokenOf(exchange) ?? unauthenticated()
  } catch (fault) {
    // Thrown once the request was counted.
    return fault
  }
}

/** Headers that claim another address are not trusted. */
function addressOf(exchange: Exchange): string {
  return `address ${exchange.env?.incoming?.socket.remoteAddress ?? 'in process'}`
}

// Without authentication, only who sits at the machine may look into the log.
function isOnLoopback(exchange: Exchange): boolean {
  const address = exchange.env?.incoming?.socket.remoteAddress
  return address === undefined || /^(::ffff:)?127\.|^::1$/.test(address)
}

function tooManyRequests(): RampartError {
  return new RampartError('RATE_LIMITED', 'Too many requests came from you this second. Slow down.')
}

function notOperator(message: string): RampartError {
  return new RampartError('FORBIDDEN', message)
}
