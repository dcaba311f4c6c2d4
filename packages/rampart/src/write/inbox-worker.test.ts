// Which attempts at an accepted command count, and what one is given up for, in simulated time.
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { context, decider, events, RampartError, state } from '../core/index.ts'
import { logKey, type CommandInbox, type EventStore, type InboxCommand } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { accept, newCommand } from '../testing/command-inbox-contract-steps.ts'
import { claim, commandNumber, upTo, write } from '../testing/event-store-contract-steps.ts'
import { simulatedRuntime, type SimulatedRuntime } from '../testing/index.ts'
import { createCommandService } from './create-command-service.ts'
import type { CommandService, CommandStatus } from './command-service.ts'
import { defaultInboxLimits } from './inbox-limits.ts'
import { InboxWorker } from './inbox-worker.ts'

const jobEvents = events('job', { Done: { version: 1, schema: z.strictObject({ name: z.string() }) } })
/** The names of the decided jobs, in the order in which they were. */
const tried: string[] = []
const job = decider(jobEvents, {
  state: state(1, () => ({})),
  evolve: { Done: (before) => before },
  commands: {
    Do: {
      schema: z.strictObject({ name: z.string(), throws: z.boolean() }),
      refuses: [],
      decide(_before, { name, throws }) {
        tried.push(name)
        if (throws) throw new Error(`${name} is out of order`)
        return jobEvents.make.Done({ name })
      },
    },
  },
})

let runtime: SimulatedRuntime
let store: EventStore
beforeEach(async () => {
  tried.length = 0
  runtime = simulatedRuntime(1)
  store = await createMemoryStore({ runtime }).openLog(logKey('jobs'))
})

function serve(over: EventStore): CommandService {
  return createCommandService({ context: context('jobs', { deciders: [job] }), store: over, runtime })
}

async function acceptJobs(service: CommandService, names: readonly string[]) {
  const accepted: CommandStatus[] = []
  for (const name of names) {
    const data = { name, throws: name.startsWith('bad') }
    accepted.push(await service.send({ type: 'Do', streamId: 'one', data, actor: null }, { mode: 'accept' }))
  }
  return accepted.map(({ commandId }) => commandId)
}

function countsOf(names: readonly string[]): readonly number[] {
  return names.map((name) => tried.filter((each) => each === name).length)
}

/** Lets time pass in steps until nothing waits. */
async function untilEmpty(minutesMax: number): Promise<void> {
  for (let second = 0; second < minutesMax * 60; second++) {
    if ((await store.inbox.depth()).commands === 0) return
    await runtime.advance(1000)
  }
  throw new Error(`Commands wait after ${minutesMax} minutes.`)
}

/** The log with parts of its inbox replaced. */
function withInbox(parts: Partial<CommandInbox>): EventStore {
  return { ...store, inbox: { ...store.inbox, ...parts } }
}

const noRoom = (): Promise<never> => Promise.reject(new RampartError('STORE_FULL', 'There is no room.'))

