// What a sender may rely on: one effect per key, answers that are durable and true, order, and bounds.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandId, parsePayload, position, streamVersion, type CommandId } from '../core/codec/index.ts'
import { context, systemRuntime, type Context, type RepositoryKind, type Runtime } from '../core/index.ts'
import { logKey, type AppendRequest, type EventStore, type WriteStore } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { openSqliteStore } from '../sqlite/index.ts'
import { createCommandService, defaultCommandLimits, type CommandLimits } from './create-command-service.ts'
import type { CommandService, CommandStatus, SentCommand } from './command-service.ts'
import { account, failNext } from './test/account.ts'

const id = '0190163d-8694-739b-aea5-966c26f8ad91'
const wait = { mode: 'wait', waitMs: 10_000 } as const
const accept = { mode: 'accept' } as const

let folder: string
let database: WriteStore
let store: EventStore
let service: CommandService
let nowMs: number
let bank: Context
const opened: CommandService[] = []

/** A clock that stands still unless a test lets it run. */
let running = false
const runtime: Runtime = {
  ...systemRuntime,
  nowMs: () => nowMs + (running ? Math.floor(systemRuntime.elapsedMs()) : 0),
}

function serve(over: EventStore, limits: Partial<CommandLimits> = {}): CommandService {
  const inbox = { ...defaultCommandLimits.inbox, retryFirstMs: 1, retryMaxMs: 1, pollMs: 5 }
  const created = createCommandService({ context: bank, store: over, runtime, limits: { inbox, ...limits } })
  opened.push(created)
  return created
}

function command(type: string, data: unknown, more: Partial<SentCommand> = {}): SentCommand {
  return { type, streamId: id, data, actor: null, ...more }
}

async function eventTypes(): Promise<readonly string[]> {
  const types: string[] = []
  for await (const page of store.readLog({ after: position(0) })) {
    types.push(...page.events.map(({ type }) => type))
  }
  return types
}

/** The balance of the only account after each of its events. */
async function balancesByVersion(): Promise<readonly number[]> {
  const balances = [0]
  for await (const page of store.readLog({ after: position(0) })) {
    for (const event of page.events) {
      const { cents = 0 }: { cents?: number } = Object(parsePayload(event))
      balances.push((balances.at(-1) ?? 0) + (event.type === 'MoneyDeposited' ? cents : 0))
    }
  }
  return balances
}

async function final(status: CommandStatus): Promise<CommandStatus> {
  return service.finalStatus(status.commandId, AbortSignal.timeout(5000))
}

const openMemory = (): Promise<WriteStore> => Promise.resolve(createMemoryStore({ runtime }))
const openSqlite = (): Promise<WriteStore> =>
  openSqliteStore({ file: join(folder, 'write.sqlite'), thread: 'caller', runtime })
const adapters: readonly (readonly [string, RepositoryKind, () => Promise<WriteStore>])[] = [
  ['memory', 'eventSourced', openMemory],
  ['SQLite', { snapshotEvery: 2 }, openSqlite],
  ['SQLite', 'stateStored', openSqlite],
]

