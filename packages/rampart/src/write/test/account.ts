// A small bank account with every kind of answer a decider can give, for the tests of the write side.
import { z } from 'zod'
import { context, decider, events, state, uuidStreamId } from '../../core/index.ts'

const accountEvents = events(
  'account',
  {
    AccountOpened: { version: 1, schema: z.strictObject({ owner: z.string() }) },
    MoneyDeposited: { version: 1, schema: z.strictObject({ cents: z.int() }) },
    WithdrawalDeclined: { version: 1, schema: z.strictObject({ cents: z.int() }) },
  },
  { streamId: uuidStreamId },
)
const { AccountOpened, MoneyDeposited, WithdrawalDeclined } = accountEvents.make

interface Account {
  readonly open: boolean
  readonly cents: number
}

const noted = { cents: 1, note: 'x' }
let failuresLeft = 0

/** Makes the next so many decisions of `Fail` throw. */
export function failNext(times: number): void {
  failuresLeft = times
}

export const account = decider(accountEvents, {
  state: state(1, (): Account => ({ open: false, cents: 0 })),
  evolve: {
    AccountOpened: () => ({ open: true, cents: 0 }),
    MoneyDeposited: (before, { cents }) => ({ ...before, cents: before.cents + cents }),
    WithdrawalDeclined: (before) => before,
  },
  commands: {
    Open: {
      schema: z.strictObject({ owner: z.string() }),
      refuses: ['ACCOUNT_EXISTS'],
      creates: true,
      decide: (before, { owner }, { refuse }) =>
        before.open ? refuse('ACCOUNT_EXISTS') : AccountOpened({ owner }),
    },
    Deposit: {
      schema: z.strictObject({ cents: z.int() }),
      refuses: ['ACCOUNT_NOT_OPEN'],
      decide(before, { cents }, { refuse }) {
        if (!before.open) return refuse('ACCOUNT_NOT_OPEN', { cents }, { detail: 'Open the account first.' })
        return cents === 0 ? [] : MoneyDeposited({ cents })
      },
    },
    Withdraw: {
      schema: z.strictObject({ cents: z.int() }),
      refuses: ['BALANCE_TOO_LOW'],
      decide(before, { cents }, { refuse }) {
        if (before.cents >= cents) return MoneyDeposited({ cents: -cents })
        const records = [WithdrawalDeclined({ cents })]
        return refuse('BALANCE_TOO_LOW', { cents: before.cents }, { records })
      },
    },
    Fail: {
      schema: z.strictObject({ cents: z.int() }),
      refuses: [],
      decide(_before, { cents }) {
        if (failuresLeft-- > 0) throw new Error('out of order')
        return MoneyDeposited({ cents })
      },
    },
    Misrecord: {
      schema: z.strictObject({}),
      refuses: [],
      // An extra member compiles when it does not stand in a literal; the event's strict schema finds it.
      decide: () => MoneyDeposited(noted),
    },
  },
})

export const bank = context('bank', { deciders: [account] })
