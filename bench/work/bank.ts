// The app that benchmarks drive: accounts with deposits of about 300 bytes, and a read model of balances.
import { context, decider, events, projection, state } from 'rampart'
import { app } from 'rampart/host'
import { z } from 'zod'

/** The events of accounts. */
export const accountEvents = events('account', {
  MoneyDeposited: {
    version: 1,
    schema: z.strictObject({ cents: z.int(), group: z.string(), note: z.string() }),
  },
})

/** What a deposit says. */
export const depositSchema = z.strictObject({ cents: z.int(), group: z.string(), note: z.string() })

const account = decider(accountEvents, {
  state: state(1, () => ({ cents: 0 })),
  evolve: { MoneyDeposited: (before, { cents }) => ({ cents: before.cents + cents }) },
  commands: {
    Deposit: {
      schema: depositSchema,
      refuses: [],
      decide: (_, deposit) => accountEvents.make.MoneyDeposited(deposit),
    },
  },
})

/** A balance per account. */
export const balances = projection('balances', {
  version: 1,
  of: accountEvents,
  key: 'stream',
  initial: { cents: 0 },
  on: { MoneyDeposited: (before, { data }) => ({ cents: before.cents + data.cents }) },
})

/** Sums per group: as many documents as the events name groups. */
export const groups = projection('groups', {
  version: 1,
  of: accountEvents,
  key: { MoneyDeposited: ({ data }) => data.group },
  initial: { deposits: 0, cents: 0 },
  on: {
    MoneyDeposited: (sum, { data }) => ({ deposits: sum.deposits + 1, cents: sum.cents + data.cents }),
  },
})

/** Accounts without read models, to measure the write side alone. */
export const writeOnlyBank = app('bank', { contexts: [context('bank', { deciders: [account] })] })
/** Accounts with a balance each. */
export const bank = app('bank', {
  contexts: [context('bank', { deciders: [account], projections: [balances] })],
})
/** Accounts with sums per group. */
export const groupedBank = app('bank', {
  contexts: [context('bank', { deciders: [account], projections: [groups] })],
})

/** A deposit of about 300 bytes as JSON. */
export function deposit(operation: number, groupCount = 30): { cents: number; group: string; note: string } {
  return { cents: operation % 1000, group: `group-${operation % groupCount}`, note: 'x'.repeat(240) }
}
