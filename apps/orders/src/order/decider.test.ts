// The rules of orders and returns, as given events, when a command, then events or a refusal.
import { refuse, type Ask, type DecidedEvent, type Json } from 'rampart'
import { validate } from 'rampart/codec'
import { describe, expect, test } from 'vitest'
import { order } from './decider.ts'
import { orderEvents } from './events.ts'

const { OrderPlaced, ReturnRecorded, OrderCancelled } = orderEvents.make
const ask: Ask = { id: '536365', commandId: 'c', actor: null, receivedAt: '2026-01-01T00:00:00.000Z', refuse }

/** The decision on a command after some events; a single event comes as a list, and can be recorded. */
function decide(given: readonly DecidedEvent[], command: string, data: Json) {
  const { state, evolve, commands } = order.definition
  const folded = given.reduce<unknown>((so, event) => evolve[event.type]?.(so, event.data), state.initial())
  const decision = commands[command]?.decide(folded, data, ask)
  if (decision === undefined || 'refused' in decision) return decision
  const decided = (Array.isArray(decision) ? decision : [decision]) as readonly DecidedEvent[]
  for (const { type, data } of decided) {
    const { schema } = Object(orderEvents.definitions)[
      type
    ] as (typeof orderEvents.definitions)['OrderPlaced']
    expect(validate(schema, data)).toEqual({ value: data })
  }
  return decided
}

const lantern = { sku: '71053', description: 'WHITE METAL LANTERN', quantity: 6, unitPricePence: 339 }
const heart = { sku: '85123A', description: '', quantity: 2, unitPricePence: 255 }
const data = {
  customerId: '17850',
  country: 'United Kingdom',
  placedOn: '2010-12-01',
  lines: [lantern, heart],
}
const placed = OrderPlaced({ ...data, totalPence: 2544 })
const returnData = { ...data, lines: [{ ...lantern, quantity: -1 }] }
const returned = ReturnRecorded({ ...returnData, totalPence: -339 })
const { country: _country, ...cancellable } = data
const cancelled = OrderCancelled({ reason: 'late', ...cancellable, totalPence: 2544 })

describe('PlaceOrder', () => {
  test('places an order with its total', () => {
    expect(decide([], 'PlaceOrder', data)).toEqual([placed])
  })

  test('places an order without a customer, with free lines, and with a sku that repeats', () => {
    const { customerId: _customerId, ...anonymous } = data
    const lines = [lantern, { ...lantern, unitPricePence: 0 }]
    const event = OrderPlaced({ ...anonymous, lines, totalPence: 2034 })
    expect(decide([], 'PlaceOrder', { ...anonymous, lines })).toEqual([event])
  })

  test('refuses a second order or return under one number, also after a cancellation', () => {
    for (const given of [[placed], [returned], [placed, cancelled]]) {
      expect(decide(given, 'PlaceOrder', data)).toMatchObject({ refused: 'ORDER_EXISTS' })
      expect(decide(given, 'RecordReturn', returnData)).toMatchObject({ refused: 'ORDER_EXISTS' })
    }
  })

  test('refuses quantities that are not positive, and names the line', () => {
    for (const quantity of [0, -1]) {
      const lines = [lantern, { ...heart, quantity }]
      expect(decide([], 'PlaceOrder', { ...data, lines })).toEqual({
        refused: 'QUANTITY_NOT_POSITIVE',
        data: { line: 1 },
        detail: 'Each quantity of an order is positive; that of line 2 is not.',
      })
    }
  })
})

describe('RecordReturn', () => {
  test('records a return with a negative total', () => {
    expect(decide([], 'RecordReturn', returnData)).toEqual([returned])
  })

  test('refuses quantities that are not negative', () => {
    for (const quantity of [0, 1])
      expect(decide([], 'RecordReturn', { ...returnData, lines: [{ ...heart, quantity }] })).toMatchObject({
        refused: 'QUANTITY_NOT_NEGATIVE',
        data: { line: 0 },
      })
  })
})

describe('CancelOrder', () => {
  test('cancels an order, and names all that it takes back', () => {
    expect(decide([placed], 'CancelOrder', { reason: 'late' })).toEqual([cancelled])
  })

  test('refuses what does not exist, what is cancelled already, and a return', () => {
    const outcomes = [[], [placed, cancelled], [returned]].map(
      (given) => Object(decide(given, 'CancelOrder', { reason: 'late' })).refused,
    )
    expect(outcomes).toEqual(['ORDER_NOT_FOUND', 'ORDER_ALREADY_CANCELLED', 'ORDER_NOT_OPEN'])
  })
})

describe('the data of an order', () => {
  const schema = order.definition.commands['PlaceOrder']?.schema
  const pointers = (changed: object): readonly string[] => {
    const result = schema && validate(schema, { ...data, ...changed })
    return result && 'faults' in result ? result.faults.map(({ pointer }) => pointer) : []
  }
  const withLine = (changed: object) => pointers({ lines: [lantern, { ...lantern, ...changed }] })

  test('passes what the real shop sells', () => {
    const skus = ['85123A', 'POST', 'D', 'M', 'm', 'BANK CHARGES', 'gift_0001_20', 'AMAZONFEE', 'C2', 'ё/:']
    for (const sku of skus) expect(withLine({ sku })).toEqual([])
    expect(withLine({ description: '' })).toEqual([])
    expect(withLine({ description: '?sold as "gold" £\u0000' })).toEqual([])
    expect(withLine({ quantity: 80_995, unitPricePence: 3_897_000 })).toEqual([])
    expect(pointers({ customerId: undefined, country: 'Unspecified', placedOn: '2012-02-29' })).toEqual([])
  })

  test('has at least one line and no more than fit a body', () => {
    expect(pointers({ lines: [] })).toEqual(['/lines'])
    expect(pointers({ lines: Array.from({ length: 2_000 }, () => lantern) })).toEqual([])
    expect(pointers({ lines: Array.from({ length: 2_001 }, () => lantern) })).toEqual(['/lines'])
  })

  test('has skus and customers that can be keys of read models', () => {
    for (const key of ['', '.', '..', 'a\u0000', 'a\nb', '\u0085', 'x'.repeat(65)]) {
      expect(withLine({ sku: key })).toContain('/lines/1/sku')
      expect(pointers({ customerId: key })).toContain('/customerId')
    }
    expect(withLine({ sku: '...' })).toEqual([])
  })

  test('has days that exist', () => {
    for (const placedOn of ['2010-02-29', '2010-13-01', '1/12/2010', '2010-12-01T00:00', ''])
      expect(pointers({ placedOn })).toEqual(['/placedOn'])
  })

  test('has whole pence from 0, whole quantities, and totals that stay exact', () => {
    for (const unitPricePence of [-1, 0.5, '255', null, 2 ** 53])
      expect(withLine({ unitPricePence })).toContain('/lines/1/unitPricePence')
    for (const quantity of [0.5, '6', 2 ** 53, -(2 ** 53)])
      expect(withLine({ quantity })).toContain('/lines/1/quantity')
    expect(withLine({ quantity: 1_000_000, unitPricePence: 100_000_000 })).toEqual(['/lines'])
  })

  test('has no members that nobody knows', () => {
    expect(pointers({ discount: 1 })).toEqual(['/discount'])
    expect(withLine({ colour: 'red' })).toEqual(['/lines/1/colour'])
  })
})