describe('of failing commands on one stream', () => {
  test('each is tried five times, and those behind them are as if untouched', async () => {
    const names = ['bad 1', 'bad 2', 'bad 3', 'bad 4', 'good']
    const service = serve(store)
    const ids = await acceptJobs(service, names)
    service.start()
    await runtime.advance(500)
    const [, , , , good] = await Promise.all(ids.map((id) => store.inbox.find(id)))
    expect([countsOf(['bad 1', 'good']), good?.attempts]).toEqual([[2, 0], 0])
    await untilEmpty(10)
    expect(countsOf(names)).toEqual([5, 5, 5, 5, 1])
    const letters = await store.inbox.deadLetters(10)
    expect(letters.map(({ attempts, cause }) => [attempts, cause])).toEqual(
      names
        .slice(0, 4)
        .toReversed()
        .map((name) => [5, expect.stringContaining(`${name} is out of order`)]),
    )
    await service.drain()
  })

  test('thirty keep the good ones behind them waiting, which are handled all the same', async () => {
    const bad = upTo(30).map((number) => `bad ${number}`)
    const good = ['good 1', 'good 2', 'good 3']
    const service = serve(store)
    const ids = await acceptJobs(service, [...bad, ...good])
    service.start()
    await untilEmpty(30)
    expect(countsOf(bad)).toEqual(bad.map(() => 5))
    const statuses = await Promise.all(ids.slice(30).map((id) => service.status(id)))
    expect(statuses.map((status) => status?.status)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    await service.drain()
  })
})

describe('a command whose store is in trouble', () => {
  test('waits for it as long as it takes, without an attempt', async () => {
    let isFull = true
    let appends = 0
    const full: EventStore = {
      ...store,
      append: (request) => {
        appends++
        return isFull ? noRoom() : store.append(request)
      },
    }
    const service = serve(full)
    const [id] = await acceptJobs(service, ['good'])
    if (id === undefined) throw new Error('One was accepted.')
    service.start()
    for (let minute = 0; minute < 20; minute++) await runtime.advance(60_000)
    expect(await store.inbox.find(id)).toMatchObject({ attempts: 0 })
    // At ten-second intervals, once the first ones have grown.
    expect(appends).toBeLessThan(150)
    isFull = false
    await runtime.advance(11_000)
    expect(await service.status(id)).toMatchObject({ status: 'succeeded' })
    await service.drain()
  })

  test('loses no attempt where it cannot be given back either', async () => {
    let isFull = true
    let attempts: number | undefined
    const full: EventStore = {
      ...withInbox({
        release: (...how) => (isFull ? noRoom() : store.inbox.release(...how)),
        claim: async (request) => {
          const claimed = await store.inbox.claim(request)
          attempts = claimed[0]?.attempts ?? attempts
          return claimed
        },
      }),
      append: (request) => (isFull ? noRoom() : store.append(request)),
    }
    const service = serve(full)
    const [id] = await acceptJobs(service, ['good'])
    if (id === undefined) throw new Error('One was accepted.')
    service.start()
    for (let minute = 0; minute < 20; minute++) await runtime.advance(60_000)
    // Its lease runs out and begins anew meanwhile, and each time is a claim.
    expect(attempts).toBeGreaterThan(20)
    isFull = false
    await runtime.advance(11_000)
    expect([attempts, await service.status(id)]).toMatchObject([1, { status: 'succeeded' }])
    await service.drain()
  })

  test('is tried five times and no more where it cannot be given up yet', async () => {
    let isFull = true
    const full = withInbox({ bury: (burial) => (isFull ? noRoom() : store.inbox.bury(burial)) })
    const service = serve(full)
    await acceptJobs(service, ['bad'])
    service.start()
    for (let minute = 0; minute < 20; minute++) await runtime.advance(60_000)
    expect(countsOf(['bad'])).toEqual([5])
    isFull = false
    await untilEmpty(1)
    expect(await store.inbox.deadLetters(1)).toMatchObject([
      { cause: expect.stringContaining('bad is out of order') },
    ])
    await service.drain()
  })
})

test('a command that is due before the answer that it is back is tried again all the same', async () => {
  const slow = withInbox({
    release: async (...how) => {
      await store.inbox.release(...how)
      await new Promise<void>((resolve) => void runtime.setTimer(500, resolve))
    },
  })
  const service = serve(slow)
  await acceptJobs(service, ['bad'])
  service.start()
  await runtime.advance(300)
  // Another stream has the worker look while the answer is on its way.
  const other = { type: 'Do', streamId: 'two', data: { name: 'good', throws: false }, actor: null }
  await service.send(other, { mode: 'accept' })
  await runtime.advance(10_000)
  expect(countsOf(['bad'])).toEqual([5])
  expect(await store.inbox.deadLetters(1)).toMatchObject([{ attempts: 5 }])
  await service.drain()
})

/** Runs a worker until it comes to the command that ends its process; what it has in hand is lost then. */
function startProcess(poison: InboxCommand['commandId'], buried: string[]) {
  let isDead = false
  const dead = new Promise<never>(() => {})
  const alive = <T>(act: () => Promise<T>): Promise<T> => (isDead ? dead : act())
  const inbox: CommandInbox = {
    ...store.inbox,
    depth: () => alive(() => store.inbox.depth()),
    claim: (request) => alive(() => store.inbox.claim(request)),
    release: (...how) => alive(() => store.inbox.release(...how)),
    bury: (burial) => alive(() => store.inbox.bury(burial)),
  }
  const worker = new InboxWorker({
    inbox,
    runtime,
    limits: defaultInboxLimits,
    outcomeTtlMs: 1000,
    handle: ({ commandId, streamId }) => {
      if (commandId === poison) isDead = true
      const command = { ...claim(1), id: commandId }
      return alive(() => store.append({ writes: [write(streamId, 'any')], command }))
    },
    reportFault: () => {},
    onBuried: ({ commandId }) => buried.push(commandId),
  })
  worker.start()
  return { worker, isDead: () => isDead }
}

test('a command that ends its process is given up in the end, and no other for it', async () => {
  const poison = commandNumber(3)
  const innocent = upTo(6).filter((number) => number !== 3)
  for (const number of upTo(6)) await accept(store.inbox, newCommand(number, number < 5 ? 'a' : `s${number}`))
  const buried: string[] = []
  let deaths = 0
  for (; buried.length === 0 && deaths < 100; deaths++) {
    const { worker, isDead } = startProcess(poison, buried)
    for (let second = 0; second < 60 && !isDead() && buried.length === 0; second++)
      await runtime.advance(1000)
    if (!isDead()) {
      await runtime.advance(1000)
      await worker.stop()
    }
  }
  expect(buried).toEqual([poison])
  expect(deaths).toBe(defaultInboxLimits.claimsMax + 1)
  expect(await store.inbox.depth()).toMatchObject({ commands: 0 })
  const outcomes = await Promise.all(innocent.map((number) => store.findOutcome(commandNumber(number))))
  expect(outcomes.every((outcome) => outcome !== undefined)).toBe(true)
  const text = 'The process ended whenever this command was handled.'
  expect(await store.inbox.deadLetters(10)).toMatchObject([{ commandId: poison, cause: text }])
})
