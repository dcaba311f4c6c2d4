// Definitions that cannot work are refused when they are made, with the way to mend them.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { context } from './context.ts'
import { decider, state } from './decider.ts'
import { decision } from './decision.ts'
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

describe('a decision', () => {
  const parts = {
    of: counted,
    schema: z.strictObject({}),
    refuses: [],
    query: () => [{ tags: ['all'] }],
    state: state(1, () => 0),
    evolve: { Counted: (sum: number) => sum + 1 },
    decide: () => [],
  } as const
  const others = events('other', { Other: { version: 1, schema: z.strictObject({}) } })
  const count = decision('Recount', parts)

  test('evolves events of its sources, one at least', () => {
    expect(() => decision('D', { ...parts, evolve: {} })).toThrow('evolves no event')
    expect(() => decision('D', { ...parts, evolve: { Lost: () => 0 } as never })).toThrow('evolves Lost')
    expect(() => decision('D', { ...parts, of: [] } as never)).toThrow('names no events')
    expect(() => decision('9', parts)).toThrow(invalid)
  })

  test('records to streams that may have the id of a command', () => {
    const rule = { parse: (text: string) => (/^\d+$/.test(text) ? text : undefined), describe: 'a number' }
    const numbered = events(
      'numbered',
      { Numbered: { version: 1, schema: z.strictObject({}) } },
      { streamId: rule },
    )
    const evolve = { Numbered: () => 0 }
    expect(() => decision('D', { ...parts, of: numbered, evolve })).toThrow('an id of numbered is a number')
  })

  test('shares its events with deciders and decisions, and projections read them', () => {
    const { eventTypes, deciders } = context('c', { decisions: [count, decision('CountAgain', parts)] })
    expect([[...eventTypes.keys()], deciders]).toEqual([['Counted'], []])
    const otherPage = projection('p', { version: 1, of: others, key: 'stream', initial: 0, on: {} })
    expect(() => context('c', { deciders: [counter], decisions: [count], projections: [otherPage] })).toThrow(
      'of which c has no decider or decision',
    )
    const both = decision('Both', { ...parts, of: [counted, others] })
    const whole = context('c', { deciders: [counter], decisions: [both], projections: [otherPage] })
    expect([...whole.eventTypes.keys()]).toEqual(['Counted', 'Other'])
  })

  test('has a name that no other command of its context has', () => {
    expect(() => context('c', { decisions: [count, decision('Recount', parts)] })).toThrow(
      'two commands named Recount',
    )
    const again = events('counter', { Renamed: { version: 1, schema: z.strictObject({}) } })
    const foreign = decision('D', { ...parts, of: again, evolve: { Renamed: () => 0 } })
    expect(() => context('c', { deciders: [counter], decisions: [foreign] })).toThrow(
      'two event definitions named counter',
    )
  })
})

test('UUID stream ids are lower-cased and made on demand', () => {
  expect(uuidStreamId.parse('0190163D-8694-739B-AEA5-966C26F8AD91')).toBe(
    '0190163d-8694-739b-aea5-966c26f8ad91',
  )
  expect(uuidStreamId.parse('536365')).toBeUndefined()
  expect(uuidStreamId.parse(uuidStreamId.make?.(systemRuntime) ?? '')).toHaveLength(36)
})
