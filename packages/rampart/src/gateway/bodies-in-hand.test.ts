// Large bodies are bounded together, and give back what they held.
import { expect, test } from 'vitest'
import { BodiesInHand, smallBodyBytes } from './bodies-in-hand.ts'
import type { Exchange } from './exchange.ts'

// A body is counted for its exchange; nothing of the exchange is looked at.
const exchanges = Array.from({ length: 4 }, () => ({}) as Exchange)
const [first, second, third, fourth] = exchanges as [Exchange, Exchange, Exchange, Exchange]
const overloaded = expect.objectContaining({ code: 'OVERLOADED' })

test('bodies that are too much together are refused, and fit once others are answered', () => {
  const bodies = new BodiesInHand(1_000_000)
  bodies.hold(first, 600_000)
  expect(() => bodies.hold(second, 600_000)).toThrow(overloaded)
  bodies.hold(third, 400_000)
  bodies.release(first)
  bodies.hold(second, 600_000)
  bodies.release(second)
  bodies.release(second)
  expect(() => bodies.hold(fourth, 600_001)).toThrow(overloaded)
})

test('a body that grows counts once, as large as it is', () => {
  const bodies = new BodiesInHand(1_000_000)
  for (const bytes of [100_000, 300_000, 700_000]) bodies.hold(first, bytes)
  bodies.hold(second, 300_000)
  expect(() => bodies.hold(first, 700_001)).toThrow(overloaded)
  bodies.release(first)
  bodies.hold(third, 700_000)
})

test('small bodies always fit, and so does a large one that is alone', () => {
  const bodies = new BodiesInHand(1_000_000)
  bodies.hold(first, 5_000_000)
  bodies.hold(second, smallBodyBytes)
  expect(() => bodies.hold(third, smallBodyBytes + 1)).toThrow(overloaded)
})
