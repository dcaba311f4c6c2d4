// Connections to PostgreSQL break while appends are under way: every append is answered with what became of
// it, and none happens twice.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { streamId } from 'rampart/codec'
import type { AppendRequest, EventStore, WriteStore } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import { createDatabase, startPostgres } from '../../packages/rampart/src/postgres/test/server.ts'
import {
  claim,
  event,
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
  readonly proxy: Proxy
  readonly store: WriteStore
  readonly log: EventStore
}

/** A store that reaches its database through a proxy. */
async function openThroughProxy(): Promise<Place> {
  const url = await createDatabase(server.url('postgres'), `connections_${++databases}`)
  const proxy = await startProxy(url)
  const store = await openPostgresStore({ url: proxy.through(url), statementMs: 500 })
  return {
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
