// How the values of the calculator are recorded; all that its read side knows of them.
import { events, uuidStreamId } from 'rampart'
import { z } from 'zod'

/** What a value can be changed by. */
export const operation = z.enum(['ADD', 'MULTIPLY'])

/** The events of one value; their stream is the value's UUID. */
export const valueEvents = events(
  'value',
  {
    ValueCreated: { version: 1, schema: z.strictObject({ value: z.number() }) },
    // The result stands beside the operand, so that no reader has to do the arithmetic again.
    ValueUpdated: {
      version: 1,
      schema: z.strictObject({ operation, value: z.number(), result: z.number() }),
    },
  },
  { streamId: uuidStreamId },
)
