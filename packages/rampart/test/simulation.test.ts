// Commands, lost replies, crashes and clock steps in simulated time, from a seed: whatever happens, each
// command has one effect and one answer. A failing seed is printed; run it alone with SIMULATION_SEED=n.
import { copyFileSync, existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { position } from '../src/core/codec/index.ts'
import { logKey, type EventRecord, type EventStore, type WriteStore } from '../src/core/ports/index.ts'
import { createMemoryStore } from '../src/memory/index.ts'
import { openSqliteStore } from '../src/sqlite/index.ts'
import { simulatedRuntime, type SimulatedRuntime } from '../src/testing/index.ts'
import { createCommandService, type CommandService, type CommandStatus } from '../src/write/index.ts'
import { bank } from '../src/write/test/account.ts'

const only = process.env['SIMULATION_SEED']
/** Half of them on each store; a longer run is made with SIMULATION_SEEDS=n. */
const seedsPerStore = Number(process.env['SIMULATION_SEEDS'] ?? 1000) / 2
const streams = ['1', '2', '3'].map((digit) => `0190163d-8694-739b-aea5-${digit.repeat(12)}`)

interface Sent {
  readonly key: string
  readonly type: string
  readonly streamId: string
  readonly data: { readonly cents: number } | { readonly owner: string }
}

/** Opens the store as a server that starts finds it. */
type OpenStore = () => Promise<WriteStore>

/** One run: a server that dies now and then, its senders, and what they were told. */
class World {
  readonly runtime: SimulatedRuntime
  readonly sent: Sent[] = []
  readonly told: (readonly [string, CommandStatus])[] = []
  readonly #openStore: OpenStore
  readonly #opened = new Set<WriteStore>()
  #log: EventStore | undefined
  #service: CommandService | undefined
  #kill: () => void = () => {}
  #clockMs = 0

  constructor(runtime: SimulatedRuntime, openStore: OpenStore) {
    this.runtime = runtime
    this.#openStore = openStore
  }

  get log(): EventStore {
    if (this.#log === undefined) throw new Error('The server has not started.')
    return this.#log
  }

  /** Starts a server; one that is running dies first, in the middle of whatever it does. */
  async restart(): Promise<void> {
    this.#kill()
    const store = await this.#openStore()
    this.#opened.add(store)
    this.#log = await store.openLog(logKey('bank'))
    const { mortal, kill } = mortalStore(this.#log)
    this.#kill = kill
    this.#service = createCommandService({ context: bank, store: mortal, runtime: this.runtime })
    this.#service.start()
  }

  /** Sends a command and does not wait; what its sender is told is kept. */
  send(command: Sent, mode: 'wait' | 'accept', waitMs = 1000): Promise<CommandStatus | undefined> {
    const { key, ...rest } = command
    const feedback = mode === 'wait' ? { mode, waitMs } : { mode }
    const answer = this.#service?.send({ ...rest, key, actor: null }, feedback)
    return Promise.resolve(answer).then(
      (status) => {
        if (status !== undefined) this.told.push([key, status])
        return status
      },
      () => undefined,
    )
  }

  newCommand(): Sent {
    const { runtime } = this
    const streamId = streams[runtime.below(streams.length)] ?? ''
    const kind = runtime.below(10)
    const cents = runtime.below(100)
    const key = `k${this.sent.length}`
    const command: Sent =
      kind < 2
        ? { key, streamId, type: 'Open', data: { owner: 'Ada' } }
        : { key, streamId, type: kind < 6 ? 'Deposit' : 'Withdraw', data: { cents } }
    this.sent.push(command)
    return command
  }

  /** Moves the wall clock by an hour, and never further than three hours from where it should be. */
  stepClock(): void {
    const hourMs = 3_600_000
    const byMs = this.runtime.below(2) === 0 && this.#clockMs > -3 * hourMs ? -hourMs : hourMs
    if (this.#clockMs + byMs > 3 * hourMs) return
    this.#clockMs += byMs
    this.runtime.stepClock(byMs)
  }

  /** Sends until it is told the outcome. */
  async insist(command: Sent): Promise<CommandStatus> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const answer = this.send(command, 'wait')
      const status = await this.#settled(answer)
      if (status !== undefined && status.status !== 'received') return status
    }
    throw new Error(`Nobody was told what became of ${command.key}.`)
  }

  /** What a promise comes to while time passes; `undefined` when it stays open for ten seconds. */
  async #settled<T>(promise: Promise<T>): Promise<T | undefined> {
    const settled = { isSettled: false }
    void promise.then(() => {
      settled.isSettled = true
    })
    for (let turn = 0; turn < 100 && !settled.isSettled; turn++) await this.runtime.advance(100)
    return settled.isSettled ? promise : undefined
  }

  async end(): Promise<void> {
    this.#kill()
    await this.runtime.advance(1000)
    await Promise.all([...this.#opened].map((store) => store[Symbol.asyncDispose]()))
  }
}

/** A store whose user can die: what was handed over may still commit, but nobody hears of it. */
function mortalStore(log: EventStore): { readonly mortal: EventStore; readonly kill: () => void } {
  let isDead = false
  const never = new Promise<never>(() => {})
  const unlessDead = async <T>(answer: Promise<T>): Promise<T> => {
    const value = await answer
    return isDead ? never : value
  }
  const { inbox } = log
  const mortal: EventStore = {
    ...log,
    append: (request) => (isDead ? never : unlessDead(log.append(request))),
    findOutcome: (id) => (isDead ? never : unlessDead(log.findOutcome(id))),
    inbox: {
      ...inbox,
      accept: (command) => (isDead ? never : unlessDead(inbox.accept(command))),
      claim: (request) => (isDead ? never : unlessDead(inbox.claim(request))),
      release: (ids, retryAtMs) => (isDead ? never : unlessDead(inbox.release(ids, retryAtMs))),
      bury: (burial) => (isDead ? never : unlessDead(inbox.bury(burial))),
      depth: () => (isDead ? never : unlessDead(inbox.depth())),
    },
  }
  return {
    mortal,
    kill: () => {
      isDead = true
    },
  }
}

async function run(world: World): Promise<void> {
  const { runtime } = world
  await world.restart()
  for (let step = 0; step < 30; step++) {
    const dice = runtime.below(20)
    if (dice < 10) void world.send(world.newCommand(), 'wait', [0, 5, 1000][runtime.below(3)])
    else if (dice < 13) void world.send(world.newCommand(), 'accept')
    else if (dice < 15) {
      const again = world.sent[runtime.below(Math.max(1, world.sent.length))]
      if (again !== undefined) void world.send(again, runtime.below(2) === 0 ? 'wait' : 'accept')
    } else if (dice < 16) await world.restart()
    else if (dice < 17) world.stepClock()
    else await runtime.advance(runtime.below(400))
  }
  await world.restart()
}

async function eventsOf(log: EventStore): Promise<readonly EventRecord[]> {
  const events: EventRecord[] = []
  for await (const page of log.readLog({ after: position(0) })) events.push(...page.events)
  return events
}

async function check(world: World): Promise<void> {
  const finals = new Map<string, CommandStatus>()
  for (const command of world.sent) finals.set(command.key, await world.insist(command))
  for (let turn = 0; (await world.log.inbox.depth()).commands > 0; turn++) {
    expect(turn).toBeLessThan(1000)
    await world.runtime.advance(1000)
  }
  for (const [key, status] of world.told) {
    const final = finals.get(key)
    const expected = status.status === 'received' ? { ...status, commandId: final?.commandId } : final
    expect(status).toEqual(expected)
  }
  const events = await eventsOf(world.log)
  checkLog(events)
  const placeOf = new Map(events.map(({ commandId, position: at }) => [commandId, at]))
  expect(placeOf.size, 'commands with an effect').toBe(events.length)
  const effects = [...finals.values()].filter(({ commandId }) => placeOf.has(commandId))
  expect(effects).toHaveLength(events.length)
  const succeeded = effects.filter((final) => final.status === 'succeeded')
  expect(succeeded.map(({ position: at }) => at)).toEqual(
    succeeded.map((each) => placeOf.get(each.commandId)),
  )
}

/** Positions and versions are contiguous, time does not go back, and no rule of the domain was broken. */
function checkLog(events: readonly EventRecord[]): void {
  const versions = new Map<string, number>()
  const balances = new Map<string, number>()
  let recordedAtMs = 0
  for (const [index, event] of events.entries()) {
    expect(event.position).toBe(index + 1)
    expect(event.recordedAtMs).toBeGreaterThanOrEqual(recordedAtMs)
    recordedAtMs = event.recordedAtMs
    versions.set(event.streamId, (versions.get(event.streamId) ?? 0) + 1)
    expect(event.version).toBe(versions.get(event.streamId))
    const { cents = 0 } = JSON.parse(new TextDecoder().decode(event.payload))
    if (event.type !== 'MoneyDeposited') continue
    const balance = (balances.get(event.streamId) ?? 0) + Number(cents)
    expect(balance).toBeGreaterThanOrEqual(0)
    balances.set(event.streamId, balance)
  }
}

function onMemory(runtime: SimulatedRuntime): OpenStore {
  const store = createMemoryStore({ runtime })
  return async () => store
}

/** Each server has the files as they were when the one before it died, with what stood in the journal. */
function onSqlite(runtime: SimulatedRuntime, folder: string): OpenStore {
  let starts = 0
  const fileOf = (start: number): string => join(folder, `${runtime.seed}-${start}.sqlite`)
  return () => {
    const [before, file] = [fileOf(starts), fileOf(++starts)]
    for (const ending of ['', '-wal'].filter((one) => existsSync(before + one))) {
      copyFileSync(before + ending, file + ending)
    }
    return openSqliteStore({ file, thread: 'caller', runtime })
  }
}

const stores: readonly (readonly [string, (runtime: SimulatedRuntime, folder: string) => OpenStore])[] = [
  ['memory', onMemory],
  ['SQLite', onSqlite],
]

describe.each(stores)('on %s', (name, storeOf) => {
  const first = name === 'memory' ? 0 : seedsPerStore
  const seeds =
    only === undefined ? Array.from({ length: seedsPerStore }, (_, index) => first + index) : [Number(only)]

  // oxlint-disable-next-line vitest/expect-expect -- every seed is held by `check`
  test(`${seeds.length} seeds from ${seeds[0]}: each command has one effect and one answer`, async () => {
    // Power never fails here, so files may stand in memory where a system has such a folder.
    const below = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    const folder = await mkdtemp(join(below, 'rampart-simulation-'))
    for (const seed of seeds) {
      const runtime = simulatedRuntime(seed)
      const world = new World(runtime, storeOf(runtime, folder))
      try {
        await run(world)
        await check(world)
      } catch (error) {
        throw new Error(`Seed ${seed} on ${name}: SIMULATION_SEED=${seed} runs it alone.`, { cause: error })
      } finally {
        await world.end()
      }
    }
    await rm(folder, { recursive: true })
  }, 3_600_000)
})
