// Decisions that a program makes in place: the loop of commands without a command, on both kinds of
// repositories.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { context, decider, events, projection, state } from '../core/index.ts'
import { app, openApp } from './index.ts'

const orderEvents = events('order', {
  OrderPlaced: { version: 1, schema: z.strictObject({ customer: z.string() }) },
})
const { OrderPlaced } = orderEvents.make
const order = decider(orderEvents, {
  state: state(1, () => ({ open: false })),
  evolve: { OrderPlaced: () => ({ open: true }) },
  commands: {},
})
const page = projection('order', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: { customer: '' },
  on: { OrderPlaced: (_, { data }) => data },
})

describe.each(['eventSourced', 'stateStored'] as const)('a decision made in place, %s', (kind) => {
  const kept = app('shop', {
    contexts: [context('orders', { deciders: [order], projections: [page], repositories: { order: kind } })],
  })

  test('has the keys, answers, reads and refusals of commands', async () => {
    await using running = await openApp(kept, { memory: true })
    const place = (key?: string) =>
      running.transact({ decider: 'order', id: '1', ...(key === undefined ? {} : { key }) }, (state, ask) =>
        state.open ? ask.refuse('TAKEN', { by: ask.id }) : OrderPlaced({ customer: ask.id }),
      )
    const placed = await place('once')
    expect(placed).toMatchObject({ status: 'succeeded', streamId: '1', version: 1 })
    expect(await place('once')).toEqual(placed)
    expect(await place()).toMatchObject({
      status: 'refused',
      code: 'TAKEN',
      detail: 'Taken.',
      data: { by: '1' },
    })
    expect(await running.read('order').get('1', { after: placed })).toMatchObject({ version: 1 })
    const nothing = await running.transact({ decider: 'order', id: '1' }, () => [])
    expect(nothing).toMatchObject({ status: 'succeeded', version: 1 })
  })

  test('is made once per call on the true state, however many race', async () => {
    await using running = await openApp(kept, { memory: true })
    const racers = Array.from({ length: 50 }, (_, index) =>
      running.transact({ decider: 'order', id: 'raced' }, (state, { refuse }) =>
        state.open ? refuse('TAKEN') : OrderPlaced({ customer: String(index) }),
      ),
    )
    const statuses = (await Promise.all(racers)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 'succeeded')).toHaveLength(1)
  })

  test('fails without a trace when it throws, and its key stays free', async () => {
    await using running = await openApp(kept, { memory: true })
    const options = { decider: 'order', id: '2', key: 'k' } as const
    const failing = running.transact(options, () => {
      throw new Error('not now')
    })
    await expect(failing).rejects.toMatchObject({ code: 'DECIDER_FAILED' })
    expect(await running.transact(options, () => [])).toMatchObject({ status: 'succeeded', version: 0 })
    const elsewhere = running.transact({ ...options, id: '3' }, () => [])
    await expect(elsewhere).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    const stale = running.transact({ decider: 'order', id: '2', expectedVersion: 4 }, () => [])
    await expect(stale).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
    const unnamed = running.transact({ decider: 'order', id: '' }, () => [])
    await expect(unnamed).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })
})
