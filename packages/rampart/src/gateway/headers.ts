// Reads the request headers of the contract: what is unreadable is a fault, except where its RFC says to
// ignore it.
import { decodeToken, streamVersion, type ConsistencyToken, type StreamVersion } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import { headerOf, type Exchange } from './exchange.ts'

/** Longest wait that a caller may ask for, in seconds. */
export const waitSecondsMax = 60
const keyBytesMax = 1024

/** What the `Prefer` header asks for (RFC 7240); unreadable and unknown preferences count as absent. */
export interface Preference {
  /** Whole seconds, 60 at most. */
  readonly waitSeconds?: number
  readonly respondAsync: boolean
}

const noPreference: Preference = { respondAsync: false }

/** Reads `Prefer`. Of a repeated preference the first counts. */
export function preferenceOf(exchange: Exchange): Preference {
  const text = headerOf(exchange, 'prefer')
  if (text === undefined) return noPreference
  let waitSeconds: number | undefined
  let respondAsync = false
  for (const part of text.split(',')) {
    const [name = '', value] = (part.split(';', 1)[0] ?? '').split('=', 2).map((piece) => piece.trim())
    const seconds = name.toLowerCase() === 'wait' ? secondsOf(value) : undefined
    waitSeconds ??= seconds
    if (name.toLowerCase() === 'respond-async') respondAsync = true
  }
  return waitSeconds === undefined ? { respondAsync } : { waitSeconds, respondAsync }
}

function secondsOf(text: string | undefined): number | undefined {
  const digits = /^"?(\d+)"?$/.exec(text ?? '')?.[1]
  return digits === undefined ? undefined : Math.min(Number(digits), waitSecondsMax)
}

/** The version that `If-Match` demands: one strong entity tag `"n"`. Throws `HEADER_INVALID` for all else. */
export function demandedVersion(exchange: Exchange): StreamVersion | undefined {
  const text = headerOf(exchange, 'if-match')
  if (text === undefined) return undefined
  const version = Number(/^"(0|[1-9]\d{0,15})"$/.exec(text)?.[1] ?? Number.NaN)
  if (Number.isSafeInteger(version)) return streamVersion(version)
  throw new RampartError('HEADER_INVALID', 'If-Match takes one version as a strong entity tag: "3".')
}

/** The idempotency key. Throws `HEADER_INVALID` unless it is 1 to 1,024 bytes without control characters. */
export function idempotencyKey(exchange: Exchange): string | undefined {
  const key = headerOf(exchange, 'idempotency-key')
  if (key === undefined) return undefined
  // oxlint-disable-next-line no-control-regex -- control characters are what this looks for
  const isClean = key !== '' && !/[\u0000-\u001f\u007f-\u009f]/.test(key) && key.isWellFormed()
  if (isClean && Buffer.byteLength(key) <= keyBytesMax) return key
  const rule = '1 to 1,024 bytes of UTF-8 without control characters'
  throw new RampartError('HEADER_INVALID', `Idempotency-Key takes ${rule}.`)
}

/**
 * The token of `Consistency-Token`. Throws `TOKEN_INVALID` for one that names a log which this gateway
 * lacks.
 */
export function tokenOf(
  exchange: Exchange,
  isKnownLog: (log: string) => boolean,
): ConsistencyToken | undefined {
  const text = headerOf(exchange, 'consistency-token')
  if (text === undefined) return undefined
  const token = decodeToken(text)
  for (const log of token.keys()) {
    if (isKnownLog(log)) continue
    throw new RampartError(
      'TOKEN_INVALID',
      'The consistency token is of another server. Send one of this one.',
    )
  }
  return token
}

/** Throws `CONTENT_TYPE_UNSUPPORTED` unless a body is plain JSON in UTF-8. */
export function requireJsonContent(exchange: Exchange): void {
  const type = headerOf(exchange, 'content-type')
  const encoding = headerOf(exchange, 'content-encoding')
  const isJson = type === 'application/json' || (type !== undefined && jsonTypePattern.test(type))
  if (isJson && (encoding === undefined || encoding.toLowerCase() === 'identity')) return
  const message = 'Send the body as application/json in UTF-8, without a content encoding.'
  throw new RampartError('CONTENT_TYPE_UNSUPPORTED', message)
}

const jsonTypePattern = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?;?$/i

/**
 * Whether one of the entity tags of `If-None-Match` is this one; weak and strong ones compare alike there.
 */
export function matchesTag(exchange: Exchange, tag: string): boolean {
  const text = headerOf(exchange, 'if-none-match')
  if (text === undefined) return false
  return text.split(',').some((part) => {
    const candidate = part.trim()
    return candidate === '*' || candidate === tag || candidate === `W/${tag}`
  })
}
