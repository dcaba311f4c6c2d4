// What the read models of orders say after some events.
import type { DecidedEvent, Recorded } from 'rampart'
import { describe, expect, test } from 'vitest'
import { foldFromNothing } from '../../test/fold.ts'
import { orderEvents } from './events.ts'
import { customerOrders, orderPage, products, salesByDay } from './projections.ts'

const { OrderPlaced, ReturnRecorded, OrderCancelled } = orderEvents.make

function record(events: readonly (readonly [string, DecidedEvent])[]): readonly Recorded[] {
  return events.map(([id, event], index) => ({
    ...event,
    id,
    version: events.slice(0, index + 1).filter(([other]) => other === id).length,
    position: index + 1,
    recordedAt: '2026-01-01T00:00:00.000Z',
  }))
}

const line = (sku: string, description: string, quantity: number) => ({
  sku,
  description,
  quantity,
  unitPricePence: 100,
})
const first = {
  customerId: '17850',
  country: 'France',
  placedOn: '2010-12-01',
  lines: [line('A', 'OLD NAME', 1), line('B', 'LAMP', 2), line('A', 'NEW NAME', 3)],
  totalPence: 600,
}
const second = { country: 'EIRE', placedOn: '2010-12-01', lines: [line('A', '', 5)], totalPence: 500 }
const returned = {
  ...first,
  placedOn: '2010-12-02',
  lines: [line('B', 'RETURNED LAMP', -2)],
  totalPence: -200,
}
const { country: _country, ...cancellable } = first

const events = record([
  ['1', OrderPlaced(first)],
  ['2', OrderPlaced(second)],
  ['C3', ReturnRecorded(returned)],
])
const withCancellation = record([
  ['1', OrderPlaced(first)],
  ['2', OrderPlaced(second)],
  ['C3', ReturnRecorded(returned)],
  ['1', OrderCancelled({ reason: 'late', ...cancellable })],
])

describe('order', () => {
  test('shows each order and return with its data', () => {
    const pages = foldFromNothing(orderPage, events)
    expect(pages.get('1')).toEqual({ status: 'placed', ...first })
    expect(pages.get('2')).toEqual({ status: 'placed', ...second })
    expect(pages.get('C3')).toEqual({ status: 'returned', ...returned })
    expect(foldFromNothing(orderPage, withCancellation).get('1')).toEqual({ status: 'cancelled', ...first })
  })
})

describe('customer-orders', () => {
  test('lists orders and returns of a customer as they came, and nobody else', () => {
    expect([...foldFromNothing(customerOrders, events)]).toEqual([
      [
        '17850',
        {
          orders: [
            { number: '1', status: 'placed', totalPence: 600 },
            { number: 'C3', status: 'returned', totalPence: -200 },
          ],
        },
      ],
    ])
    expect(foldFromNothing(customerOrders, withCancellation).get('17850')).toMatchObject({
      orders: [{ number: '1', status: 'cancelled', totalPence: 600 }, { number: 'C3' }],
    })
  })
})

describe('sales-by-day', () => {
  test('adds up orders and returns, and subtracts a cancelled order on the day it was placed', () => {
    const day = { orders: 2, salesPence: 1100, returns: 0, returnsPence: 0 }
    const next = { orders: 0, salesPence: 0, returns: 1, returnsPence: 200 }
    expect(Object.fromEntries(foldFromNothing(salesByDay, events))).toEqual({
      '2010-12-01': day,
      '2010-12-02': next,
    })
    expect(Object.fromEntries(foldFromNothing(salesByDay, withCancellation))).toEqual({
      '2010-12-01': { ...day, orders: 1, salesPence: 500 },
      '2010-12-02': next,
    })
  })
})

describe('products', () => {
  test('counts a sku that repeats in an order, and keeps the newest description that is not empty', () => {
    expect(Object.fromEntries(foldFromNothing(products, events))).toEqual({
      A: { description: 'NEW NAME', quantitySold: 9 },
      B: { description: 'LAMP', quantitySold: 2 },
    })
  })

  test('takes cancelled quantities back, and ignores returns', () => {
    expect(Object.fromEntries(foldFromNothing(products, withCancellation))).toEqual({
      A: { description: 'NEW NAME', quantitySold: 5 },
      B: { description: 'LAMP', quantitySold: 0 },
    })
  })
})
