// Takes the token of a request: from one Authorization header and nowhere else.
import type { Exchange } from '../exchange.ts'
import { refusedToken } from './refused-token.ts'

/** Longest token that is looked at. */
export const tokenLengthMax = 8 * 1024

/** The token of a request; `undefined` when it has none. Throws `UNAUTHENTICATED` for what is no token. */
export function bearerTokenOf(exchange: Exchange): string | undefined {
  const incoming = exchange.env?.incoming
  if (incoming === undefined) return tokenIn(exchange.req.raw.headers.get('authorization'))
  // Of several headers Node would give the first: two must not be taken for one.
  const names = incoming.rawHeaders.filter((text, index) => index % 2 === 0 && isAuthorization(text))
  if (names.length > 1) throw refusedToken('A request takes one Authorization header.')
  return tokenIn(incoming.headers.authorization ?? null)
}

function isAuthorization(name: string): boolean {
  return name.length === 13 && name.toLowerCase() === 'authorization'
}

function tokenIn(header: string | null): string | undefined {
  if (header === null) return undefined
  if (header.length > tokenLengthMax + 'Bearer '.length) throw refusedToken('The token is too long.')
  // Schemes have no case (RFC 9110 section 11.1).
  const [, token] = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header) ?? []
  if (token === undefined) throw refusedToken('The Authorization header takes Bearer and a signed JWT.')
  return token
}
