// What people may read of values: the current number of each.
import { projection } from 'rampart'
import { valueEvents } from './events.ts'

/** The document of one value. */
export type ValuePage = { readonly value: number }

const initial: ValuePage = { value: 0 }

/** Each value under its UUID, with the version of its stream. */
export const values = projection('values', {
  version: 1,
  of: valueEvents,
  key: 'stream',
  initial,
  on: {
    ValueCreated: (_, { data }) => ({ value: data.value }),
    ValueUpdated: (_, { data }) => ({ value: data.result }),
  },
})
