// Work that processes share on one database: one of them does it, and another goes on when it cannot.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { position } from '../core/codec/index.ts'
import { systemRuntime, type Projection } from '../core/index.ts'
import {
  logKey,
  type DocumentCollection,
  type EventStore,
  type ReadStore,
  type StoredDocument,
  type WriteStore,
} from '../core/ports/index.ts'
import { leaseNameOf } from '../projection/leased-projection.ts'
import { partsOf } from '../projection/parts.ts'
import { append, customers, foldFromNothing, make, orders, type ShopEvent } from '../projection/test/shop.ts'
import { createSealer, type Sealer } from '../seal/index.ts'
import { appended, openShop, upTo, write } from '../testing/event-store-contract-steps.ts'
import { openPostgresReadStore, openPostgresStore } from './index.ts'
import { createDatabase, startPostgres, type PostgresServer } from './test/server.ts'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
})
afterAll(() => server[Symbol.asyncDispose]())

const nextDatabase = (): Promise<string> => createDatabase(server.url('postgres'), `leases_${++databases}`)

test('one of the processes seals a log, and another goes on as soon as it ends', async () => {
  const url = await nextDatabase()
  await using first = await openPostgresStore({ url })
  await using second = await openPostgresStore({ url })
  const log = await openShop({ store: first })
  const faults: unknown[] = []
  const seal = async (store: WriteStore): Promise<Sealer> => {
    const reportFault = (fault: unknown): void => void faults.push(fault)
    const sealed = { store: await openShop({ store }), runtime: systemRuntime, reportFault }
    return createSealer({ ...sealed, leases: store.leases })
  }
  const sealers = [await seal(first), await seal(second)]
  const holderOf = async (): Promise<string | null | undefined> => (await first.leases?.list())?.[0]?.holder
  await appended(log, { writes: [write('a', 'any')] })
  await expect.poll(() => log.seals.last()).toMatchObject({ last: 1 })
  const before = await holderOf()
  expect(before).toEqual(expect.any(String))
  // The one that has the lease seals once more at its end; whichever it is, the other one takes over.
  await sealers[0]?.stop()
  await appended(log, { writes: upTo(3).map((number) => write(`b${number}`, 'any')) })
  await expect.poll(() => log.seals.last()).toMatchObject({ last: 4 })
  expect(await holderOf()).toEqual(expect.any(String))
  await sealers[1]?.stop()
  expect(await holderOf()).toBeNull()
  expect((await log.seals.list(0, 100)).length).toBeLessThanOrEqual(4)
  expect(faults).toEqual([])
})

const program = fileURLToPath(new URL('./test/projecting.ts', import.meta.url))

interface Process extends AsyncDisposable {
  readonly child: ChildProcess
  /** What it reported. */
  readonly faults: () => readonly string[]
}

