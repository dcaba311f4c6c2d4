// What may happen to an order or a return. Nothing on the read side imports this.
import { decider, state } from 'rampart'
import { cancellation, invoice, totalPence } from './commands.ts'
import { orderEvents, type Line } from './events.ts'

const { OrderPlaced, ReturnRecorded, OrderCancelled } = orderEvents.make

/** What a cancellation has to name later. */
type Placed = {
  readonly customerId?: string | undefined
  readonly placedOn: string
  readonly totalPence: number
  readonly lines: readonly Line[]
}
type OrderState =
  | { readonly status: 'none' }
  | { readonly status: 'placed'; readonly order: Placed }
  | { readonly status: 'returned' }
  | { readonly status: 'cancelled' }

/** All logic of one order or return. */
export const order = decider(orderEvents, {
  state: state(1, (): OrderState => ({ status: 'none' })),
  evolve: {
    OrderPlaced: (_, { country: _country, ...order }) => ({ status: 'placed', order }),
    ReturnRecorded: () => ({ status: 'returned' }),
    OrderCancelled: () => ({ status: 'cancelled' }),
  },
  commands: {
    PlaceOrder: {
      schema: invoice,
      refuses: ['ORDER_EXISTS', 'QUANTITY_NOT_POSITIVE'],
      decide(state, data, { refuse, id }) {
        if (state.status !== 'none') return refuse('ORDER_EXISTS', undefined, { detail: exists(id) })
        const wrong = data.lines.findIndex(({ quantity }) => quantity <= 0)
        if (wrong !== -1)
          return refuse('QUANTITY_NOT_POSITIVE', { line: wrong }, { detail: mustBe('positive', wrong) })
        return OrderPlaced({ ...data, totalPence: totalPence(data.lines) })
      },
    },
    RecordReturn: {
      schema: invoice,
      refuses: ['ORDER_EXISTS', 'QUANTITY_NOT_NEGATIVE'],
      decide(state, data, { refuse, id }) {
        if (state.status !== 'none') return refuse('ORDER_EXISTS', undefined, { detail: exists(id) })
        const wrong = data.lines.findIndex(({ quantity }) => quantity >= 0)
        if (wrong !== -1)
          return refuse('QUANTITY_NOT_NEGATIVE', { line: wrong }, { detail: mustBe('negative', wrong) })
        return ReturnRecorded({ ...data, totalPence: totalPence(data.lines) })
      },
    },
    CancelOrder: {
      schema: cancellation,
      refuses: ['ORDER_NOT_FOUND', 'ORDER_ALREADY_CANCELLED', 'ORDER_NOT_OPEN'],
      decide(state, { reason }, { refuse, id }) {
        switch (state.status) {
          case 'none':
            return refuse('ORDER_NOT_FOUND', undefined, { detail: `Order ${id} does not exist.` })
          case 'cancelled':
            return refuse('ORDER_ALREADY_CANCELLED', undefined, {
              detail: `Order ${id} is cancelled already.`,
            })
          case 'returned':
            return refuse('ORDER_NOT_OPEN', undefined, {
              detail: `${id} is a return, which nobody can cancel.`,
            })
          case 'placed':
            return OrderCancelled({ reason, ...state.order })
        }
      },
    },
  },
})

function exists(id: string): string {
  return `An order or return with the number ${id} exists already.`
}

function mustBe(sign: 'positive' | 'negative', line: number): string {
  const kind = sign === 'positive' ? 'an order' : 'a return'
  return `Each quantity of ${kind} is ${sign}; that of line ${line + 1} is not.`
}
