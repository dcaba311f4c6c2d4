// How orders and returns are recorded; all that the read side knows of them.
import { events } from 'rampart'
import { z } from 'zod'

/** One line of an order or a return as it is recorded. */
export const recordedLine = z.strictObject({
  sku: z.string(),
  description: z.string(),
  quantity: z.int(),
  unitPricePence: z.int(),
})

/** One line of an order or a return. */
export type Line = z.infer<typeof recordedLine>

/** The data of an order, and of a return, whose total is negative. */
const priced = z.strictObject({
  customerId: z.string().optional(),
  country: z.string(),
  placedOn: z.string(),
  lines: z.array(recordedLine).readonly(),
  totalPence: z.int(),
})

/** The events of one order or return; their stream is the invoice number. */
export const orderEvents = events('order', {
  OrderPlaced: { version: 1, schema: priced },
  ReturnRecorded: { version: 1, schema: priced },
  // A cancellation names what it takes back, so that no read model has to remember the order.
  OrderCancelled: {
    version: 1,
    schema: z.strictObject({
      reason: z.string(),
      customerId: z.string().optional(),
      placedOn: z.string(),
      totalPence: z.int(),
      lines: z.array(recordedLine).readonly(),
    }),
  },
})
