// Validation accepts what a schema accepts whole, and says where it does not.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Schema } from './schema.ts'
import { jsonSchemaOf, validate } from './schema.ts'

const order = z.strictObject({ lines: z.array(z.strictObject({ quantity: z.int() })).min(1) })

describe('validate', () => {
  test('answers with the accepted value', () => {
    expect(validate(order, { lines: [{ quantity: 1 }] })).toEqual({ value: { lines: [{ quantity: 1 }] } })
  })

  test('points at each fault from the given root', () => {
    const checked = validate(order, { lines: [{ quantity: 1.5 }, { quantity: '2' }], note: 1 }, '/data')
    expect('faults' in checked && checked.faults.map(({ pointer }) => pointer)).toEqual([
      '/data/lines/0/quantity',
      '/data/lines/1/quantity',
      '/data/note',
    ])
  })

  test('refuses keys that a schema would strip, at every depth', () => {
    const lenient = z.object({ lines: z.array(z.object({ quantity: z.int() })) })
    const checked = validate(lenient, { lines: [{ quantity: 1, 'a/b': 2 }], extra: [] })
    expect(checked).toEqual({
      faults: [
        { pointer: '/lines/0/a~1b', detail: 'this key is unknown here' },
        { pointer: '/extra', detail: 'this key is unknown here' },
      ],
    })
  })

  test('names a hundred faults at most', () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 1]))
    const checked = validate(order, { lines: [{ quantity: 1 }], ...many })
    expect('faults' in checked && checked.faults.length).toBe(100)
  })

  test('throws for a schema that answers later', () => {
    const later = z.string().refine(() => Promise.resolve(true))
    expect(() => validate(later, 'x')).toThrow(/Async|promise/i)
    const standard: Schema<string> = {
      '~standard': { version: 1, vendor: 'test', validate: (value) => Promise.resolve({ value }) },
    }
    expect(() => validate(standard, 'x')).toThrow(expect.objectContaining({ code: 'SCHEMA_ASYNCHRONOUS' }))
  })
})

test('a schema that can describe itself becomes JSON Schema, others nothing', () => {
  expect(jsonSchemaOf(order)).toMatchObject({
    type: 'object',
    required: ['lines'],
    additionalProperties: false,
  })
  const silent: Schema<string> = {
    '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
  }
  expect(jsonSchemaOf(silent)).toBeUndefined()
})
