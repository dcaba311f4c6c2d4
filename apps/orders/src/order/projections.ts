// What people may read of orders: each order, a customer's orders, sales by day, and products.
import { projection } from 'rampart'
import { orderEvents, type Line } from './events.ts'

type Status = 'placed' | 'returned' | 'cancelled'
/** One order or return; the total of a return is negative. */
type OrderPage = {
  readonly status: Status
  readonly totalPence: number
  readonly lines: readonly Line[]
  readonly country: string
  readonly placedOn: string
  readonly customerId?: string | undefined
}
const noOrder: OrderPage = { status: 'placed', totalPence: 0, lines: [], country: '', placedOn: '' }

/** Each order and return under its number. */
export const orderPage = projection('order', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: noOrder,
  on: {
    OrderPlaced: (_, { data }) => ({ status: 'placed', ...data }),
    ReturnRecorded: (_, { data }) => ({ status: 'returned', ...data }),
    OrderCancelled: (page) => ({ ...page, status: 'cancelled' }),
  },
  indexes: ['customerId', 'status'],
})

/** The orders and returns of one customer, in the order in which they came. */
type CustomerOrders = {
  readonly orders: readonly {
    readonly number: string
    readonly status: Status
    readonly totalPence: number
  }[]
}
const noOrders: CustomerOrders = { orders: [] }

// An order without a customer touches no document.
const customerKey = ({ data }: { readonly data: { readonly customerId?: string | undefined } }) =>
  data.customerId === undefined ? [] : [data.customerId]

/** All orders and returns of each customer, under the customer's id. */
export const customerOrders = projection('customer-orders', {
  version: 1,
  of: orderEvents,
  key: { OrderPlaced: customerKey, ReturnRecorded: customerKey, OrderCancelled: customerKey },
  initial: noOrders,
  on: {
    OrderPlaced: ({ orders }, { id, data: { totalPence } }) => ({
      orders: [...orders, { number: id, status: 'placed', totalPence }],
    }),
    ReturnRecorded: ({ orders }, { id, data: { totalPence } }) => ({
      orders: [...orders, { number: id, status: 'returned', totalPence }],
    }),
    OrderCancelled: ({ orders }, { id }): CustomerOrders => ({
      orders: orders.map((order) => (order.number === id ? { ...order, status: 'cancelled' } : order)),
    }),
  },
})

/** What was sold and returned on each day, as positive numbers; a cancelled order does not count. */
export const salesByDay = projection('sales-by-day', {
  version: 1,
  of: orderEvents,
  key: {
    OrderPlaced: ({ data }) => data.placedOn,
    ReturnRecorded: ({ data }) => data.placedOn,
    OrderCancelled: ({ data }) => data.placedOn,
  },
  initial: { orders: 0, salesPence: 0, returns: 0, returnsPence: 0 },
  on: {
    OrderPlaced: (day, { data }) => ({
      ...day,
      orders: day.orders + 1,
      salesPence: day.salesPence + data.totalPence,
    }),
    ReturnRecorded: (day, { data }) => ({
      ...day,
      returns: day.returns + 1,
      returnsPence: day.returnsPence - data.totalPence,
    }),
    OrderCancelled: (day, { data }) => ({
      ...day,
      orders: day.orders - 1,
      salesPence: day.salesPence - data.totalPence,
    }),
  },
})

/** Each product under its sku: how many were ordered and not cancelled, and its newest description. */
export const products = projection('products', {
  version: 1,
  of: orderEvents,
  key: {
    OrderPlaced: ({ data }) => data.lines.map(({ sku }) => sku),
    OrderCancelled: ({ data }) => data.lines.map(({ sku }) => sku),
  },
  initial: { description: '', quantitySold: 0 },
  on: {
    OrderPlaced: ({ description, quantitySold }, { data }, sku) => ({
      description: newestDescription(data.lines, sku) ?? description,
      quantitySold: quantitySold + quantityOf(data.lines, sku),
    }),
    OrderCancelled: (product, { data }, sku) => ({
      ...product,
      quantitySold: product.quantitySold - quantityOf(data.lines, sku),
    }),
  },
  search: ['description'],
})

// A sku may stand in several lines of one order.
function quantityOf(lines: readonly Line[], sku: string): number {
  return lines.reduce((sum, line) => (line.sku === sku ? sum + line.quantity : sum), 0)
}

function newestDescription(lines: readonly Line[], sku: string): string | undefined {
  return lines.findLast((line) => line.sku === sku && line.description !== '')?.description
}
