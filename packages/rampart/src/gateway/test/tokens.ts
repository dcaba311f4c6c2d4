// Tokens as issuers and attackers make them, signed by hand so that nothing about them is refused too early.
import { createHmac, createSecretKey, sign as signWith, type KeyObject } from 'node:crypto'
import { systemRuntime } from '../../core/index.ts'
import type { Authentication } from '../index.ts'

const secret = 'a secret that is shared with the tests only'
export const issuer = 'https://issuer.example'
export const audience = 'shop'

/** Authentication by a shared secret, with an issuer and an audience. */
export const bySecret: Authentication = { secret: createSecretKey(secret, 'utf8'), issuer, audience }

/** JSON in base64url, as the parts of a token are. */
export function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** Seconds since 1970, a while from now. */
export function inSeconds(seconds: number): number {
  return Math.floor(systemRuntime.nowMs() / 1000) + seconds
}

/** Claims that hold, changed as said; a member that is undefined is left out. */
export function claims(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  return { sub: 'ada', iss: issuer, aud: audience, exp: inSeconds(600), ...more }
}

/** A token of these parts, signed with HMAC; it holds unless something is changed. */
export function hmacToken(
  payload: unknown = claims(),
  header: Readonly<Record<string, unknown>> = {},
  key: string | Uint8Array = secret,
): string {
  const signed = `${part({ alg: 'HS256', typ: 'JWT', ...header })}.${part(payload)}`
  const { alg = 'HS256' } = header
  const digest = alg === 'HS512' ? 'sha512' : 'sha256'
  return `${signed}.${createHmac(digest, key).update(signed).digest('base64url')}`
}

/** A token that is signed with a private RSA key. */
export function rsaToken(
  key: KeyObject,
  payload: unknown,
  header: Readonly<Record<string, unknown>>,
): string {
  const signed = `${part({ alg: 'RS256', typ: 'JWT', ...header })}.${part(payload)}`
  return `${signed}.${signWith('sha256', Buffer.from(signed), key).toString('base64url')}`
}

