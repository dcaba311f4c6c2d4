// A host whose PostgreSQL is away, comes back, breaks connections and is killed under load: clients hear 503
// and nothing worse, and what they were told has happened has happened once.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHost, type RunningHost } from 'rampart/host'
import { shop } from '../../packages/rampart/src/gateway/test/shop.ts'
import { migrationLock } from '../../packages/rampart/src/postgres/migrations.ts'
import {
  connectSql,
  createDatabase,
  runSql,
  startPostgres,
} from '../../packages/rampart/src/postgres/test/server.ts'
import { freePort } from '../programs/free-port.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { ask, placedOrders, until, type Answer } from './server.ts'
import { everyPoint } from './tools.ts'

type Server = Awaited<ReturnType<typeof startPostgres>>

let server: Server
let folder: string
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  folder = await mkdtemp(join(tmpdir(), 'rampart-away-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function emptyDatabase(): Promise<string> {
  return createDatabase(server.url('postgres'), `away_${++databases}`)
}

async function openHost(url: string, { port = 0, name = 'one', settings = {} } = {}): Promise<RunningHost> {
  return startHost({
    mounts: [{ prefix: '', app: shop }],
    environment: {
      PORT: String(port),
      RAMPART_DATA: join(folder, `${databases}-${name}`),
      RAMPART_STORE: url,
      RAMPART_STORE_SECONDS: '1',
      RAMPART_RATE_PER_SECOND: '0',
      ...settings,
    },
    reportFault: () => undefined,
  })
}

const cup = { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] }

async function place(base: string, id: string, prefer = 'wait=10'): Promise<Answer> {
  const headers = { 'idempotency-key': id, prefer }
  return ask(`${base}/commands/PlaceOrder`, { body: { streamId: id, data: cup }, headers })
}

/** What an answer says that tells of a database that is away. */
function awayOf({ status, body, headers }: Answer): readonly unknown[] {
  return [status, body['code'], headers.has('retry-after')]
}
const away = [503, 'STORE_UNAVAILABLE', true]

test('a database that is away at the start, or goes and comes back, is 503 until it is there', async () => {
  const url = await emptyDatabase()
  await using proxy = await startProxy(url)
  await proxy.down()
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const starting = openHost(proxy.through(url), { port })
  await until(async () => (await fetch(`${base}/healthz`).catch(() => undefined))?.status === 200)
  const unready = await ask(`${base}/readyz`)
  expect([unready.status, unready.body['ready']]).toEqual([503, false])
  expect(String(unready.body['reason'])).toMatch(/ECONNREFUSED.* tries again by itself/)
  expect(awayOf(await place(base, 'early'))).toEqual(away)
  await proxy.up()

  await using host = await starting
  expect(host.url).toBe(base)
  // A connection that is kept alive may be one to the server that only waited.
  await until(async () => (await place(base, 'early').catch(() => undefined))?.status === 200)
  await proxy.down()
  // The first write does not know yet that its connection has gone.
  expect((await place(base, 'later', 'respond-async')).status).toBe(503)
  expect(awayOf(await place(base, 'away'))).toEqual(away)
  expect(awayOf(await place(base, 'later', 'respond-async'))).toEqual(away)
  expect(awayOf(await ask(`${base}/reads/order/early`))).toEqual(away)
  expect((await ask(`${base}/healthz`)).status).toBe(200)
  await until(async () => (await ask(`${base}/readyz`)).status === 503)
  await proxy.up()
  await until(async () => (await place(base, 'away')).status === 200)
  await until(async () => (await ask(`${base}/readyz`)).status === 200)
  expect((await place(base, 'later', 'respond-async')).status).toBe(202)
  await until(async () => (await placedOrders(base)).length === 3)
  await until(async () => (await ask(`${base}/reads/order/later?v=1`)).status === 200)
})

test('reads are 503 within ten seconds of a silence, and whoever serves them is not ready', async () => {
  const url = await emptyDatabase()
  await using proxy = await startProxy(url)
  await using writer = await openHost(url)
  const openReader = (roles: string) => {
    // However long a statement may take.
    const settings = { RAMPART_STORE_SECONDS: '60', RAMPART_ROLES: roles }
    return openHost(proxy.through(url), { name: roles, settings })
  }
  await using projector = await openReader('project,serve')
  await using server = await openReader('serve')
  await until(async () => (await place(writer.url, 'one')).status === 200)
  const readers = [projector, server].map(({ url: base }) => ({
    read: () => ask(`${base}/reads/order/one`),
    isReady: async () => (await ask(`${base}/readyz`)).status === 200,
  }))
  const isServed = async ({ read, isReady }: (typeof readers)[number]): Promise<void> => {
    await until(async () => (await read()).status === 200)
    await until(isReady)
  }
  await Promise.all(readers.map(isServed))
  const begunMs = performance.now()
  proxy.silence()
  await Promise.all(
    readers.map(async ({ read, isReady }) => {
      expect(awayOf(await read())).toEqual(away)
      await until(async () => !(await isReady()))
    }),
  )
  expect(performance.now() - begunMs).toBeLessThan(10_000)
  proxy.release()
  await Promise.all(readers.map(isServed))
})

