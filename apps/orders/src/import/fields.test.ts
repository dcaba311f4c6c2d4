// Exact reading of numbers and days, and what is left as text.
import { expect, test } from 'vitest'
import { isoDay, scaledNumber } from './fields.ts'

test('reads prices as whole pence without floating point', () => {
  const read = ['2.55', '0', '0.00', '4.1', '4.', '2.550', '1.15', '38970', '-11062.06', '90071992547409.91']
  const pence = [255, 0, 0, 410, 400, 255, 115, 3_897_000, -1_106_206, Number.MAX_SAFE_INTEGER]
  expect(read.map((text) => scaledNumber(text, 2))).toEqual(pence)
})

test('leaves fractions of a penny, inexact numbers and what is no number as text', () => {
  for (const text of [
    '0.001',
    '4.161',
    '',
    'abc',
    '1e3',
    '£2.55',
    '1,000.00',
    '90071992547409.92',
    '.',
    '- 1',
  ])
    expect(scaledNumber(text, 2)).toBe(text)
})

test('reads whole quantities of any sign, and one zero', () => {
  expect(['6', '-10', '6.0', '007'].map((text) => scaledNumber(text, 0))).toEqual([6, -10, 6, 7])
  expect(Object.is(scaledNumber('-0', 0), 0)).toBe(true)
  for (const text of ['6.5', 'six', '', '99999999999999999']) expect(scaledNumber(text, 0)).toBe(text)
})

test('reads days as ISO dates, and leaves what is no day as text', () => {
  expect(['1/12/2010', '09/02/2011', '31/1/2011 08:26'].map(isoDay)).toEqual([
    '2010-12-01',
    '2011-02-09',
    '2011-01-31',
  ])
  for (const text of ['', '2010-12-01T', '1/12/10', 'yesterday', '1/12']) expect(isoDay(text)).toBe(text)
})