/** The header that carries a token. */
export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` }
}

/** The header of someone whose token holds. */
export function as(subject: string, ...roles: readonly string[]): { readonly authorization: string } {
  return bearer(hmacToken(claims({ sub: subject, ...(roles.length > 0 ? { roles } : {}) })))
}

/** Everything that makes a token bad, with the Authorization header that carries it. */
export function badHeaders(): readonly (readonly [string, Readonly<Record<string, string>>])[] {
  const good = hmacToken()
  const [header = '', payload = '', signature = ''] = good.split('.')
  const other = part({ alg: 'HS256', typ: 'JWT' })
  const flipped = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
  // The last character of 32 bytes has two bits that mean nothing.
  const last = String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)
  const tokens: readonly (readonly [string, string])[] = [
    ['alg none without a signature', `${part({ alg: 'none' })}.${payload}.`],
    ['alg none with a signature', `${part({ alg: 'none' })}.${payload}.${signature}`],
    ['alg None', `${part({ alg: 'None' })}.${payload}.${signature}`],
    ['an empty alg', hmacToken(claims(), { alg: '' })],
    ['no alg', hmacToken(claims(), { alg: undefined })],
    ['alg RS256 over an HMAC', hmacToken(claims(), { alg: 'RS256' })],
    ['alg HS512', hmacToken(claims(), { alg: 'HS512' })],
    ['alg hs256', hmacToken(claims(), { alg: 'hs256' })],
    ['another secret', hmacToken(claims(), {}, 'another secret that nobody has shared')],
    ['an empty secret', hmacToken(claims(), {}, '')],
    ['an expired token', hmacToken(claims({ exp: inSeconds(-60) }))],
    ['a token that is not valid yet', hmacToken(claims({ nbf: inSeconds(60) }))],
    ['exp as text', hmacToken(claims({ exp: String(inSeconds(60)) }))],
    ['no exp', hmacToken(claims({ exp: undefined }))],
    ['exp null', hmacToken(claims({ exp: null }))],
    ['no sub', hmacToken(claims({ sub: undefined }))],
    ['an empty sub', hmacToken(claims({ sub: '' }))],
    ['sub as a number', hmacToken(claims({ sub: 7 }))],
    ['sub as a list', hmacToken(claims({ sub: ['ada'] }))],
    ['sub with a line feed', hmacToken(claims({ sub: 'ada\nadmin' }))],
    ['sub with NUL', hmacToken(claims({ sub: 'ada\0' }))],
    ['sub with a lone surrogate', hmacToken(claims({ sub: '\ud800' }))],
    ['a sub of 257 bytes', hmacToken(claims({ sub: 'a'.repeat(257) }))],
    ['another iss', hmacToken(claims({ iss: 'https://evil.example' }))],
    ['no iss', hmacToken(claims({ iss: undefined }))],
    ['another aud', hmacToken(claims({ aud: 'other' }))],
    ['no aud', hmacToken(claims({ aud: undefined }))],
    ['a list of other aud', hmacToken(claims({ aud: ['other', 'shop2'] }))],
    ['roles as text', hmacToken(claims({ roles: 'admin' }))],
    ['roles as an object', hmacToken(claims({ roles: { admin: true } }))],
    ['roles with a number', hmacToken(claims({ roles: ['admin', 1] }))],
    ['101 roles', hmacToken(claims({ roles: Array.from({ length: 101 }, () => 'a') }))],
    ['crit', hmacToken(claims(), { crit: ['exp'] })],
    ['crit and b64', hmacToken(claims(), { crit: ['b64'], b64: false })],
    ['b64', hmacToken(claims(), { b64: true })],
    ['jku', hmacToken(claims(), { jku: 'https://evil.example/keys' })],
    ['x5u', hmacToken(claims(), { x5u: 'https://evil.example/certificate' })],
    ['jwk', hmacToken(claims(), { jwk: { kty: 'oct', k: part(secret) } })],
    ['kid as a list', hmacToken(claims(), { kid: ['a'] })],
    ['a long kid', hmacToken(claims(), { kid: 'k'.repeat(257) })],
    ['a token of another kind', hmacToken(claims(), { typ: 'logout+jwt' })],
    ['typ as a number', hmacToken(claims(), { typ: 1 })],
    ['a changed payload', `${header}.${part(claims({ roles: ['admin'] }))}.${signature}`],
    ['a changed header', `${part({ typ: 'JWT', alg: 'HS256', kid: 'a' })}.${payload}.${signature}`],
    ['a changed signature', `${header}.${payload}.${flipped}`],
    ['idle bits of the signature', `${header}.${payload}.${signature.slice(0, -1)}${last}`],
    ['half of a signature', `${header}.${payload}.${signature.slice(0, 20)}`],
    ['no signature', `${header}.${payload}`],
    ['an empty signature', `${header}.${payload}.`],
    ['four parts', `${good}.${signature}`],
    ['five parts', `${good}.${signature}.${signature}`],
    ['no payload', `${other}..${signature}`],
    ['a header that is no JSON', `${part('{')}.${payload}.${signature}`],
    ['a header that is a list', `${part('[]')}.${payload}.${signature}`],
    ['a payload that is no JSON', hmacToken('no JSON')],
    ['a payload that is a list', hmacToken([claims()])],
    ['padding', `${good}=`],
    ['a huge token', hmacToken(claims({ more: 'x'.repeat(9000) }))],
    ['no token', ''],
    ['a token that is none', 'letmein'],
  ]
  const headers: readonly (readonly [string, string])[] = [
    ['a token without its scheme', good],
    ['the scheme Basic', `Basic ${good}`],
    ['the scheme Basic with a password', `Basic ${Buffer.from('ada:secret').toString('base64')}`],
    ['the scheme in lower case with a bad token', `bearer ${header}.${payload}.${flipped}`],
    ['two spaces', `Bearer  ${good}`],
    ['a tab', `Bearer\t${good}`],
    ['a space within', `Bearer ${header}. ${payload}.${signature}`],
    ['a quoted token', `Bearer "${good}"`],
    ['a parameter', `Bearer token=${good}`],
    ['two tokens', `Bearer ${good}, Bearer ${good}`],
    ['two tokens without a comma', `Bearer ${good} ${good}`],
    ['the scheme alone', 'Bearer'],
  ]
  return [
    ...tokens.map(([name, token]) => [name, bearer(token)] as const),
    ...headers.map(([name, authorization]) => [name, { authorization }] as const),
    ['no header', {}],
    ['a cookie', { cookie: `access_token=${good}; Authorization=Bearer ${good}` }],
    ['another header', { 'x-authorization': `Bearer ${good}`, 'proxy-authorization': `Bearer ${good}` }],
    ['a claimed sender', { 'x-forwarded-user': 'ada', 'x-remote-user': 'ada' }],
  ]
}
