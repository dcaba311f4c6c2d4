// Checks tokens and remembers those that hold, so that a known token costs one hash and one look-up.
import { hash, type KeyObject } from 'node:crypto'
import { jwtVerify, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Caller, Runtime } from '../../core/index.ts'
import type { Visitor } from '../visitor.ts'
import { callerOf } from './claims.ts'
import { createKeySet } from './key-set.ts'
import { refusedToken } from './refused-token.ts'
import { requireSoundToken } from './sound-token.ts'

/** What tokens are checked against: one secret that was shared, or the published keys of an issuer. */
export type Authentication = (
  | { readonly secret: KeyObject }
  | {
      /** Where the issuer publishes its keys (RFC 7517). */
      readonly keysUrl: URL
    }
) & {
  /** What claim `iss` must be; anything when absent. */
  readonly issuer?: string
  /** What claim `aud` must be or hold; anything when absent. */
  readonly audience?: string
}

/** Checks the tokens of requests. */
export interface Authenticator {
  /** Whose token this is, when it was checked before and still holds. */
  readonly known: (token: string) => Visitor | undefined
  /**
   * Whose token this is. Throws `UNAUTHENTICATED` for one that does not hold, `ISSUER_UNAVAILABLE` when the
   * key that it needs cannot be had.
   */
  readonly check: (token: string) => Promise<Visitor>
}

/** What an authenticator stands on. */
export interface AuthenticatorOptions {
  readonly authentication: Authentication
  readonly runtime: Runtime
  /** Hears when the issuer's keys cannot be had. */
  readonly reportFault: (fault: unknown, what: string) => void
}

/** How far the clocks of issuer and server may differ, in seconds. */
export const clockToleranceSeconds = 10
/** Checked tokens that are remembered. */
const rememberedMax = 10_000

// Chosen here and never by a token: a public key can then not be taken for a shared secret.
const secretAlgorithms = ['HS256']
const publicKeyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

type Verify = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>

/** Creates an authenticator. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { authentication, runtime } = options
  const { issuer, audience } = authentication
  // Kept by hash, so that no token lies in memory for longer than its request.
  const remembered = new LRUCache<string, Visitor>({ max: rememberedMax })
  const { verify, keepFresh } = verifierOf(options, () => remembered.clear())
  return {
    known(token) {
      const digest = digestOf(token)
      const visitor = remembered.get(digest)
      if (visitor === undefined) return undefined
      keepFresh()
      if (runtime.nowMs() < visitor.untilMs) return visitor
      remembered.delete(digest)
      return undefined
    },
    async check(token) {
      requireSoundToken(token)
      const claims = await verify(token, {
        // Ages are told by the same clock as everything else is.
        currentDate: new Date(runtime.nowMs()),
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['sub', 'exp'],
        ...(issuer === undefined ? {} : { issuer }),
        ...(audience === undefined ? {} : { audience }),
      }).catch((fault: unknown) => {
        throw refusalOf(fault)
      })
      const visitor = visitorOf(callerOf(claims), claims.exp)
      remembered.set(digestOf(token), visitor)
      return visitor
    },
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64url')
}

function visitorOf(caller: Caller, exp: number | undefined): Visitor {
  if (exp === undefined) throw new Error('A token that was verified has the claims that are required.')
  return { caller, untilMs: (exp + clockToleranceSeconds) * 1000 }
}

interface Verifier {
  readonly verify: Verify
  /** Asks for the issuer's keys anew when they have grown old; nobody waits for that. */
  readonly keepFresh: () => void
}

function verifierOf(
  { authentication, runtime, reportFault }: AuthenticatorOptions,
  onKeysChanged: () => void,
): Verifier {
  if ('secret' in authentication) {
    const { secret } = authentication
    return { verify: verifying(() => secret, secretAlgorithms), keepFresh: () => {} }
  }
  const keys = createKeySet({ url: authentication.keysUrl, runtime, reportFault, onChanged: onKeysChanged })
  return { verify: verifying(keys.keyOf, publicKeyAlgorithms), keepFresh: keys.keepFresh }
}

function verifying(keyOf: JWTVerifyGetKey, algorithms: readonly string[]): Verify {
  return async (token, options) => {
    const { payload } = await jwtVerify(token, keyOf, { ...options, algorithms: [...algorithms] })
    return payload
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['ERR_JWT_EXPIRED', 'The token has expired.'],
  ['ERR_JWT_CLAIM_VALIDATION_FAILED', 'A claim of the token is missing or does not hold here.'],
  ['ERR_JOSE_ALG_NOT_ALLOWED', 'The algorithm of the token is not accepted.'],
  ['ERR_JWKS_NO_MATCHING_KEY', 'The token is signed with a key that its issuer does not publish.'],
  ['ERR_JWKS_MULTIPLE_MATCHING_KEYS', 'The token does not say which key signed it.'],
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'The signature of the token does not hold.'],
])

/** Whatever a library says about a token is the token's fault; its own words may quote the token. */
function refusalOf(fault: unknown): unknown {
  const code = fault instanceof Error && 'code' in fault ? String(fault.code) : ''
  if (!code.startsWith('ERR_J')) return fault
  return refusedToken(reasons.get(code) ?? 'The token is not one that this server accepts.')
}