/** Starts a process that projects; resolves when it runs. */
async function startProcess(url: string, version = 1, parts = 1): Promise<Process> {
  const asked = ['--conditions=rampart-source', program, url, String(version), String(parts)]
  const child = spawn(process.execPath, asked, { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  child.stdout.on('data', (data: Buffer) => lines.push(...data.toString().trim().split('\n')))
  await expect.poll(() => lines).toContain('runs')
  return {
    child,
    faults: () => lines.filter((line) => line !== 'runs'),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

interface World extends AsyncDisposable {
  readonly url: string
  readonly log: EventStore
  readonly reads: ReadStore
  /** Appends orders. */
  readonly record: (count: number) => Promise<void>
  /** Waits until all read models contain what was recorded, and expects what a fold comes to. */
  readonly expectFolded: (version?: number) => Promise<void>
  /** Appends orders, and does the same with them. */
  readonly grow: (count: number, version?: number) => Promise<void>
  /** How far those parts have come whose leases a process has. */
  readonly reachedBy: (holder: string) => Promise<readonly number[]>
  /** The version of each projection that readers get. */
  readonly live: () => Promise<readonly (number | undefined)[]>
  /** Which process has each of the leases, one per projection. */
  readonly holders: () => Promise<readonly (string | null)[]>
}

async function openWorld(parts = 1): Promise<World> {
  const url = await nextDatabase()
  const write = await openPostgresStore({ url })
  const reads = await openPostgresReadStore({ url })
  const log = await write.openLog(logKey('shop'))
  const recorded: ShopEvent[] = []
  const { epoch } = await log.head()
  const collectionOf = ({ name, version, indexes, search }: Projection) =>
    reads.openCollection({ name, version, log: log.log, indexes, search }, epoch)
  const reached = async (collection: DocumentCollection): Promise<number> =>
    (await collection.checkpoint()).position
  const everything = { after: { position: position(0), key: '' }, limit: 1e6 }
  const record: World['record'] = async (count) => {
    const events = upTo(count).flatMap((number) => {
      const id = `${recorded.length % 50}-${number}`
      return [make.placed(id, `customer ${number % 7}`, { pence: number }), make.noted(id)]
    })
    recorded.push(...events)
    await append(log, ...events)
  }
  const expectFolded: World['expectFolded'] = async (version = 1) => {
    const { position: head } = await log.head()
    for (const of of [orders, customers]) {
      const kept: StoredDocument[] = []
      for (const part of partsOf({ ...of, version, parts })) {
        const collection = await collectionOf(part)
        await expect.poll(() => reached(collection), { interval: 20 }).toBe(head)
        kept.push(...(await collection.changes(everything)).documents)
      }
      const sorted = kept.toSorted((a, b) => (a.key < b.key ? -1 : 1))
      expect(sorted).toEqual(foldFromNothing(of, recorded))
    }
  }
  return {
    url,
    log,
    reads,
    record,
    expectFolded,
    async grow(count, version) {
      await record(count)
      await expectFolded(version)
    },
    async reachedBy(holder) {
      const own = ((await reads.leases?.list()) ?? []).filter((lease) => lease.holder === holder)
      const all = [orders, customers].flatMap((of) => partsOf({ ...of, parts }))
      const kept = all.filter((part) => own.some(({ name }) => name === leaseNameOf(log.log, part)))
      return Promise.all(kept.map(async (part) => reached(await collectionOf(part))))
    },
    live: () =>
      Promise.all(
        [orders, customers].map(async ({ name }) => {
          const states = await reads.collections(log.log, name)
          return states.find(({ isLive }) => isLive)?.version
        }),
      ),
    holders: async () => ((await reads.leases?.list()) ?? []).map(({ holder }) => holder),
    async [Symbol.asyncDispose]() {
      await Promise.all([reads[Symbol.asyncDispose](), write[Symbol.asyncDispose]()])
    },
  }
}

describe('of the processes that project', () => {
  test('one that stands still is overtaken, and changes nothing when it goes on', async () => {
    await using world = await openWorld()
    await using first = await startProcess(world.url)
    await world.grow(20)
    const [before] = await world.holders()
    await using second = await startProcess(world.url)
    first.child.kill('SIGSTOP')
    await world.grow(20)
    const [after, ...others] = await world.holders()
    expect(after).not.toBe(before)
    expect(others).toEqual([after])
    first.child.kill('SIGCONT')
    for (let round = 0; round < 5; round++) await world.grow(20)
    expect([first.faults(), second.faults()]).toEqual([[], []])
  })

  test('one that is killed is followed when its leases run out, one that ends at once', async () => {
    await using world = await openWorld()
    await using first = await startProcess(world.url)
    await using second = await startProcess(world.url)
    await world.grow(20)
    first.child.kill('SIGKILL')
    await world.grow(20)
    const before = await world.holders()
    await using third = await startProcess(world.url)
    second.child.kill('SIGTERM')
    await once(second.child, 'exit')
    const after = await world.holders()
    expect(after.filter((holder) => holder !== null && before.includes(holder))).toEqual([])
    await world.grow(20)
    expect([second.faults(), third.faults()]).toEqual([[], []])
  })

  test('one that has nothing gets half of what another has, and back when that one ends', async () => {
    await using world = await openWorld()
    await using first = await startProcess(world.url)
    const [before, ...others] = await world.holders()
    expect(others).toEqual([before])
    await using second = await startProcess(world.url)
    const spread = async (): Promise<number> => new Set(await world.holders()).size
    await expect.poll(spread).toBe(2)
    await world.grow(20)
    await expect.poll(world.holders).toContain(before)
    second.child.kill('SIGTERM')
    await expect.poll(world.holders).toEqual([before, before])
    await world.grow(20)
    expect([first.faults(), second.faults()]).toEqual([[], []])
  })

  test('one with newer code builds its documents while the older ones are kept up to date', async () => {
    await using world = await openWorld()
    await using older = await startProcess(world.url)
    await world.grow(100)
    const growing = new AbortController()
    const grown = (async () => {
      while (!growing.signal.aborted) await world.grow(5)
    })()
    await using newer = await startProcess(world.url, 2)
    await expect.poll(world.live).toEqual([2, 2])
    growing.abort()
    await grown
    await world.grow(20, 2)
    await world.grow(20, 1)
    await expect.poll(async () => new Set(await world.holders()).size).toBe(2)
    expect([older.faults(), newer.faults()]).toEqual([[], []])
  })

  // `npm run test:faults` takes more of the same.
  const kills = process.env['FAULTS'] === 'all' ? 10 : 1

  test(`one that is killed with parts of projections loses no key, ${kills} times`, async () => {
    await using world = await openWorld(3)
    await using staying = await startProcess(world.url, 1, 3)
    const stays = (await world.holders())[0] ?? ''
    const flowing = new AbortController()
    const flow = (async () => {
      while (!flowing.signal.aborted) await world.record(2)
    })()
    const gone: (string | null)[] = []
    for (let kill = 0; kill < kills; kill++) {
      await using victim = await startProcess(world.url, 1, 3)
      const others = async () => new Set(await world.holders()).difference(new Set([stays, ...gone]))
      await expect.poll(async () => (await others()).size).toBe(1)
      await expect.poll(async () => (await world.holders()).includes(null)).toBe(false)
      gone.push(...(await others()))
      victim.child.kill('SIGKILL')
      const { position: head } = await world.log.head()
      // Parts of the one that stays go on while nobody has taken over what the other one kept.
      await expect.poll(async () => Math.min(...(await world.reachedBy(stays)))).toBeGreaterThan(head)
    }
    flowing.abort()
    await flow
    await world.expectFolded()
    expect(staying.faults()).toEqual([])
  })
})
