// The bounded context of orders.
import { context } from 'rampart'
import { order } from './order/decider.ts'
import { customerOrders, orderPage, products, salesByDay } from './order/projections.ts'

/** Orders and returns, and what may be read of them. */
export const orders = context('orders', {
  deciders: [order],
  projections: [orderPage, customerOrders, salesByDay, products],
})
