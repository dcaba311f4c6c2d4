// Faults of tokens, with the challenge that their answers carry (RFC 6750 section 3).
import { RampartError } from '../../core/index.ts'

const realm = 'Bearer realm="rampart"'

/** The fault of a request without a token. */
export function unauthenticated(): RampartError {
  const message = 'Send a token in the header Authorization: Bearer … .'
  return new RampartError('UNAUTHENTICATED', message, { details: { challenge: realm } })
}

/** The fault of a token that does not hold; `reason` is a sentence without anything from the token. */
export function refusedToken(reason: string): RampartError {
  const challenge = `${realm}, error="invalid_token", error_description="${reason}"`
  return new RampartError('UNAUTHENTICATED', reason, { details: { challenge } })
}
