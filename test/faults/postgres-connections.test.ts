// Connections to PostgreSQL break while appends are under way: every append is answered with what became of
// it, and none happens twice.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRuntime, type Runtime } from 'rampart'
import { streamId } from 'rampart/codec'
import type { AppendRequest, AppendResult, EventStore, WriteStore } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import { connectSql, createDatabase, startPostgres } from '../../packages/rampart/src/postgres/test/server.ts'
import {
  claim,
  event,
  expectContiguous,
  logEvents,
  openShop,
  texts,
  upTo,
  write,
} from '../../packages/rampart/src/testing/event-store-contract-steps.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { everyPoint } from './tools.ts'

type Server = Awaited<ReturnType<typeof startPostgres>>

let server: Server
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
})
afterAll(() => server[Symbol.asyncDispose]())

interface Place extends AsyncDisposable {
  /** The database itself. */
  readonly url: string
  readonly proxy: Proxy
  readonly store: WriteStore
  readonly log: EventStore
}

/** A store that reaches its database through a proxy. */
async function openThroughProxy(runtime: Runtime = systemRuntime): Promise<Place> {
  const url = await createDatabase(server.url('postgres'), `connections_${++databases}`)
  const proxy = await startProxy(url)
  const store = await openPostgresStore({ url: proxy.through(url), statementMs: 500, runtime })
  return {
    url,
    proxy,
    store,
    log: await openShop({ store }),
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    },
  }
}

/** An append that any state of the log allows: nothing but the store keeps it from happening twice. */
function requestOf(number: number): AppendRequest {
  const writes = [write(`s${number % 5}`, 'any', [event(String(number))])]
  return number % 2 === 0 ? { writes } : { writes, command: claim(number) }
}

const lostMin = everyPoint ? 500 : 4

test(
  `${lostMin} answers that are lost after the commit cost no append, and double none`,
  { timeout: 300_000 },
  async () => {
    await using place = await openThroughProxy()
    const { proxy, log } = place
    let number = 0
    while (proxy.lost() < lostMin) {
      proxy.loseAnswers(1, 'append-')
      const results = await Promise.all(upTo(8).map(() => log.append(requestOf(++number))))
      expect(results.map(({ status }) => status)).toEqual(upTo(8).map(() => 'appended'))
    }
    const recorded = texts(await logEvents(log)).map(Number)
    expect(recorded.toSorted((a, b) => a - b)).toEqual(upTo(number))
  },
)

test('a request that arrives after its sender has gone on does not happen', async () => {
  await using place = await openThroughProxy()
  const { proxy, log } = place
  await log.append(requestOf(2))
  proxy.hold()
  // Nothing answers any more: the store gives its connection up, and sends the append on another one.
  expect(await log.append(requestOf(4))).toMatchObject({ status: 'appended', versions: [1] })
  proxy.release()
  await log.append(requestOf(6))
  await expect.poll(async () => (await log.head()).position).toBe(3)
  expect(texts(await logEvents(log))).toEqual(['2', '4', '6'])
})

test('reads on connections that are dead end in time, and the next ones go through', async () => {
  await using place = await openThroughProxy()
  const { proxy, log } = place
  await log.append(requestOf(2))
  await log.head()
  proxy.hold()
  const pages = log.readStreamToFold({ decider: 'note', id: streamId('s2') })[Symbol.asyncIterator]()
  await expect(pages.next()).rejects.toThrow(/no answer came within 2500 ms/)
  expect((await log.head()).position).toBe(1)
  proxy.cut()
  await expect.poll(async () => log.head().catch(() => undefined)).toMatchObject({ position: 1 })
})

test('a store that is closed while nothing answers is closed soon', async () => {
  const place = await openThroughProxy()
  await place.log.append(requestOf(2))
  await place.log.head()
  place.proxy.hold()
  const begunMs = performance.now()
  await place.store[Symbol.asyncDispose]()
  expect(performance.now() - begunMs).toBeLessThan(20_000)
  await place.proxy[Symbol.asyncDispose]()
})

/** By this clock calls take no time, so that two batches are always worthwhile. */
const slowClock: Runtime = { ...systemRuntime, elapsedMs: () => systemRuntime.elapsedMs() / 10_000 }

/** What to do before two batches are on their way, and while they are. */
interface Fault {
  readonly before?: (proxy: Proxy) => void
  readonly meanwhile?: (proxy: Proxy) => void
}

/** Two batches of four appends, on their way at once, and what they came to. */
async function appendTwice(
  { url, log, proxy }: Place,
  { before, meanwhile }: Fault = {},
): Promise<readonly PromiseSettledResult<AppendResult>[]> {
  const append = (number: number) =>
    log.append({ writes: [write(`s${number}`, 'any', [event(`${number}`)])] })
  // The first calls are measured.
  for (const _ of upTo(2)) await Promise.all(upTo(8).map(append))
  await using other = await connectSql(url)
  await other.run('SELECT pg_advisory_lock(1380012368, 1)')
  const sent = proxy.count('append-plain')
  before?.(proxy)
  const results = Promise.allSettled(upTo(8).map((number) => append(number + 100)))
  await expect.poll(sent).toBe(2)
  meanwhile?.(proxy)
  await other.run('SELECT pg_advisory_unlock(1380012368, 1)')
  return await results
}

const losses: Readonly<Record<string, Fault>> = {
  'before either is recorded': { meanwhile: (proxy) => proxy.cut() },
  'after the first is recorded': { before: (proxy) => proxy.loseAnswers(1, 'append-plain') },
}

for (const [when, fault] of Object.entries(losses)) {
  test(`two batches whose connection is lost ${when} happen once each`, async () => {
    await using place = await openThroughProxy(slowClock)
    const results = await appendTwice(place, fault)
    expect(results.map((one) => one.status === 'fulfilled' && one.value.status)).toEqual(
      upTo(8).map(() => 'appended'),
    )
    const events = await logEvents(place.log)
    expectContiguous(events)
    const numbers = texts(events).slice(16).map(Number)
    expect(numbers.toSorted((a, b) => a - b)).toEqual(upTo(8).map((number) => number + 100))
  })
}

test('data that the database refuses fails its own append alone, in both of two batches', async () => {
  await using place = await openThroughProxy(slowClock)
  await using other = await connectSql(place.url)
  await other.run(`ALTER TABLE rampart_write.events ADD CHECK (payload NOT IN ('102', '107'))`)
  const results = await appendTwice(place)
  const refused = results.flatMap((one, index) =>
    one.status === 'rejected' ? [[index + 1, one.reason]] : [],
  )
  expect(refused).toEqual(
    [2, 7].map((number) => [number, expect.objectContaining({ code: 'INPUT_INVALID' })]),
  )
  const events = await logEvents(place.log)
  expectContiguous(events)
  expect(events).toHaveLength(22)
})
