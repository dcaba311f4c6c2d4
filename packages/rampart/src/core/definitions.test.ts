// Definitions that cannot work are refused when they are made, with the way to mend them.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { context } from './context.ts'
import { decider, state } from './decider.ts'
import { events, uuidStreamId } from './events.ts'
import { projection } from './projection.ts'
import { systemRuntime } from './runtime.ts'

const counted = events('counter', { Counted: { version: 1, schema: z.strictObject({ n: z.number() }) } })
const counter = decider(counted, {
  state: state(1, () => 0),
  evolve: { Counted: (sum, { n }) => sum + n },
  commands: {
    Count: {
      schema: z.strictObject({ n: z.number() }),
      refuses: [],
      decide: (_, { n }) => counted.make.Counted({ n }),
    },
  },
})
const total = projection('total', {
  version: 1,
  of: counted,
  key: { Counted: () => 'all' },
  initial: { n: 0 },
  on: { Counted: (sum, { data }) => ({ n: sum.n + data.n }) },
})
const invalid = expect.objectContaining({ code: 'DEFINITION_INVALID' })

describe('names', () => {
  test.each(['', '1st', 'a b', 'a/b', 'x'.repeat(65), '__proto__'])('%j names no events', (name) => {
    expect(() => events(name, {})).toThrow(invalid)
  })

  test('of deciders, commands, events and projections are unique in a context', () => {
    expect(() => context('c', { deciders: [counter, counter] })).toThrow('two deciders named counter')
    expect(() => context('c', { deciders: [counter], projections: [total, total] })).toThrow(
      'two projections named total',
    )
  })
})

test('an event needs a schema version from 1', () => {
  expect(() => events('x', { A: { version: 0, schema: z.strictObject({}) } })).toThrow(invalid)
})

test('a decider evolves every event, also when types were cast away', () => {
  const untyped = { state: state(1, () => 0), evolve: {}, commands: {} }
  expect(() => decider(counted, untyped as never)).toThrow('does not evolve Counted')
})

describe('a projection', () => {
  const parts = { version: 1, of: counted, key: 'stream', initial: { n: 0 }, on: {} } as const

  test('needs a version from 1', () => {
    expect(() => projection('p', { ...parts, version: 1.5 })).toThrow('needs a version')
  })

  test('handles and keys only events of its sources', () => {
    expect(() => projection('p', { ...parts, on: { Lost: () => null } as never })).toThrow('names Lost')
    expect(() => projection('p', { ...parts, key: { Lost: () => '' } as never })).toThrow('names Lost')
  })

  test('has a key for each event that it handles', () => {
    const on = { Counted: () => null }
    expect(() => projection('p', { ...parts, key: {}, on })).toThrow('handles Counted without a key')
  })

  test('with a document per stream has one source', () => {
    const others = events('other', { Other: { version: 1, schema: z.strictObject({}) } })
    expect(() => projection('p', { ...parts, of: [counted, others] as never })).toThrow('exactly one source')
  })

  test('touches each document of an event once', () => {
    const twice = projection('p', { ...parts, key: { Counted: () => ['a', 'b', 'a'] } })
    const event = { type: 'Counted', data: { n: 1 }, id: '1', version: 1, position: 1, recordedAt: '' }
    expect(twice.keysOf(event)).toEqual(['a', 'b'])
  })

  test('reads events of its context only', () => {
    const others = events('other', { Other: { version: 1, schema: z.strictObject({}) } })
    const foreign = projection('p', { ...parts, of: others })
    expect(() => context('c', { deciders: [counter], projections: [foreign] })).toThrow('reads other')
  })
})

test('UUID stream ids are lower-cased and made on demand', () => {
  expect(uuidStreamId.parse('0190163D-8694-739B-AEA5-966C26F8AD91')).toBe(
    '0190163d-8694-739b-aea5-966c26f8ad91',
  )
  expect(uuidStreamId.parse('536365')).toBeUndefined()
  expect(uuidStreamId.parse(uuidStreamId.make?.(systemRuntime) ?? '')).toHaveLength(36)
})
