// The gateway's door: takes the token of a request, checks it, and remembers checked ones for their life.
export { createAuthenticator } from './authenticator.ts'
export { bearerTokenOf } from './bearer-token.ts'
export { unauthenticated } from './refused-token.ts'
export type { Authentication, Authenticator } from './authenticator.ts'
