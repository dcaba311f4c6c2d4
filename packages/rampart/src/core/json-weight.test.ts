// Proves that the weight of JSON follows what it holds, and that a count has an end.
import { expect, test } from 'vitest'
import { weightOf } from './json-weight.ts'

test('a value weighs what its parts weigh', () => {
  expect(weightOf(1, 100)).toBe(8)
  expect(weightOf('four', 100)).toBe(12)
  expect(weightOf([1, 'four'], 100)).toBe(52)
  expect(weightOf({ two: [1, 'four'] }, 100)).toBe(95)
  expect(weightOf(Object.assign(Object.create(null), { two: 2 }), 100)).toBe(51)
})

test('a count ends beyond what is asked', () => {
  let reads = 0
  const item = {
    get text(): string {
      reads++
      return 'x'.repeat(100)
    },
  }
  expect(
    weightOf(
      Array.from({ length: 1000 }, () => item),
      1000,
    ),
  ).toBeGreaterThan(1000)
  expect(reads).toBeLessThan(10)
})

test.each([
  ['a map', new Map([['a', 1]])],
  ['a date', new Date(0)],
  ['a map inside', { known: [new Map()] }],
])('what is no JSON weighs more than is asked: %s', (_, value) => {
  expect(weightOf(value, 5000)).toBeGreaterThan(5000)
})

test('what holds itself has a weight', () => {
  const ring: { self?: unknown } = {}
  ring.self = ring
  expect(weightOf(ring, 1e9)).toBeGreaterThan(1e9)
})
