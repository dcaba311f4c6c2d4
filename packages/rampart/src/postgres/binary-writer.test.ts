// What PostgreSQL reads of values in binary, and a writer that is used again after a failure.
import { expect, test } from 'vitest'
import { BinaryWriter, bigint, boolean, bytea, integer, text, uuid, type Kind } from './binary-writer.ts'

function written<Value>(kind: Kind<Value>, value: Value | null): string {
  return new BinaryWriter().take((writer) => writer.value(kind, value)).toString('hex')
}

test('a value stands behind its length, and NULL is a length below zero', () => {
  expect(written(boolean, true)).toBe('0000000101')
  expect(written(integer, -2)).toBe('00000004fffffffe')
  expect(written(bigint, Number.MAX_SAFE_INTEGER)).toBe('00000008001fffffffffffff')
  expect(written(bigint, -1)).toBe('00000008ffffffffffffffff')
  expect(written(bytea, Uint8Array.of(0, 255))).toBe('0000000200ff')
  expect(written(text, null)).toBe('ffffffff')
  const id = '0190A5b2-7c3e-7d4f-8a1b-2c3d4e5f6071'
  expect(written(uuid, id)).toBe(`00000010${id.replaceAll('-', '').toLowerCase()}`)
})

test.each(['', 'plain', 'x'.repeat(41), 'é', `${'x'.repeat(38)}☃`, '😀'.repeat(30_000), '\ud800'])(
  'a text is UTF-8, short or long: %#',
  (value) => {
    const bytes = Buffer.from(value)
    const length = bytes.length.toString(16).padStart(8, '0')
    expect(written(text, value)).toBe(length + bytes.toString('hex'))
  },
)

test('an array without elements has no dimension', () => {
  const of = (values: readonly string[]) =>
    new BinaryWriter().take((writer) => writer.array(text, values, (value) => value)).toString('hex')
  expect(of([])).toBe('00000000'.repeat(2) + '00000019')
  expect(of(['a'])).toBe(`000000010000000000000019${'00000001'.repeat(3)}61`)
})

test('what was written before something threw is gone', () => {
  const writer = new BinaryWriter()
  const broken = (): void => {
    writer.take(() => {
      writer.int32(7)
      throw new Error('No more of this.')
    })
  }
  expect(broken).toThrow('No more of this.')
  expect(writer.take(() => writer.byte(1))).toEqual(Buffer.of(1))
})
