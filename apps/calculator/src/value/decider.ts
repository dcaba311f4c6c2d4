// What may happen to a value: it is created once, then added to and multiplied.
import { decider, state } from 'rampart'
import { z } from 'zod'
import { operation, valueEvents } from './events.ts'

const { ValueCreated, ValueUpdated } = valueEvents.make
type ValueState = { readonly status: 'none' } | { readonly status: 'created'; readonly value: number }

/** All logic of one value. */
export const value = decider(valueEvents, {
  state: state(1, (): ValueState => ({ status: 'none' })),
  evolve: {
    ValueCreated: (_, { value }) => ({ status: 'created', value }),
    ValueUpdated: (_, { result }) => ({ status: 'created', value: result }),
  },
  commands: {
    CreateValue: {
      schema: z.strictObject({ value: z.number() }),
      refuses: ['VALUE_EXISTS'],
      creates: true,
      decide(state, { value }, { refuse, id }) {
        if (state.status !== 'none')
          return refuse('VALUE_EXISTS', undefined, { detail: `Value ${id} already exists.` })
        return ValueCreated({ value: withoutNegativeZero(value) })
      },
    },
    UpdateValue: {
      schema: z.strictObject({ operation, value: z.number() }),
      refuses: ['VALUE_NOT_FOUND', 'VALUE_NOT_FINITE'],
      decide(state, { operation, value }, { refuse, id }) {
        if (state.status === 'none')
          return refuse('VALUE_NOT_FOUND', undefined, { detail: `Value ${id} does not exist.` })
        const operand = withoutNegativeZero(value)
        const result = withoutNegativeZero(apply(operation, state.value, operand))
        if (!Number.isFinite(result))
          return refuse('VALUE_NOT_FINITE', undefined, { detail: overflow(operation, state.value, operand) })
        return ValueUpdated({ operation, value: operand, result })
      },
    },
  },
})

function apply(how: z.infer<typeof operation>, current: number, operand: number): number {
  switch (how) {
    case 'ADD':
      return current + operand
    case 'MULTIPLY':
      return current * operand
  }
}

// JSON has one zero. A negative zero in memory would differ from the recorded one after a restart.
function withoutNegativeZero(number: number): number {
  return number === 0 ? 0 : number
}

function overflow(how: z.infer<typeof operation>, current: number, operand: number): string {
  return `${how} ${operand} takes ${current} beyond the largest number, so the value stays as it is.`
}
