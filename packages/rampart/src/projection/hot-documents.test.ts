// Proves that hot documents are the latest ones, and bounded in number and size.
import { expect, test } from 'vitest'
import { position } from '../core/codec/index.ts'
import type { Json } from '../core/index.ts'
import type { StoredDocument } from '../core/ports/index.ts'
import { createHotDocuments } from './hot-documents.ts'

function document(key: string, data: Json): StoredDocument {
  return { key, version: null, position: position(1), data }
}

test('gives what was kept last, until all is forgotten', () => {
  const hot = createHotDocuments(10)
  hot.keep(document('a', 1))
  hot.keep(document('a', 2))
  expect(hot.get('a')?.data).toBe(2)
  expect(hot.get('b')).toBeUndefined()
  hot.forgetAll()
  expect(hot.get('a')).toBeUndefined()
})

test('gives the latest also when an older one has aged', () => {
  const hot = createHotDocuments(4)
  for (const [key, data] of Object.entries({ a: 1, b: 1, c: 1 })) hot.keep(document(key, data))
  hot.keep(document('a', 2))
  hot.keep(document('d', 1))
  expect(hot.get('a')?.data).toBe(2)
})

test('holds no more than it may', () => {
  const hot = createHotDocuments(100)
  for (let number = 0; number < 1000; number++) hot.keep(document(`${number}`, number))
  const held = Array.from({ length: 1000 }, (_, number) => hot.get(`${number}`)).filter(
    (one) => one !== undefined,
  )
  expect(held.length).toBeLessThanOrEqual(100)
  expect(hot.get('999')?.data).toBe(999)
})

test('lets large documents go, with what it held of them', () => {
  const hot = createHotDocuments(10)
  hot.keep(document('a', { text: 'short' }))
  hot.keep(document('a', { text: 'x'.repeat(5000) }))
  expect(hot.get('a')).toBeUndefined()
  hot.keep(document('b', { list: Array.from({ length: 600 }, () => 1) }))
  expect(hot.get('b')).toBeUndefined()
})
