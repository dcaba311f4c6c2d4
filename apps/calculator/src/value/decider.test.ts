// The rules of a value, as given events, when a command, then events or a refusal.
import { refuse, type Ask, type DecidedEvent, type Json } from 'rampart'
import { validate } from 'rampart/codec'
import { describe, expect, test } from 'vitest'
import { value } from './decider.ts'
import { valueEvents } from './events.ts'

const { ValueCreated, ValueUpdated } = valueEvents.make
const id = '0197a5b2-0000-7000-8000-000000000001'
const ask: Ask = { id, commandId: id, actor: null, receivedAt: '2026-01-01T00:00:00.000Z', refuse }

/** The decision on a command after some events; a single event comes as a list, and can be recorded. */
function decide(given: readonly DecidedEvent[], command: string, data: Json) {
  const { state, evolve, commands } = value.definition
  const folded = given.reduce<unknown>((so, event) => evolve[event.type]?.(so, event.data), state.initial())
  const decision = commands[command]?.decide(folded, data, ask)
  if (decision === undefined || 'refused' in decision) return decision
  const decided = (Array.isArray(decision) ? decision : [decision]) as readonly DecidedEvent[]
  for (const { type, data } of decided) {
    const { schema } = Object(valueEvents.definitions)[
      type
    ] as (typeof valueEvents.definitions)['ValueCreated']
    expect(validate(schema, data)).toEqual({ value: data })
  }
  return decided
}

const created = ValueCreated({ value: 2 })
const exists = { refused: 'VALUE_EXISTS', detail: `Value ${id} already exists.` }
const missing = { refused: 'VALUE_NOT_FOUND', detail: `Value ${id} does not exist.` }

describe('CreateValue', () => {
  test('creates a value that does not exist', () => {
    expect(decide([], 'CreateValue', { value: 2 })).toEqual([created])
  })

  test('refuses an id that has a value, also the second time', () => {
    expect(decide([created], 'CreateValue', { value: 2 })).toEqual(exists)
    const updated = ValueUpdated({ operation: 'ADD', value: 1, result: 3 })
    expect(decide([created, updated], 'CreateValue', { value: 7 })).toEqual(exists)
  })

  test('takes finite numbers only', () => {
    const schema = value.definition.commands['CreateValue']?.schema
    for (const wrong of ['3', null, Number.NaN, Number.POSITIVE_INFINITY, undefined, [3]])
      expect(schema && validate(schema, { value: wrong })).toHaveProperty('faults')
  })
})

describe('UpdateValue', () => {
  test('adds, and then multiplies the result', () => {
    const added = ValueUpdated({ operation: 'ADD', value: 2, result: 4 })
    expect(decide([created], 'UpdateValue', { operation: 'ADD', value: 2 })).toEqual([added])
    const multiplied = ValueUpdated({ operation: 'MULTIPLY', value: 3, result: 12 })
    expect(decide([created, added], 'UpdateValue', { operation: 'MULTIPLY', value: 3 })).toEqual([multiplied])
  })

  test('records the addition of nothing too', () => {
    const event = ValueUpdated({ operation: 'ADD', value: 0, result: 2 })
    expect(decide([created], 'UpdateValue', { operation: 'ADD', value: 0 })).toEqual([event])
  })

  test('refuses a value that does not exist', () => {
    expect(decide([], 'UpdateValue', { operation: 'ADD', value: 1 })).toEqual(missing)
  })

  test('refuses a result beyond the largest number, in both directions', () => {
    const huge = [ValueCreated({ value: 1e308 })]
    for (const value of [1e308, -1e308])
      expect(decide(huge, 'UpdateValue', { operation: 'MULTIPLY', value })).toMatchObject({
        refused: 'VALUE_NOT_FINITE',
        detail: expect.stringMatching(/^MULTIPLY .*\.$/),
      })
    expect(decide(huge, 'UpdateValue', { operation: 'ADD', value: 1e308 })).toHaveProperty('refused')
  })

  test('knows one zero only, as JSON does', () => {
    const [event] = Object(decide([created], 'UpdateValue', { operation: 'MULTIPLY', value: -0 }))
    expect(Object.is(event.data.value, 0)).toBe(true)
    expect(Object.is(event.data.result, 0)).toBe(true)
    const [zero] = Object(decide([], 'CreateValue', { value: -0 }))
    expect(Object.is(zero.data.value, 0)).toBe(true)
    const [product] = Object(decide([zero], 'UpdateValue', { operation: 'MULTIPLY', value: -3 }))
    expect(Object.is(product.data.result, 0)).toBe(true)
  })
})