test('a process that starts while another one changes the schema is 503 until it is there', async () => {
  const url = await emptyDatabase()
  await using other = await connectSql(url)
  await other.run('BEGIN')
  await other.run(migrationLock)
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const starting = openHost(url, { port })
  await until(async () => (await fetch(`${base}/readyz`).catch(() => undefined))?.status === 503)
  const { body } = await ask(`${base}/readyz`)
  expect(String(body['reason'])).toMatch(/rampart_write is at step 0 of \d+, and cannot go on yet/)
  await other.run('ROLLBACK')
  await using host = await starting
  await until(async () => (await place(host.url, 'first').catch(() => undefined))?.status === 200)
})

test.each([
  ['connections', 'NOSUPERUSER CONNECTION LIMIT 0', 'SUPERUSER CONNECTION LIMIT -1', away],
  ['logins', 'NOLOGIN', 'LOGIN', [503, 'STORE_UNAVAILABLE', expect.any(Boolean)]],
])('a server that takes no more %s is 503, and forgotten when it does', async (of, less, again, refused) => {
  const url = await emptyDatabase()
  const user = `shop_${of}`
  await runSql(url, `CREATE ROLE ${user} LOGIN SUPERUSER`)
  const open = (settings: Record<string, string>) =>
    openHost(url.replace('postgres@', `${user}@`), { name: settings['RAMPART_ROLES'] ?? 'one', settings })
  await using host = await open({ RAMPART_ROLES: 'write,serve' })
  await using projector = await open({ RAMPART_ROLES: 'project,serve' })
  const bases = [host.url, projector.url]
  const areReady = async (status: number): Promise<boolean> =>
    (await Promise.all(bases.map((base) => ask(`${base}/readyz`)))).every(
      (answer) => answer.status === status,
    )
  expect((await place(host.url, 'first')).status).toBe(200)
  await until(() => areReady(200))
  // A limit holds for those who are no superusers.
  await runSql(url, `ALTER ROLE ${user} ${less}`)
  await runSql(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${user}'`)
  expect((await place(host.url, 'refused')).status).toBe(503)
  expect(awayOf(await place(host.url, 'refused'))).toEqual(refused)
  await until(() => areReady(503))
  await runSql(url, `ALTER ROLE ${user} ${again}`)
  await until(async () => (await place(host.url, 'refused')).status === 200)
  await until(() => areReady(200))
  expect(await placedOrders(host.url)).toEqual(['first', 'refused'])
  await until(async () => (await ask(`${projector.url}/reads/order/refused`)).status === 200)
})

test('a statement that waits for too long is 503, and what a client sends wrong is not', async () => {
  const url = await emptyDatabase()
  await using host = await openHost(url)
  expect((await place(host.url, 'first')).status).toBe(200)
  await until(async () => (await ask(`${host.url}/reads/order/first`)).status === 200)
  await using holder = await connectSql(url)
  await holder.run('BEGIN')
  await holder.run('LOCK TABLE rampart_write.events, rampart_read.collections IN ACCESS EXCLUSIVE MODE')
  const answers = await Promise.all([
    place(host.url, 'second'),
    place(host.url, 'later', 'respond-async'),
    ask(`${host.url}/reads/order/first`),
    ask(`${host.url}/admin/events`),
  ])
  await holder.run('ROLLBACK')
  expect(answers.map(awayOf)).toEqual(answers.map(() => away))
  await until(async () => (await place(host.url, 'second')).status === 200)

  const wrong = [
    'order/%00',
    'order?customer=%00',
    'order?search=%00',
    'order?cursor=%00',
    'order?status=%ed',
  ]
  const statuses = await Promise.all(
    wrong.map(async (path) => (await fetch(`${host.url}/reads/${path}`)).status),
  )
  expect(statuses.filter((status) => status >= 500)).toEqual([])
})

const overtakings = everyPoint ? 1000 : 10

test(
  `what a process knows of a stream decides nothing when another has gone on, ${overtakings} times`,
  { timeout: 300_000 },
  async () => {
    const url = await emptyDatabase()
    await using first = await openHost(url, { name: 'first' })
    await using second = await openHost(url, { name: 'second' })
    for (let round = 0; round < overtakings; round++) {
      const id = `order-${round}`
      const [one, other] = round % 2 === 0 ? [first.url, second.url] : [second.url, first.url]
      const cancel = async (key: string): Promise<Answer> =>
        ask(`${one}/commands/CancelOrder`, {
          body: { streamId: id, data: {} },
          headers: { 'idempotency-key': key },
        })
      // Each knows the stream as it left it: one as absent, the other as placed.
      const answers = [
        await cancel(`${id} too early`),
        await place(other, id),
        await cancel(`${id} in time`),
        await ask(`${other}/commands/PlaceOrder`, { body: { streamId: id, data: cup } }),
        await cancel(`${id} again`),
      ]
      const [early, placed, cancelled, again, late] = answers
      expect(answers.map(({ status }) => status)).toEqual([422, 200, 200, 422, 200])
      expect(early?.body).toMatchObject({ code: 'ORDER_NOT_FOUND' })
      expect([placed, cancelled, late].map((answer) => answer?.body['version'])).toEqual([1, 2, 2])
      expect(again?.body).toMatchObject({ code: 'ORDER_EXISTS', data: { status: 'cancelled' } })
    }
  },
)

interface Struck {
  readonly url: string
  readonly proxy: Proxy
}

async function backendsOf(url: string): Promise<readonly number[]> {
  const rows = await runSql(
    url,
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
     AND query LIKE '%rampart_write.append%'`,
  )
  return rows.map(({ pid }) => Number(pid))
}

const strikes: Readonly<Record<string, (struck: Struck) => Promise<void>>> = {
  'connections are cut': async ({ proxy }) => proxy.cut(),
  'answers are lost': async ({ proxy }) => {
    const before = proxy.lost()
    proxy.loseAnswers(3, 'append-')
    await until(async () => proxy.lost() >= before + 3)
  },
  'connections are half-open': async ({ proxy }) => {
    proxy.hold()
    await setTimeout(4000)
    proxy.release()
  },
  'a backend is ended': async ({ url }) => {
    for (const pid of await backendsOf(url)) await runSql(url, `SELECT pg_terminate_backend(${pid})`)
  },
  // The others end with it, and the server recovers.
  'a backend is killed': async ({ url }) => {
    for (const pid of await backendsOf(url)) process.kill(pid, 'SIGKILL')
  },
  'the server crashes': () => server.crash(),
}

const rounds = everyPoint ? 10 : 1
const some = ['answers are lost', 'a backend is killed', 'the server crashes']
const chosen = Object.entries(strikes).filter(([what]) => everyPoint || some.includes(what))
/** How many orders are placed before, between and after them. */
const between = everyPoint ? 100 : 20

interface Flood {
  /** The orders whose senders were told that they are placed. */
  readonly placed: readonly string[]
  /** The statuses of all answers. */
  readonly statuses: ReadonlySet<number>
  readonly end: () => Promise<void>
}

/** Eight clients that place one order after the other, and try until they are told that it is placed. */
function startFlood(base: string): Flood {
  const stop = new AbortController()
  const placed: string[] = []
  const statuses = new Set<number>()
  const placeSurely = async (id: string): Promise<void> => {
    for (let status = 0; status !== 200;) {
      status = (await place(base, id)).status
      statuses.add(status)
    }
    placed.push(id)
  }
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let number = 0; !stop.signal.aborted; number++) await placeSurely(`${client}-${number}`)
  })
  return {
    placed,
    statuses,
    end: async () => {
      stop.abort()
      await Promise.all(clients)
    },
  }
}

test(
  `orders are placed once and read as placed while PostgreSQL is struck ${rounds * chosen.length} times`,
  { timeout: 900_000 },
  async () => {
    const url = await emptyDatabase()
    await using proxy = await startProxy(url)
    await using host = await openHost(proxy.through(url))
    const { placed, statuses, end } = startFlood(host.url)
    const goesOn = async (): Promise<void> => {
      const before = placed.length
      await until(async () => placed.length > before + between)
    }
    await goesOn()
    for (const [what, strike] of chosen) {
      for (let round = 0; round < rounds; round++) {
        await strike({ url, proxy })
        const begunMs = performance.now()
        await goesOn()
        if (everyPoint) console.log(`${what}: goes on within ${Math.round(performance.now() - begunMs)} ms`)
      }
    }
    await end()
    expect([...statuses].filter((status) => ![200, 202, 503].includes(status))).toEqual([])
    expect((await placedOrders(host.url)).toSorted()).toEqual(placed.toSorted())
    await until(async () => ordersOf(await ask(`${host.url}/reads/customers/ada`)) === placed.length)
    await until(async () => (await shownOrders(host.url)).length === placed.length)
    expect((await shownOrders(host.url)).toSorted()).toEqual(placed.toSorted())
  },
)

function ordersOf({ body }: Answer): number {
  return Number(Object(body['data']).orders)
}

async function shownOrders(base: string): Promise<readonly string[]> {
  const keys: string[] = []
  for (let cursor = ''; ;) {
    const { body } = await ask(`${base}/reads/order?limit=1000${cursor}`)
    keys.push(...(body['items'] as readonly { readonly key: string }[]).map(({ key }) => key))
    const { next } = body
    if (typeof next !== 'string') return keys
    cursor = `&cursor=${encodeURIComponent(next)}`
  }
}
