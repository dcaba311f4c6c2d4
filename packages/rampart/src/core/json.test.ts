// What makes an input unfit to be stored and where it is found; and what storing makes of one that is fit.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { copyAsStored, jsonDepthMax, jsonFaults } from './json.ts'

function nested(levels: number): unknown {
  let value: unknown = 'core'
  for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { inner: value }
  return value
}

describe('jsonFaults', () => {
  test('finds nothing in plain JSON, NUL and absent members included', () => {
    expect(jsonFaults({ a: [1, -0, 'x\u0000y', null, true, { b: undefined }], '': {} })).toEqual([])
  })

  test.each([
    ['a lone surrogate', { a: { 'b/c': ['\ud800'] } }, '/a/b~1c/0'],
    ['a lone surrogate in a key', JSON.parse('{"a":{"\\udfff":1}}'), '/a/\ufffd'],
    ['the key __proto__', JSON.parse('{"a":[{"__proto__":{}}]}'), '/a/0/__proto__'],
    ['a number beyond the range', JSON.parse('{"a~b":1e999}'), '/a~0b'],
    ['what is not JSON', { when: 1n }, '/when'],
  ])('points at %s', (_, value, pointer) => {
    expect(jsonFaults(value).map((fault) => fault.pointer)).toEqual([pointer])
  })

  test('takes values that nest as deep as allowed, and no deeper', () => {
    expect(jsonFaults(nested(jsonDepthMax))).toEqual([])
    expect(jsonFaults(nested(jsonDepthMax + 1))).toHaveLength(1)
  })

  test('survives hostile nesting and names a hundred faults at most', () => {
    expect(jsonFaults(JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`))).toHaveLength(1)
    expect(jsonFaults(Array.from({ length: 5000 }, () => '\ud800'))).toHaveLength(100)
  })
})

describe('copyAsStored', () => {
  const key = fc.string().filter((name) => name !== '__proto__')
  const { value: json } = fc.letrec((tie) => ({
    value: fc.oneof(
      fc.constantFrom(null, true, -0, 0.1),
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, fc.option(tie('value'), { nil: undefined }), { maxKeys: 4, noNullPrototype: true }),
    ),
  }))

  test('is what reading gives back of what was written', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(copyAsStored(value)).toStrictEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test.each([
    ['a date', { when: new Date(0) }],
    ['what writes itself', { toJSON: () => 1 }],
    ['a list that writes itself', Object.assign([1], { toJSON: () => 1 })],
    ['an absent item', [1, undefined]],
    ['a number that JSON lacks', [Number.NaN]],
    ['an instance', { of: new Map() }],
    ['the key __proto__', JSON.parse('{"__proto__":{"a":1}}')],
  ])('leaves %s to whoever writes it', (_, value) => {
    expect(copyAsStored(value)).toBeUndefined()
  })
})