describe.each(adapters)('on %s, %o', (_adapter, kind, openDatabase) => {
  beforeEach(async () => {
    bank = context('bank', { deciders: [account], repositories: { account: kind } })
    nowMs = 1_700_000_000_000
    running = false
    folder = await mkdtemp(join(tmpdir(), 'rampart-write-'))
    database = await openDatabase()
    store = await database.openLog(logKey('bank'))
    service = serve(store)
  })

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.drain()))
    await database[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  describe('a command that is waited for', () => {
    test('succeeds with stream, version and position', async () => {
      const answer = await service.send(command('Open', { owner: 'Ada' }), wait)
      expect(answer).toMatchObject({ status: 'succeeded', streamId: id, version: 1, position: 1 })
      const next = await service.send(command('Deposit', { cents: 5 }), wait)
      expect(next).toMatchObject({ status: 'succeeded', version: 2, position: 2 })
    })

    test('gets an id from the server when it creates a stream without one', async () => {
      const { streamId: _, ...unnamed } = command('Open', { owner: 'Ada' }, { key: 'once' })
      const first = await service.send(unnamed, wait)
      expect(first.streamId).toMatch(/^[0-9a-f-]{36}$/)
      expect(await service.send(unnamed, wait)).toEqual(first)
    })

    test('that decides nothing succeeds at the current version and the head of the log', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const answer = await service.send(command('Deposit', { cents: 0 }), wait)
      expect(answer).toMatchObject({ status: 'succeeded', version: 1, position: 1 })
      expect(await eventTypes()).toEqual(['AccountOpened'])
    })

    test('is refused with code, detail and data, and records nothing', async () => {
      const answer = await service.send(command('Deposit', { cents: 5 }), wait)
      expect(answer).toMatchObject({
        status: 'refused',
        code: 'ACCOUNT_NOT_OPEN',
        detail: 'Open the account first.',
        data: { cents: 5 },
      })
      expect(await eventTypes()).toEqual([])
    })

    test('is refused and recorded when the decider says so', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const answer = await service.send(command('Withdraw', { cents: 5 }, { key: 'w' }), wait)
      expect(answer).toMatchObject({ status: 'refused', code: 'BALANCE_TOO_LOW', detail: 'Balance too low.' })
      expect(await eventTypes()).toEqual(['AccountOpened', 'WithdrawalDeclined'])
      expect(await service.send(command('Withdraw', { cents: 5 }, { key: 'w' }), wait)).toEqual(answer)
    })

    test.each([
      ['an unknown type', command('Close', {}), 'COMMAND_TYPE_UNKNOWN'],
      ['data that its schema refuses', command('Deposit', { cents: 'five' }), 'INPUT_INVALID'],
      ['a member that its schema lacks', command('Deposit', { cents: 5, note: '' }), 'INPUT_INVALID'],
      [
        'a stream id that breaks its rule',
        command('Deposit', { cents: 5 }, { streamId: 'x' }),
        'INPUT_INVALID',
      ],
      ['an event that its schema refuses', command('Misrecord', {}), 'EVENT_INVALID'],
    ])('with %s changes nothing and leaves its key free', async (_, sent, code) => {
      await expect(service.send({ ...sent, key: 'k' }, wait)).rejects.toMatchObject({ code })
      expect(await eventTypes()).toEqual([])
      const answer = await service.send(command('Open', { owner: 'Ada' }, { key: 'k' }), wait)
      expect(answer.status).toBe('succeeded')
    })

    test('fails without effect when its decider throws, and its key stays free', async () => {
      failNext(1)
      const sent = command('Fail', { cents: 1 }, { key: 'f' })
      await expect(service.send(sent, wait)).rejects.toMatchObject({ code: 'DECIDER_FAILED' })
      expect(await service.send(sent, wait)).toMatchObject({ status: 'succeeded', version: 1 })
    })
  })

  describe('an idempotency key', () => {
    test('has one effect however often it is sent at once', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const sent = command('Deposit', { cents: 5 }, { key: 'once' })
      const answers = await Promise.all(Array.from({ length: 100 }, () => service.send(sent, wait)))
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
      expect(await eventTypes()).toEqual(['AccountOpened', 'MoneyDeposited'])
    })

    test('has one effect over several processes at once', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const services = [service, serve(store), serve(store), serve(store)]
      const sent = command('Deposit', { cents: 5 }, { key: 'once' })
      const answers = await Promise.all(services.map((each) => each.send(sent, wait)))
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
      expect(await eventTypes()).toEqual(['AccountOpened', 'MoneyDeposited'])
    })

    test('with another body is a conflict and changes nothing', async () => {
      await service.send(command('Open', { owner: 'Ada' }, { key: 'k' }), wait)
      const other = command('Deposit', { cents: 5 }, { key: 'k' })
      await expect(service.send(other, wait)).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
      await expect(service.send(other, accept)).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
      expect(await eventTypes()).toEqual(['AccountOpened'])
    })

    test('of one sender means nothing to another', async () => {
      const sent = command('Open', { owner: 'Ada' }, { key: 'k' })
      const first = await service.send({ ...sent, actor: 'ada' }, wait)
      const second = await service.send({ ...sent, actor: 'bob' }, wait)
      expect(second).toMatchObject({ status: 'refused', code: 'ACCOUNT_EXISTS' })
      expect(second.commandId).not.toBe(first.commandId)
    })

    test('is answered as the first time although the demanded version holds no more', async () => {
      const sent = command('Open', { owner: 'Ada' }, { key: 'k', expectedVersion: streamVersion(0) })
      const first = await service.send(sent, wait)
      await service.send(command('Deposit', { cents: 5 }), wait)
      expect(await service.send(sent, wait)).toEqual(first)
    })

    test('of a refused command is answered for a day, and decided anew after it', async () => {
      const sent = command('Deposit', { cents: 5 }, { key: 'k' })
      const refused = await service.send(sent, wait)
      await service.send(command('Open', { owner: 'Ada' }), wait)
      nowMs += 24 * 60 * 60 * 1000 - 1
      expect(await service.send(sent, wait)).toEqual(refused)
      nowMs += 2
      expect(await service.status(refused.commandId)).toBeUndefined()
      expect(await service.send(sent, wait)).toMatchObject({ status: 'succeeded', version: 2 })
      nowMs += 400 * 24 * 60 * 60 * 1000
      expect(await service.send(sent, wait)).toMatchObject({ status: 'succeeded', version: 2 })
      expect(await eventTypes()).toEqual(['AccountOpened', 'MoneyDeposited'])
    })
  })

  describe('a demanded version', () => {
    test('that does not hold records nothing and names the actual one', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const sent = command('Deposit', { cents: 5 }, { key: 'k', expectedVersion: streamVersion(4) })
      const fault = { code: 'VERSION_MISMATCH', details: { version: 1 } }
      await expect(service.send(sent, wait)).rejects.toMatchObject(fault)
      expect(await service.send({ ...sent, expectedVersion: streamVersion(1) }, wait)).toMatchObject({
        version: 2,
      })
    })

    test('lets exactly one of many at once win', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const sent = command('Deposit', { cents: 5 }, { expectedVersion: streamVersion(1) })
      const answers = await Promise.allSettled(Array.from({ length: 50 }, () => service.send(sent, wait)))
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      expect(await eventTypes()).toEqual(['AccountOpened', 'MoneyDeposited'])
    })
  })

  describe('a state in memory', () => {
    test('that another process made old decides nothing, neither events nor refusals', async () => {
      const other = serve(store)
      await service.send(command('Deposit', { cents: 1 }), wait)
      await other.send(command('Open', { owner: 'Ada' }), wait)
      expect(await service.send(command('Deposit', { cents: 1 }), wait)).toMatchObject({ version: 2 })
      await other.send(command('Deposit', { cents: 10 }), wait)
      expect(await service.send(command('Withdraw', { cents: 11 }), wait)).toMatchObject({ version: 4 })
    })

    test('is as of their version for all refusals, however two processes race', async () => {
      const other = serve(store)
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const sent = Array.from({ length: 200 }, (_, number) => {
        const type = number % 3 === 0 ? 'Deposit' : 'Withdraw'
        const sender = number % 2 === 0 ? service : other
        return sender.send(command(type, { cents: 1 + ((number * 7) % 50) }), wait)
      })
      const refusals = (await Promise.all(sent)).filter((answer) => answer.status === 'refused')
      const balances = await balancesByVersion()
      expect(refusals.length).toBeGreaterThan(20)
      expect(refusals.map(({ data }) => data)).toEqual(
        // A refused withdrawal is recorded, and leaves the balance at its version as it was.
        refusals.map(({ place }) => ({ cents: balances[place.position] })),
      )
    })

    test('that rests on what came to nothing decides nothing, though its version came', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      await service.send(command('Deposit', { cents: 50 }, { key: 'd' }), wait)
      const other = serve(store)
      await other.send(command('Deposit', { cents: 0 }), wait)
      // The repeated deposit would make 100; in its place the other process withdraws 40 at the same version.
      const answers = await Promise.all([
        service.send(command('Withdraw', { cents: 40 }), wait),
        other.send(command('Deposit', { cents: 50 }, { key: 'd' }), wait),
        other.send(command('Withdraw', { cents: 60 }), wait),
      ])
      expect(answers[2]).toMatchObject({ status: 'refused', data: { cents: 10 } })
    })

    test('is never ahead of what is recorded when an append fails', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      let failing = true
      const flaky: EventStore = {
        ...store,
        append: (request: AppendRequest) =>
          failing ? Promise.reject(new Error('disk on fire')) : store.append(request),
      }
      const third = serve(flaky)
      const deposits = Array.from({ length: 5 }, () => third.send(command('Deposit', { cents: 1 }), wait))
      for (const result of await Promise.allSettled(deposits)) expect(result.status).toBe('rejected')
      failing = false
      expect(await third.send(command('Deposit', { cents: 1 }), wait)).toMatchObject({ version: 2 })
    })
  })

  test('commands of one stream at once are decided in order, one after the other', async () => {
    await service.send(command('Open', { owner: 'Ada' }), wait)
    const deposits = Array.from({ length: 200 }, (_, cents) =>
      service.send(command('Deposit', { cents: cents + 1 }), wait),
    )
    const versions = (await Promise.all(deposits)).map((answer) => 'version' in answer && answer.version)
    expect(versions).toEqual(Array.from({ length: 200 }, (_, index) => index + 2))
  })

  test('many processes on one stream lose and repeat nothing', async () => {
    await service.send(command('Open', { owner: 'Ada' }), wait)
    const services = [service, serve(store), serve(store), serve(store)]
    const sent = services.flatMap((each, process) =>
      Array.from({ length: 50 }, (_, index) =>
        each.send(command('Deposit', { cents: 1 }, { key: `d${process}-${index}` }), wait),
      ),
    )
    const answers = await Promise.all(sent)
    expect(answers.every((answer) => answer.status === 'succeeded')).toBe(true)
    expect(await eventTypes()).toHaveLength(201)
  })

  test('a line that is full refuses further commands and takes them again later', async () => {
    const small = serve(store, { perStream: 10 })
    const sent = Array.from({ length: 30 }, () => small.send(command('Deposit', { cents: 1 }), wait))
    const results = await Promise.allSettled(sent)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(20)
    for (const { reason } of refused) expect(reason).toMatchObject({ code: 'OVERLOADED' })
    expect(await small.send(command('Deposit', { cents: 1 }), wait)).toMatchObject({ status: 'refused' })
  })

  describe('an accepted command', () => {
    test('is received at once and handled later, with a status all the way', async () => {
      const received = await service.send(command('Open', { owner: 'Ada' }), accept)
      expect(received).toEqual({ status: 'received', commandId: received.commandId, streamId: id })
      expect(await service.status(received.commandId)).toEqual(received)
      service.start()
      expect(await final(received)).toMatchObject({ status: 'succeeded', version: 1 })
      expect(await service.status(received.commandId)).toMatchObject({ status: 'succeeded' })
      expect(await store.inbox.depth()).toMatchObject({ commands: 0 })
    })

    test('is received again, once only, when its key is sent again', async () => {
      const sent = command('Open', { owner: 'Ada' }, { key: 'k' })
      const first = await service.send(sent, accept)
      expect(await service.send(sent, accept)).toEqual(first)
      service.start()
      await final(first)
      expect(await service.send(sent, accept)).toEqual(first)
      expect(await service.send(sent, wait)).toMatchObject({ status: 'succeeded', version: 1 })
      expect(await eventTypes()).toEqual(['AccountOpened'])
    })

    test('keeps the stream id that the server made, however it is asked for', async () => {
      const { streamId: _, ...unnamed } = command('Open', { owner: 'Ada' }, { key: 'k' })
      const answers = await Promise.all([service.send(unnamed, accept), service.send(unnamed, accept)])
      service.start()
      answers.push(await service.send(unnamed, wait))
      expect(new Set(answers.map(({ streamId }) => streamId)).size).toBe(1)
    })

    test('is waited for by the same key sent with a wait', async () => {
      const sent = command('Open', { owner: 'Ada' }, { key: 'k' })
      await service.send(sent, accept)
      const waiting = service.send(sent, wait)
      service.start()
      expect(await waiting).toMatchObject({ status: 'succeeded', version: 1 })
    })

    test('keeps its place in its stream when it is sent again with a wait', async () => {
      await service.send(command('Open', { owner: 'Ada' }), accept)
      const deposit = command('Deposit', { cents: 5 }, { key: 'k' })
      await service.send(deposit, accept)
      const waiting = service.send(deposit, wait)
      service.start()
      expect(await waiting).toMatchObject({ status: 'succeeded', version: 2 })
    })

    test('survives its process and is handled by the next', async () => {
      const received = await service.send(command('Open', { owner: 'Ada' }), accept)
      await service.drain()
      service = serve(store)
      service.start()
      expect(await final(received)).toMatchObject({ status: 'succeeded' })
    })

    test('keeps its place in its stream', async () => {
      await service.send(command('Open', { owner: 'Ada' }), wait)
      const ids: CommandId[] = []
      for (let cents = 1; cents <= 300; cents++) {
        ids.push((await service.send(command('Deposit', { cents }), accept)).commandId)
      }
      service.start()
      const finals = await Promise.all(
        ids.map((each) => service.finalStatus(each, AbortSignal.timeout(10_000))),
      )
      expect(finals.map((each) => 'version' in each && each.version)).toEqual(
        ids.map((_, index) => index + 2),
      )
    })

    test('is tried again when its decider throws, before the later ones of its stream', async () => {
      running = true
      failNext(2)
      const failing = await service.send(command('Fail', { cents: 1 }), accept)
      const later = await service.send(command('Fail', { cents: 2 }), accept)
      service.start()
      expect(await final(failing)).toMatchObject({ status: 'succeeded', version: 1 })
      expect(await final(later)).toMatchObject({ status: 'succeeded', version: 2 })
    })

    test('is tried again in time although the clock was set back by an hour', async () => {
      failNext(1)
      const failing = await service.send(command('Fail', { cents: 1 }), accept)
      service.start()
      await expect.poll(async () => (await store.inbox.depth()).nextDueMs).toBe(nowMs + 1)
      nowMs -= 3_600_000
      expect(await final(failing)).toMatchObject({ status: 'succeeded', version: 1 })
    })

    test('is given up with its cause after bounded attempts, and the later ones go on', async () => {
      running = true
      failNext(5)
      const failing = await service.send(command('Fail', { cents: 1 }), accept)
      const later = await service.send(command('Fail', { cents: 2 }), accept)
      service.start()
      expect(await final(failing)).toMatchObject({ status: 'failed', code: 'DECIDER_FAILED' })
      expect(await final(later)).toMatchObject({ status: 'succeeded', version: 1 })
      const [letter] = await store.inbox.deadLetters(10)
      expect(letter).toMatchObject({ commandId: failing.commandId, attempts: 5 })
      expect(letter?.cause).toContain('out of order')
    })

    test('fails without a dead letter when its demanded version does not hold', async () => {
      const sent = command('Open', { owner: 'Ada' }, { expectedVersion: streamVersion(3) })
      const received = await service.send(sent, accept)
      service.start()
      expect(await final(received)).toMatchObject({ status: 'failed', code: 'VERSION_MISMATCH' })
      expect(await store.inbox.deadLetters(10)).toEqual([])
      expect(await eventTypes()).toEqual([])
    })
  })

  describe('a wait that runs out', () => {
    test('leaves the command accepted, and it takes effect once', async () => {
      let release: () => void = () => {}
      const gate = new Promise<void>((resolve) => {
        release = resolve
      })
      const slow: EventStore = { ...store, append: (request) => gate.then(() => store.append(request)) }
      service = serve(slow)
      service.start()
      const received = await service.send(command('Open', { owner: 'Ada' }), { mode: 'wait', waitMs: 5 })
      expect(received.status).toBe('received')
      expect(await store.inbox.depth()).toMatchObject({ commands: 1 })
      release()
      expect(await final(received)).toMatchObject({ status: 'succeeded', version: 1 })
      expect(await eventTypes()).toEqual(['AccountOpened'])
      expect(await store.inbox.depth()).toMatchObject({ commands: 0 })
    })
  })

  describe('draining', () => {
    test('answers what is in hand and takes nothing more', async () => {
      const sent = service.send(command('Open', { owner: 'Ada' }), wait)
      await service.drain()
      expect(await sent).toMatchObject({ status: 'succeeded' })
      await expect(service.send(command('Deposit', { cents: 1 }), wait)).rejects.toMatchObject({
        code: 'SHUTTING_DOWN',
      })
    })
  })

  test('the status of an unknown command is absent, and a wait for it ends with its signal', async () => {
    const unknown = commandId(id)
    expect(await service.status(unknown)).toBeUndefined()
    await expect(service.finalStatus(unknown, AbortSignal.timeout(10))).rejects.toThrow(/timeout/)
  })
})
