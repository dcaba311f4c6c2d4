// What the commands of orders must look like, with the bounds that keep totals exact and keys legal.
import { z } from 'zod'

/** Far above what a shop sells in one line, and low enough that all sums stay exact whole numbers. */
const quantityMax = 1_000_000
const unitPricePenceMax = 100_000_000
const totalPenceMax = 1_000_000_000_000
/** The largest real invoices have some 1,100 lines; this many with long descriptions fit a body of 1 MiB. */
const linesMax = 2_000
const keyCharactersMax = 64
const textCharactersMax = 500

// Skus, customers and days become keys of read models, so they must be what a key may be.
// oxlint-disable-next-line no-control-regex -- control characters are what this keeps out
const keyPattern = /^(?!\.{1,2}$)[^\u0000-\u001f\u007f-\u009f]+$/
const key = z
  .string()
  .max(keyCharactersMax)
  .regex(keyPattern, 'must hold no control characters and be neither empty nor a dot segment')
const text = z.string().max(textCharactersMax)

const line = z.strictObject({
  sku: key.meta({ examples: ['71053'] }),
  description: text.meta({ examples: ['WHITE METAL LANTERN'] }),
  quantity: z
    .int()
    .min(-quantityMax)
    .max(quantityMax)
    .meta({ examples: [6] }),
  unitPricePence: z
    .int()
    .min(0)
    .max(unitPricePenceMax)
    .meta({ examples: [339] }),
})

/** The data of PlaceOrder and of RecordReturn. */
export const invoice = z.strictObject({
  customerId: key.meta({ examples: ['17850'] }).optional(),
  country: text.meta({ examples: ['United Kingdom'] }),
  placedOn: z.iso.date(),
  lines: z
    .array(line)
    .min(1)
    .max(linesMax)
    .refine((lines) => Math.abs(totalPence(lines)) <= totalPenceMax, {
      error: `must not come to more than ${totalPenceMax} pence`,
    }),
})

/** The data of CancelOrder. */
export const cancellation = z.strictObject({ reason: text.meta({ examples: ['Ordered twice'] }) })

/** The total of some lines; negative for a return. Exact, because a line is 10^14 pence at most. */
export function totalPence(lines: readonly Amount[]): number {
  return lines.reduce((sum, { quantity, unitPricePence }) => sum + quantity * unitPricePence, 0)
}

interface Amount {
  readonly quantity: number
  readonly unitPricePence: number
}
