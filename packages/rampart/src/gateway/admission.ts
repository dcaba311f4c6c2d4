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
export type Admission = (exchange: Exchange, endpoint: Endpoint) => Visitor | Promise<Visitor>

/** What admission stands on; without an authenticator everyone is let in, operators on loopback only. */
export interface AdmissionOptions {
  readonly authenticator: Authenticator | undefined
  readonly rateLimit: RateLimit | undefined
}

/** A sender before it is let in. */
interface Sender {
  /** Known senders are counted by themselves, all others by their address. */
  readonly countedAs: string
  readonly enter: () => Visitor | Promise<Visitor>
}

/** Creates the admission of a gateway. */
export function createAdmission({ authenticator, rateLimit }: AdmissionOptions): Admission {
  return (exchange, endpoint) => {
    const isAsked = authenticator !== undefined && endpoint.isPublic !== true
    const sender = isAsked ? bearer(exchange, endpoint, authenticator) : passerBy(exchange, endpoint)
    // Before anything is computed.
    return rateLimit === undefined ? sender.enter() : enterCounted(sender, rateLimit)
  }
}

async function enterCounted({ countedAs, enter }: Sender, rateLimit: RateLimit): Promise<Visitor> {
  if (!(await rateLimit(countedAs))) throw tooManyRequests()
  return enter()
}

function bearer(exchange: Exchange, endpoint: Endpoint, { check, known }: Authenticator): Sender {
  const token = tokenOrFault(exchange)
  const visitor = typeof token === 'string' ? known(token) : undefined
  return {
    countedAs: visitor === undefined ? addressOf(exchange) : `subject ${visitor.caller?.subject}`,
    enter() {
      if (typeof token !== 'string') throw token
      if (visitor !== undefined) return inItsRole(visitor, endpoint)
      return check(token).then((checked) => inItsRole(checked, endpoint))
    },
  }
}

function inItsRole(visitor: Visitor, { isForOperators = false }: Endpoint): Visitor {
  if (isForOperators && !isOperator(visitor)) throw notOperator('The role admin is needed here.')
  return visitor
}

function passerBy(exchange: Exchange, { isForOperators = false }: Endpoint): Sender {
  return {
    countedAs: addressOf(exchange),
    enter() {
      if (isForOperators && !isOnLoopback(exchange))
        throw notOperator('The admin endpoints answer on loopback only.')
      return anyone
    },
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
