// Examples as tests: what they accept, and that they fail when they should.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decider, decision, events, projection, state } from '../core/index.ts'
import { documentsAfter, given } from './index.ts'

const moves = events('account', {
  MoneyMoved: { version: 1, schema: z.strictObject({ cents: z.int(), note: z.string().optional() }) },
})
const { MoneyMoved } = moves.make
const account = decider(moves, {
  state: state(1, () => ({ cents: 0 })),
  evolve: { MoneyMoved: (before, { cents }) => ({ cents: before.cents + cents }) },
  commands: {
    Move: {
      schema: z.strictObject({ cents: z.int() }),
      refuses: ['BALANCE_TOO_LOW'],
      decide(before, { cents }, { refuse, actor }) {
        if (cents === 0) return []
        if (before.cents + cents < 0) return refuse('BALANCE_TOO_LOW', before)
        return MoneyMoved(actor === null ? { cents } : { cents, note: actor })
      },
    },
    Misrecord: { schema: z.strictObject({}), refuses: [], decide: () => MoneyMoved({ cents: 0.5 }) },
  },
})

describe('given events, when a command', () => {
  const rich = given(account, MoneyMoved({ cents: 500 }))

  test('then these events', () => {
    rich.when('Move', { cents: -200 }).thenEvents(MoneyMoved({ cents: -200 }))
    rich.when('Move', { cents: 1 }, { actor: 'ada' }).thenEvents(MoneyMoved({ cents: 1, note: 'ada' }))
    expect(() => rich.when('Move', { cents: -200 }).thenEvents()).toThrow('the events of Move')
    expect(() => rich.when('Move', { cents: 1 }).thenEvents(MoneyMoved({ cents: 2 }))).toThrow('expected')
  })

  test('then nothing', () => {
    rich.when('Move', { cents: 0 }).thenNothing()
    expect(() => rich.when('Move', { cents: 1 }).thenNothing()).toThrow('the events of Move')
  })

  test('then a refusal, with its data when that matters', () => {
    rich.when('Move', { cents: -501 }).thenRefused('BALANCE_TOO_LOW')
    rich.when('Move', { cents: -501 }).thenRefused('BALANCE_TOO_LOW', { cents: 500 })
    expect(() => rich.when('Move', { cents: -501 }).thenRefused('OTHER')).toThrow('the answer to Move')
    expect(() => rich.when('Move', { cents: -1 }).thenRefused('BALANCE_TOO_LOW')).toThrow(
      'the answer to Move',
    )
    const wrongData = () => rich.when('Move', { cents: -501 }).thenRefused('BALANCE_TOO_LOW', { cents: 1 })
    expect(wrongData).toThrow('the data of the refusal')
  })

  test('then faults in its data, by pointer', () => {
    rich.when('Move', { cents: 1.5 }).thenInvalid('/cents')
    expect(() => rich.when('Move', { cents: 1 }).thenInvalid('/cents')).toThrow(
      'the faults in the data of Move',
    )
  })

  test('an event that could not be recorded is a fault of the decider', () => {
    expect(() => rich.when('Misrecord', {})).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }))
  })
})

describe('given events of a log, when a decision', () => {
  const seats = events('seat', {
    HallOpened: {
      version: 1,
      schema: z.strictObject({ hall: z.string(), seats: z.int() }),
      tags: ({ hall }) => [`hall:${hall}`],
    },
    SeatTaken: {
      version: 1,
      schema: z.strictObject({ hall: z.string(), person: z.string() }),
      tags: ({ hall, person }) => [`hall:${hall}`, `person:${person}`],
    },
  })
  const { HallOpened, SeatTaken } = seats.make
  const take = decision('TakeSeat', {
    of: seats,
    schema: z.strictObject({ hall: z.string(), person: z.string() }),
    refuses: ['FULL', 'BUSY'],
    query: ({ hall, person }) => [
      { tags: [`hall:${hall}`] },
      { types: ['SeatTaken'], tags: [`person:${person}`] },
    ],
    state: state(1, () => ({ free: 0, isBusy: false })),
    evolve: {
      HallOpened: (before, { seats: free }) => ({ ...before, free }),
      SeatTaken: ({ free, isBusy }, taken, { hall, person }) => ({
        free: taken.hall === hall ? free - 1 : free,
        isBusy: isBusy || taken.person === person,
      }),
    },
    decide({ free, isBusy }, seat, { refuse, actor }) {
      if (isBusy) return refuse('BUSY', { actor })
      return free > 0 ? SeatTaken(seat) : refuse('FULL')
    },
  })
  const open = given(take, HallOpened({ hall: 'a', seats: 1 }), SeatTaken({ hall: 'b', person: 'bob' }))

  test('then events, over those that its query finds', () => {
    const ada = { hall: 'a', person: 'ada' }
    open.when(ada).thenEvents(SeatTaken(ada))
    given(take).when(ada).thenRefused('FULL')
    expect(() => open.when(ada).thenNothing()).toThrow('the events of TakeSeat')
  })

  test('then a refusal, whichever item of its query found the reason', () => {
    open.when({ hall: 'a', person: 'bob' }, { actor: 'eve' }).thenRefused('BUSY', { actor: 'eve' })
    open.when({ hall: 'b', person: 'ada' }).thenRefused('FULL')
    const wrong = () => open.when({ hall: 'a', person: 'ada' }).thenRefused('FULL')
    expect(wrong).toThrow('the answer to TakeSeat')
  })

  test('then faults in its data, and an event that it does not have is a fault of the example', () => {
    // An example may send what no type allows.
    open.when(Object({ hall: 'a', person: 7 })).thenInvalid('/person')
    const foreign = given(take, MoneyMoved({ cents: 1 }))
    expect(() => foreign.when({ hall: 'a', person: 'ada' })).toThrow(
      'Decision TakeSeat has no event MoneyMoved',
    )
  })
})

test('documents after a log of events, deletions included', () => {
  const balances = projection('balances', {
    version: 1,
    of: moves,
    key: 'stream',
    initial: { cents: 0, version: 0 },
    on: {
      MoneyMoved: (before, { data, version }) =>
        before.cents + data.cents === 0 ? null : { cents: before.cents + data.cents, version },
    },
  })
  const log = [
    { id: 'ada', event: MoneyMoved({ cents: 5 }) },
    { id: 'bob', event: MoneyMoved({ cents: 7 }) },
    { id: 'ada', event: MoneyMoved({ cents: 1 }) },
    { id: 'bob', event: MoneyMoved({ cents: -7 }) },
  ]
  expect(documentsAfter(balances, log)).toEqual(new Map([['ada', { cents: 6, version: 2 }]]))
})
