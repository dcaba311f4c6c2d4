// Ids, versions and positions: what may be one, and what an input says when it may not.
import { expect, test } from 'vitest'
import { commandId, idFault, position, quoted, streamId, streamVersion } from './identity.ts'

test.each(['a', 'a/b:c d', '-', 'ä€😀', 'x'.repeat(1024), '€'.repeat(341), '...', '1:2/3 4'.repeat(140)])(
  'takes the stream id %j',
  (id) => {
    expect(streamId(id)).toBe(id)
  },
)

test.each([
  ['', 'is empty'],
  ['.', 'dot segment'],
  ['..', 'dot segment'],
  ['a\u0000b', 'control character'],
  ['a\nb', 'control character'],
  ['a\u0085b', 'control character'],
  ['\ud800', 'lone surrogate'],
  ['x'.repeat(1025), 'longer than 1024 bytes'],
  ['€'.repeat(342), 'longer than 1024 bytes'],
])('refuses the stream id %j', (id, why) => {
  expect(idFault(id)).toContain(why)
  expect(() => streamId(id)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
})

test.each([-1, 1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY])('refuses the number %d', (number) => {
  for (const make of [position, streamVersion])
    expect(() => make(number)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
})

test('a command id is a UUID in lower case', () => {
  expect(commandId('ffffffff-ffff-ffff-ffff-ffffffffffff')).toHaveLength(36)
  for (const wrong of ['FFFFFFFF-ffff-ffff-ffff-ffffffffffff', 'x', '{ffffffff-ffff-ffff-ffff-ffffffffffff}'])
    expect(() => commandId(wrong)).toThrow(expect.objectContaining({ code: 'INPUT_INVALID' }))
})

test('a text in a message is short and well-formed', () => {
  expect(quoted('a"b')).toBe('"a\\"b"')
  expect(quoted('\ud800')).toBe('"\ufffd"')
  expect(quoted('x'.repeat(5000)).length).toBeLessThan(100)
})
