// Refuses tokens by their form, before any key is looked for: what they may not even say.
import { tokenLengthMax } from './bearer-token.ts'
import { refusedToken } from './refused-token.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const keyIdLengthMax = 256
/** A header that brings its own key, or changes what a signature covers (RFC 7515 section 4.1). */
const forbiddenMembers = ['b64', 'crit', 'enc', 'jku', 'jwk', 'x5c', 'x5u', 'zip']
/** Tokens of other kinds, of logout for one, are no proof of who sends a request (RFC 8725 section 3.11). */
const types = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']

/** Throws `UNAUTHENTICATED` unless a token is a plain signed one in canonical base64url. */
export function requireSoundToken(token: string): void {
  const parts = token.split('.')
  const [header = ''] = parts
  const isSound = parts.length === 3 && token.length <= tokenLengthMax && parts.every(isCanonical)
  if (!isSound) throw refusedToken('The token is malformed.')
  const members = membersOf(header)
  if (members === undefined) throw refusedToken('The token is malformed.')
  const { typ, kid } = members
  const isForbidden = forbiddenMembers.some((name) => Object.hasOwn(members, name))
  if (isForbidden) throw refusedToken('The header of the token says what this server does not accept.')
  const isKnownType = typ === undefined || (typeof typ === 'string' && types.includes(typ.toLowerCase()))
  if (!isKnownType) throw refusedToken('The token is of another kind.')
  const isKeyId = kid === undefined || (typeof kid === 'string' && kid.length <= keyIdLengthMax)
  if (!isKeyId) throw refusedToken('The key id of the token is malformed.')
}

/** Bits beyond the last byte would give one token several spellings. */
function isCanonical(part: string): boolean {
  return part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part
}

function membersOf(header: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(Buffer.from(header, 'base64url')))
    // A JSON object, as the checks before its cast say.
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    // Whatever it is, it is no header; the caller is told so.
    return undefined
  }
}
