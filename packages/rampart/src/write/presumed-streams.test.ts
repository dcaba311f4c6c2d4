// Streams that are presumed to be new because those before them were: what that spares, and what it never
// costs.
import { beforeEach, expect, test } from 'vitest'
import { context, systemRuntime } from '../core/index.ts'
import { streamId } from '../core/codec/index.ts'
import { logKey, type EventStore } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { createCommandService } from './create-command-service.ts'
import type { CommandService } from './command-service.ts'
import { account, failNext } from './test/account.ts'

const wait = { mode: 'wait', waitMs: 10_000 } as const
const old = systemRuntime.uuid()
let store: EventStore
let loads: number
let service: CommandService

function serve(): CommandService {
  const bank = context('bank', { deciders: [account] })
  const counting: EventStore = {
    ...store,
    readStreamToFold: (query) => {
      loads++
      return store.readStreamToFold(query)
    },
  }
  return createCommandService({ context: bank, store: counting, runtime: systemRuntime })
}

const send = (id: string, type: string, data: unknown, to = service) =>
  to.send({ type, streamId: id, data, actor: null, key: systemRuntime.uuid() }, wait)

/** Opens accounts, each of them new, until further ones are presumed to be. */
async function openMany(): Promise<void> {
  for (let count = 0; count < 12; count++) {
    // oxlint-disable-next-line no-await-in-loop -- each one teaches something about the next
    await send(systemRuntime.uuid(), 'Open', { owner: 'ada' })
  }
  expect(loads).toBeLessThan(12)
  loads = 0
}

beforeEach(async () => {
  store = await createMemoryStore().openLog(logKey('bank'))
  loads = 0
  service = serve()
  await send(old, 'Open', { owner: 'eve' })
  service = serve()
  loads = 0
  await openMany()
})

test('a new stream among new streams is not loaded, however many commands it gets at once', async () => {
  const id = systemRuntime.uuid()
  const opened = send(id, 'Open', { owner: 'ada' })
  const deposited = send(id, 'Deposit', { cents: 7 })
  expect(await Promise.all([opened, deposited])).toMatchObject([
    { status: 'succeeded', version: 1 },
    { status: 'succeeded', version: 2 },
  ])
  expect(loads).toBe(0)
})

test('a stream that is not new after all is loaded, and nothing is answered from the guess', async () => {
  const answers = await Promise.all([
    send(old, 'Deposit', { cents: 7 }),
    send(old, 'Open', { owner: 'bob' }),
    send(old, 'Withdraw', { cents: 5 }),
  ])
  expect(answers).toMatchObject([
    { status: 'succeeded', version: 2 },
    { status: 'refused', code: 'ACCOUNT_EXISTS' },
    { status: 'succeeded', version: 3 },
  ])
  expect(loads).toBe(1)
})

test('a guess that was wrong is not made again until streams are new once more', async () => {
  await send(old, 'Deposit', { cents: 7 })
  loads = 0
  await send(systemRuntime.uuid(), 'Open', { owner: 'ada' })
  expect(loads).toBe(1)
})

test('a decision that throws on the guess is made on what is recorded', async () => {
  failNext(1)
  expect(await send(old, 'Fail', { cents: 3 })).toMatchObject({ status: 'succeeded', version: 2 })
  expect(loads).toBe(1)
})

test('a decision that throws on a new stream fails, and its stream stays empty', async () => {
  failNext(2)
  const id = systemRuntime.uuid()
  await expect(send(id, 'Fail', { cents: 3 })).rejects.toMatchObject({ code: 'DECIDER_FAILED' })
  for await (const page of store.readStream({ decider: 'account', id: streamId(id) })) {
    expect(page).toEqual([])
  }
})

test('a command that was handled by another process is answered as the first time', async () => {
  const sent = { type: 'Deposit', streamId: old, data: { cents: 7 }, actor: null, key: 'once' }
  const first = await serve().send(sent, wait)
  expect(await service.send(sent, wait)).toEqual(first)
})
