// Consistency tokens: "I have seen up to here", per log, opaque to whoever carries them.
import { RampartError } from '../errors.ts'
import { position } from '../identity.ts'
import type { LogKey, LogPlace } from '../ports/log.ts'

/** For each log the place that was seen. */
export type ConsistencyToken = ReadonlyMap<LogKey, LogPlace>

/** Longest token that is read, in characters; about fifty logs. */
export const tokenLengthMax = 8192

/** The token as it travels in a header: base64url of `{ log: [epoch, position, event id] }`. */
export function encodeToken(token: ConsistencyToken): string {
  const places = [...token].map(
    ([log, place]) => [log, [place.epoch, place.position, place.eventId]] as const,
  )
  return btoa(JSON.stringify(Object.fromEntries(places)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

/** Reads a token. Throws `TOKEN_INVALID` for everything that `encodeToken` does not make. */
export function decodeToken(text: string): ConsistencyToken {
  if (text.length > tokenLengthMax || !/^[A-Za-z0-9_-]+$/.test(text)) throw invalidToken()
  const parsed = parseToken(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw invalidToken()
  const token = new Map<LogKey, LogPlace>()
  for (const [log, place] of Object.entries(parsed)) token.set(log, readPlace(place))
  if (token.size === 0) throw invalidToken()
  return token
}

function parseToken(text: string): unknown {
  try {
    return JSON.parse(atob(text.replaceAll('-', '+').replaceAll('_', '/')))
  } catch (cause) {
    throw invalidToken(cause)
  }
}

function readPlace(place: unknown): LogPlace {
  if (!Array.isArray(place) || place.length !== 3) throw invalidToken()
  const [epoch, at, eventId]: readonly unknown[] = place
  if (typeof epoch !== 'string' || typeof at !== 'number' || typeof eventId !== 'string') throw invalidToken()
  if (!Number.isSafeInteger(at) || at < 0) throw invalidToken()
  return { epoch, position: position(at), eventId }
}

function invalidToken(cause?: unknown): RampartError {
  const message = 'The consistency token is not one of ours. Send one exactly as an answer gave it, or none.'
  return new RampartError('TOKEN_INVALID', message, { cause })
}
