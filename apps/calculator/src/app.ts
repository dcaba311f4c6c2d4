// The calculator as an app that a host runs: its context and its own routes under /values.
import { app } from 'rampart/host'
import { z } from 'zod'
import { calculator } from './context.ts'
import type { ValuePage } from './value/projections.ts'

const answer = (reply: { readonly streamId: string; readonly commandId: string }) => ({
  value_id: reply.streamId,
  command_id: reply.commandId,
})

export default app('calculator', {
  contexts: [calculator],
  routes: [
    { method: 'POST', path: '/values', command: 'CreateValue', prefer: 'respond-async', answer },
    { method: 'PUT', path: '/values/:id', command: 'UpdateValue', prefer: 'respond-async', answer },
    {
      method: 'GET',
      path: '/values/:id',
      read: 'values',
      // The read model `values` holds documents of this form only.
      answer: ({ key, version, data }) => ({ value_id: key, value: (data as ValuePage).value, version }),
      schema: z.strictObject({ value_id: z.uuid(), value: z.number(), version: z.int() }),
    },
  ],
})
