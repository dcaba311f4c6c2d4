// How a fault looks to whoever watches a server on a terminal.
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { RampartError } from '../core/index.ts'
import { printedFault } from './printed-fault.ts'

function printed(fault: unknown, leftOut = 0): readonly string[] {
  const text = printedFault({ fault, what: 'the projection totals', leftOut })
  return stripVTControlCharacters(text).trimEnd().split('\n')
}

test('a fault is a sentence, and below it stands where the code of an app threw', () => {
  const thrown = new TypeError('cents of undefined')
  const fault = new RampartError('PROJECTION_FAILED', 'Its handler threw.', { cause: thrown })
  const [first, second, third] = printed(fault)
  expect(first).toBe('PROJECTION_FAILED the projection totals failed: Its handler threw.')
  expect(second).toBe('TypeError: cents of undefined')
  expect(third).toMatch(/^ +at .*printed-fault\.test\.ts:\d+:\d+/)
})

test('what nobody threw has no stack, and what is no error is said as it is', () => {
  const fault = new RampartError('STORE_FULL', 'The disk is full.')
  expect(printed(fault)).toEqual(['STORE_FULL the projection totals failed: The disk is full.'])
  expect(printed('gone', 7)).toEqual(['INTERNAL the projection totals failed: gone (and 7 more like this)'])
})
