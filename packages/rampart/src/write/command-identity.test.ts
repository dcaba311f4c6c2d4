// The names of commands: what makes two of them the same intent.
import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logKey } from '../core/ports/index.ts'
import { commandId } from '../core/codec/index.ts'
import { commandIdOfKey, fingerprintOf } from './command-identity.ts'

const asked = { type: 'PlaceOrder', streamId: 'order-1' } as const

test('gives data the same fingerprint in whatever order its members stand', () => {
  const sorted = fingerprintOf({ ...asked, data: { amount: 1, lines: [{ a: 1, b: 2 }], note: 'x' } })
  const mixed = fingerprintOf({ ...asked, data: { note: 'x', lines: [{ b: 2, a: 1 }], amount: 1 } })
  expect(mixed).toBe(sorted)
  expect(fingerprintOf({ ...asked, data: { amount: 2, lines: [{ a: 1, b: 2 }], note: 'x' } })).not.toBe(
    sorted,
  )
})

test('takes the fingerprint of canonical JSON, for any data', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (data) => {
      const text = canonicalize([asked.type, asked.streamId, data]) ?? ''
      expect(fingerprintOf({ ...asked, data })).toBe(hash('sha256', text, 'base64url').slice(0, 22))
    }),
  )
})

test('sorts keys as text where the language would sort them as numbers, and asks what writes itself', () => {
  const numbers = { 9: 'nine', 10: 'ten' }
  const canonical = canonicalize([asked.type, asked.streamId, numbers]) ?? ''
  expect(canonical).toContain('{"10":"ten","9":"nine"}')
  expect(fingerprintOf({ ...asked, data: numbers })).toBe(hash('sha256', canonical, 'base64url').slice(0, 22))
  const written = { toJSON: () => ({ b: 1, a: 2 }) }
  expect(fingerprintOf({ ...asked, data: written })).toBe(fingerprintOf({ ...asked, data: { a: 2, b: 1 } }))
})

test('names a command by its key, its sender and its log, as a UUID of version 8', () => {
  const scope = { log: logKey('shop'), actor: 'ada', key: 'order-1' }
  const id = commandIdOfKey(scope)
  expect(commandId(id)).toBe(id)
  expect(id).toMatch(/^.{14}8.{4}[89ab]/)
  const others = [
    { ...scope, log: logKey('store') },
    { ...scope, actor: null },
    { ...scope, key: 'order-2' },
  ]
  expect(new Set([scope, ...others].map(commandIdOfKey)).size).toBe(4)
})
