// Reads what turns authentication on: a shared secret or an issuer's keys, and what tokens must say.
import { createSecretKey } from 'node:crypto'
import { RampartError } from '../core/index.ts'
import type { Authentication } from '../gateway/index.ts'

const secretBytesMin = 32

/**
 * The authentication that an environment asks for; `undefined` when it asks for none. Throws
 * `SETTING_INVALID` for what would protect nothing.
 */
export function readAuthentication(
  environment: Readonly<Record<string, string | undefined>>,
): Authentication | undefined {
  const read = (name: string): string | undefined => {
    const text = environment[name]
    return text === undefined || text.trim() === '' ? undefined : text
  }
  // A secret of blanks is meant as one, and too weak; only an empty variable is an absent one.
  const secret = environment['RAMPART_JWT_SECRET'] === '' ? undefined : environment['RAMPART_JWT_SECRET']
  const url = read('RAMPART_JWKS_URL')
  const issuer = read('RAMPART_JWT_ISSUER')
  const audience = read('RAMPART_JWT_AUDIENCE')
  const demands = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
  }
  if (secret !== undefined && url !== undefined)
    throw invalid('RAMPART_JWT_SECRET and RAMPART_JWKS_URL are both set. Set one: either decides alone.')
  if (secret !== undefined) return { secret: keyOf(secret), ...demands }
  if (url !== undefined) return { keysUrl: keysUrlOf(url), ...demands }
  if (issuer === undefined && audience === undefined) return undefined
  throw invalid(
    'RAMPART_JWT_ISSUER or RAMPART_JWT_AUDIENCE is set, but nothing turns authentication on. ' +
      'Set RAMPART_JWT_SECRET or RAMPART_JWKS_URL, too.',
  )
}

function keyOf(secret: string): ReturnType<typeof createSecretKey> {
  const bytes = Buffer.byteLength(secret)
  if (bytes >= secretBytesMin) return createSecretKey(secret, 'utf8')
  throw invalid(
    `RAMPART_JWT_SECRET has ${bytes} bytes, and whoever guesses it can be anyone. ` +
      `Set it to ${secretBytesMin} random bytes or more: openssl rand -base64 32.`,
  )
}

function keysUrlOf(text: string): URL {
  const fault = 'Set RAMPART_JWKS_URL to the address at which the issuer publishes its keys'
  if (!URL.canParse(text)) throw invalid(`RAMPART_JWKS_URL is no address. ${fault}.`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw invalid(`RAMPART_JWKS_URL holds credentials. ${fault}, without them.`)
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)) return url
  throw invalid(
    `RAMPART_JWKS_URL begins with ${url.protocol}, over which others could put their own keys in place of ` +
      `the issuer's. ${fault}, by https (http on loopback only).`,
  )
}

function invalid(message: string): RampartError {
  return new RampartError('SETTING_INVALID', message)
}
