// Tokens come back as they went out; everything else is refused.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { position } from '../identity.ts'
import { decodeToken, encodeToken } from './consistency-token.ts'

test('a token survives its way through a header, whatever logs it names', () => {
  const place = fc.record({
    epoch: fc.uuid(),
    position: fc.maxSafeNat().map(position),
    eventId: fc.stringMatching(/^[a-z0-9.-]{0,30}$/),
  })
  const token = fc
    .array(fc.tuple(fc.stringMatching(/^[a-z]{1,9}\/[a-z]{1,9}\/[0-9]$/), place), {
      minLength: 1,
      maxLength: 9,
    })
    .map((entries) => new Map(entries))
  fc.assert(
    fc.property(token, (each) => {
      const text = encodeToken(each)
      expect(text).toMatch(/^[A-Za-z0-9_-]+$/)
      expect(decodeToken(text)).toEqual(each)
    }),
  )
})

function encoded(value: unknown): string {
  return btoa(JSON.stringify(value)).replaceAll('=', '')
}

test.each([
  ['nothing', ''],
  ['other characters', 'a b'],
  ['no base64', 'A'],
  ['no JSON', encoded('x').slice(1)],
  ['a list', encoded([])],
  ['no log', encoded({})],
  ['a place without an epoch', encoded({ 'default/a/0': [1, 2, 'x'] })],
  ['a position below zero', encoded({ 'default/a/0': ['e', -1, 'x'] })],
  ['a position between positions', encoded({ 'default/a/0': ['e', 1.5, 'x'] })],
  ['a position beyond 2^53', encoded({ 'default/a/0': ['e', 2 ** 53, 'x'] })],
  ['something very long', 'A'.repeat(10_000)],
])('refuses %s', (_, text) => {
  expect(() => decodeToken(text)).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }))
})

test('anything that is no token is refused as such, never with another error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(btoaSafe)), (text) => {
      expect(['TOKEN_INVALID', 'a token']).toContain(outcomeOf(text))
    }),
  )
})

function outcomeOf(text: string): unknown {
  try {
    return decodeToken(text).size > 0 ? 'a token' : 'nothing'
  } catch (error) {
    return Object(error).code
  }
}

function btoaSafe(text: string): string {
  return Buffer.from(text).toString('base64url')
}
