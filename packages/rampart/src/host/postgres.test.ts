// Apps on one PostgreSQL, some of them in two processes' worth of hosts: what one records the other one
// serves, and knows again.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeToken, position } from '../core/codec/index.ts'
import { bodyOf, eventsOf, problemIn, shop } from '../gateway/test/shop.ts'
import { openPostgresReadStore } from '../postgres/index.ts'
import { createDatabase, runSql, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import type { Projection } from '../core/index.ts'
import { loadMount, startHost, type App, type RunningHost } from './index.ts'
import { papersAndSharesApp, papersApp } from './test/papers.ts'

let server: PostgresServer
let folder: string
let url: string
beforeAll(async () => {
  server = await startPostgres()
  folder = await mkdtemp(join(tmpdir(), 'rampart-hosts-'))
  url = await createDatabase(server.url('postgres'), 'hosts')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function openHost(name: string): Promise<RunningHost> {
  return openPart(name, { RAMPART_STORE: url })
}

/** The shop as one process among others. */
function openPart(
  name: string,
  settings: Readonly<Record<string, string>>,
  app: App = shop,
): Promise<RunningHost> {
  const environment = {
    PORT: '0',
    RAMPART_DATA: join(folder, name),
    RAMPART_RATE_PER_SECOND: '0',
    ...settings,
  }
  return startHost({ mounts: [{ prefix: '', app }], environment, reportFault: () => {} })
}

/** A database of its own, split over three processes, each a user of its own role. */
async function openSplit(name: string, app: App = shop) {
  const own = await createDatabase(server.url('postgres'), name)
  const as = (user: string): string => own.replace('postgres@', `${user}@`)
  const openers = {
    writer: () => openPart(`${name}-writer`, { RAMPART_ROLES: 'write', RAMPART_STORE: own }, app),
    projector: (code = app) =>
      openPart(
        `${name}-projector`,
        { RAMPART_ROLES: 'project', RAMPART_PROJECTOR_STORE: as('rampart_projector') },
        code,
      ),
    reader: (code = app) =>
      openPart(
        `${name}-reader`,
        { RAMPART_ROLES: 'serve', RAMPART_READER_STORE: as('rampart_reader') },
        code,
      ),
  }
  const writer = await openers.writer()
  return { ...openers, writer }
}

const cup = { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] }

async function place(host: RunningHost, streamId: string, headers = {}): Promise<Response> {
  const body = JSON.stringify({ streamId, data: cup })
  const sent = { 'content-type': 'application/json', ...headers }
  return fetch(`${host.url}/commands/PlaceOrder`, { method: 'POST', headers: sent, body })
}

async function cancel(host: RunningHost, streamId: string): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ streamId, data: {} })
  return fetch(`${host.url}/commands/CancelOrder`, { method: 'POST', headers, body })
}

test('a command to one process is read from another by its token', async () => {
  await using one = await openHost('one')
  await using other = await openHost('other')
  for (const id of ['1', '2', '3']) {
    const placed = await place(one, id)
    expect(placed.status).toBe(200)
    const token = placed.headers.get('consistency-token') ?? ''
    const read = await fetch(`${other.url}/reads/order/${id}`, { headers: { 'consistency-token': token } })
    expect(read.status).toBe(200)
    expect(await read.json()).toMatchObject({ key: id, version: 1 })
  }
})

test('a key that one process has answered is known to the other', async () => {
  await using one = await openHost('one')
  await using other = await openHost('other')
  const key = { 'idempotency-key': 'once' }
  const first: unknown = await (await place(one, '10', key)).json()
  const second = await place(other, '10', key)
  expect(second.status).toBe(200)
  expect(await second.json()).toEqual(first)
  expect((await place(other, '11', key)).status).toBe(409)
  expect((await place(other, '10')).status).toBe(422)
})

test('a command that one process accepted for later is handled once, whoever takes it', async () => {
  await using one = await openHost('one')
  await using other = await openHost('other')
  const accepted = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      place(index % 2 === 0 ? one : other, `later-${index}`, { prefer: 'respond-async' }),
    ),
  )
  const ends = accepted.map(async (response) => {
    const status = `${other.url}${response.headers.get('location') ?? ''}`
    await expect
      .poll(async (): Promise<unknown> => (await fetch(status)).json())
      .toMatchObject({ status: 'succeeded', version: 1 })
  })
  await Promise.all(ends)
  expect(accepted.map(({ status }) => status)).toEqual(accepted.map(() => 202))
})

const workspaceRoot = join(import.meta.dirname, '../../../..')

/** The reference systems on one gateway; the sample of orders is left out. */
async function openReferences(): Promise<RunningHost> {
  process.env['RAMPART_SAMPLE'] = 'none'
  const places = ['calculator', 'orders'].map((name) => ({ prefix: `/${name}`, path: `apps/${name}` }))
  const mounts = await Promise.all(places.map((place) => loadMount(place, [workspaceRoot])))
  const environment = { PORT: '0', RAMPART_DATA: join(folder, 'references'), RAMPART_STORE: url }
  return startHost({ mounts, environment })
}

/** Sends a command, and answers with what reads of its effect must carry. */
async function send(target: string, body: object): Promise<{ readonly headers: Record<string, string> }> {
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } }
  const answer = await fetch(target, { ...init, body: JSON.stringify(body) })
  expect(answer.status).toBe(200)
  await answer.text()
  return { headers: { 'consistency-token': answer.headers.get('consistency-token') ?? '' } }
}

const lamp = { sku: 'LAMP', description: 'RED LAMP', quantity: 2, unitPricePence: 1250 }
const invoice = { customerId: '17850', country: 'France', placedOn: '2011-02-01', lines: [lamp] }

test('the reference systems keep everything there, and nothing on the disk', async () => {
  await using host = await openReferences()
  const read = async (path: string, after: Awaited<ReturnType<typeof send>>): Promise<unknown> =>
    (await fetch(`${host.url}${path}`, after)).json()

  const streamId = '0d8fe5a0-0d9a-4e8c-9d7a-0f8a2f2a3b11'
  const added = await send(`${host.url}/calculator/commands/CreateValue`, { streamId, data: { value: 5 } })
  expect(await read(`/calculator/values/${streamId}`, added)).toMatchObject({ value: 5, version: 1 })

  const orders = `${host.url}/orders`
  await send(`${orders}/commands/PlaceOrder`, { streamId: '1', data: invoice })
  const second = await send(`${orders}/commands/PlaceOrder`, { streamId: '2', data: invoice })
  expect(await read('/orders/reads/order/2?v=1', second)).toMatchObject({ data: { status: 'placed' } })
  const listed = await read('/orders/reads/order?customerId=17850&limit=1', second)
  expect(listed).toMatchObject({ items: [{ key: '1' }], next: expect.any(String) })
  const found = await read('/orders/reads/products?search=lam', second)
  expect(found).toMatchObject({ items: [{ key: 'LAMP', data: { quantitySold: 4 } }] })

  const stream = await fetch(`${orders}/reads/order/1`, { headers: { accept: 'text/event-stream' } })
  const live = eventsOf(stream)
  expect((await live.next())?.data).toMatchObject({ key: '1', version: 1 })
  await send(`${orders}/commands/CancelOrder`, { streamId: '1', data: { reason: 'too dear' } })
  const changed = await live.next()
  expect(changed?.data).toMatchObject({ key: '1', version: 2, data: { status: 'cancelled' } })
  await live.close()
  const left = await readdir(join(folder, 'references'), { recursive: true })
  expect(left.toSorted()).toEqual(['calculator', 'orders'])
})

function getFrom({ url }: RunningHost) {
  return (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers })
}

const events = { accept: 'text/event-stream' }
/** What a read must contain, however long a process takes to go on where another one ended. */
const tokenOf = (answer: Response): Record<string, string> => ({
  'consistency-token': answer.headers.get('consistency-token') ?? '',
  prefer: 'wait=60',
})

test('what one process records and another one projects is served by a third', async () => {
  const { writer, projector: openProjector, reader: openReader } = await openSplit('thirds')
  await using _writer = writer
  await using _projector = await openProjector()
  await using reader = await openReader()
  const get = getFrom(reader)
  for (const id of ['1', '2', '3']) {
    const read = await get(`/reads/order/${id}`, tokenOf(await place(writer, id)))
    expect(await bodyOf(read)).toMatchObject({ key: id, version: 1 })
  }
  const live = eventsOf(await get('/reads/order/1', events))
  const first = await live.next()
  const cancelled = await cancel(writer, '1')
  expect(await bodyOf(await get('/reads/order/1?v=2'))).toMatchObject({ data: { status: 'cancelled' } })
  expect((await live.next())?.data).toMatchObject({ version: 2 })
  await live.close()
  const resumed = eventsOf(await get('/reads/order/1', { ...events, 'last-event-id': first?.id ?? '' }))
  expect(await resumed.next()).toMatchObject({ event: undefined, data: { version: 2 } })
  await resumed.close()
  const found = await get('/reads/order?status=cancelled&search=ad', tokenOf(cancelled))
  expect((await bodyOf(found)).items).toMatchObject([{ key: '1' }])
  // A projection that the event does not touch gets there all the same.
  expect((await get('/reads/parcels', tokenOf(cancelled))).status).toBe(200)
  const lost = { epoch: 'another', position: position(1), eventId: 'x.0' }
  const foreign = { 'consistency-token': encodeToken(new Map([['default/shop/0', lost]])) }
  expect(await problemIn(await get('/reads/order/1', foreign))).toMatchObject({ code: 'TOKEN_INVALID' })
  await expect
    .poll(async () => bodyOf(await get('/readyz')))
    .toMatchObject({
      ready: true,
      projections: { 'shop/order': { lagEvents: 0, lagSeconds: 0 } },
    })
})

test('documents that commit with events are served by a process that sees no event', async () => {
  const { writer, reader: openReader } = await openSplit('papers', papersApp())
  await using reader = await openReader()
  const share = (streamId: string, people: readonly string[]) =>
    fetch(`${writer.url}/commands/SharePaper`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ streamId, data: { people } }),
    })
  const get = getFrom(reader)
  const shared = await share('p', ['ada', 'bob'])
  expect(await bodyOf(await get('/reads/access/ada', tokenOf(shared)))).toMatchObject({
    data: { papers: ['p'] },
  })
  const live = eventsOf(await get('/reads/access/ada', events))
  expect((await live.next())?.data).toMatchObject({ data: { count: '1' } })
  const again = await share('q', ['ada'])
  expect((await live.next())?.data).toMatchObject({ data: { count: '2' } })
  await live.close()
  expect(await bodyOf(await get('/reads/sharing/p?v=2'))).toMatchObject({ data: { people: 2 } })
  const listed = await bodyOf(await get('/reads/access?count=2&search=pers', tokenOf(again)))
  expect(listed.items).toMatchObject([{ key: 'ada' }])
  const lost = { epoch: 'another', position: position(1), eventId: 'x.0' }
  const foreign = { 'consistency-token': encodeToken(new Map([['default/papers/0', lost]])) }
  expect(await problemIn(await get('/reads/access/ada', foreign))).toMatchObject({ code: 'TOKEN_INVALID' })
  await writer[Symbol.asyncDispose]()
  expect(await bodyOf(await get('/reads/access/bob', tokenOf(again)))).toMatchObject({
    data: { papers: ['p'] },
  })
})

test('documents of both kinds are served over one connection', async () => {
  const app = papersAndSharesApp()
  const { writer, projector: openProjector } = await openSplit('kinds', app)
  await using _writer = writer
  await using _projector = await openProjector()
  const own = server.url('kinds').replace('postgres@', 'rampart_reader@')
  const only = { RAMPART_ROLES: 'serve', RAMPART_READER_STORE: own, RAMPART_STORE_READERS: '1' }
  await using reader = await openPart('kinds-reader', only, app)
  const shared = await fetch(`${writer.url}/commands/SharePaper`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ streamId: 'p', data: { people: ['ada'] } }),
  })
  for (const path of ['/reads/access/ada', '/reads/shares/p', '/reads/access', '/reads/shares']) {
    const read = await fetch(`${reader.url}${path}`, { headers: tokenOf(shared) })
    expect([path, read.status]).toEqual([path, 200])
  }
})

test('a process that comes before the tables are made waits for who may make them', async () => {
  const own = await createDatabase(server.url('postgres'), 'early')
  const waits = Promise.withResolvers<unknown>()
  const projector = own.replace('postgres@', 'rampart_projector@')
  const early = startHost({
    mounts: [{ prefix: '', app: shop }],
    environment: { PORT: '0', RAMPART_ROLES: 'project', RAMPART_PROJECTOR_STORE: projector },
    reportFault: waits.resolve,
  })
  early.catch(waits.reject)
  expect(String(await waits.promise)).toMatch(/at step 0 of|role "rampart_projector" does not exist/)
  await using _writer = await openPart('early-writer', { RAMPART_ROLES: 'write', RAMPART_STORE: own })
  await using host = await early
  expect((await fetch(`${host.url}/readyz`)).status).toBe(200)
})

test('a process that only serves waits for tables that are gone, as after a restore', async () => {
  const papers = papersApp()
  const { writer, reader: openReader } = await openSplit('emptied', papers)
  await writer[Symbol.asyncDispose]()
  const own = server.url('emptied')
  await runSql(own, 'ALTER SCHEMA rampart_documents RENAME TO rampart_documents_before')
  const early = openReader()
  await using _writer = await openPart(
    'emptied-again',
    { RAMPART_ROLES: 'write', RAMPART_STORE: own },
    papers,
  )
  await using reader = await early
  expect((await fetch(`${reader.url}/readyz`)).status).toBe(200)
})

test('a request for another role says which one answers it', async () => {
  const { writer, projector: openProjector, reader: openReader } = await openSplit('elsewhere')
  await using _writer = writer
  expect(await problemIn(await fetch(`${writer.url}/admin/quarantine`))).toMatchObject({
    status: 503,
    code: 'PROJECTION_STOPPED',
    detail: expect.stringContaining('the role project'),
  })
  await using projector = await openProjector()
  await using reader = await openReader()
  const elsewhere = async (answer: Response, role: string) =>
    expect(await problemIn(answer)).toMatchObject({
      status: 404,
      code: 'ROLE_ELSEWHERE',
      detail: expect.stringContaining(`the role ${role}`),
    })
  await elsewhere(await place(reader, '1'), 'write')
  await elsewhere(await fetch(`${writer.url}/reads/order/1`), 'serve')
  await elsewhere(await fetch(`${projector.url}/reads/order/1`), 'serve')
  await elsewhere(await fetch(`${reader.url}/admin/quarantine`), 'write')
  await elsewhere(await fetch(`${reader.url}/admin/events`), 'write')
  const paths = async (host: RunningHost) =>
    Object.keys((await bodyOf(await fetch(`${host.url}/openapi.json`))).paths)
  expect((await paths(reader)).every((path) => !path.startsWith('/commands'))).toBe(true)
  expect((await paths(writer)).every((path) => !path.startsWith('/reads'))).toBe(true)
  expect(await paths(writer)).toContain('/admin/quarantine')
  const head = async () => (await fetch(`${writer.url}/admin/quarantine`, { method: 'HEAD' })).status
  await expect.poll(head).toBe(200)
  expect((await fetch(`${reader.url}/nothing`)).status).toBe(404)
})

test('other processes say what becomes of projections, and what theirs answers operators', async () => {
  const broken = { key: '', rule: '' }
  const [context] = shop.contexts
  const projections = context.projections.map((projection): Projection => {
    const { OrderPlaced = () => null } = projection.on
    const placed: typeof OrderPlaced = (...args) => {
      if (broken.key !== '' && args[2] === broken.key) throw new Error('no reason')
      return OrderPlaced(...args)
    }
    const keysOf: Projection['keysOf'] = (event) => {
      if (projection.name === broken.rule) throw new Error('no key')
      return projection.keysOf(event)
    }
    return { ...projection, keysOf, on: { ...projection.on, OrderPlaced: placed } }
  })
  const app: App = { ...shop, contexts: [{ ...context, projections }] }
  const { writer, projector: openProjector, reader: openReader } = await openSplit('states', app)
  await using _writer = writer
  await using reader = await openReader()
  const get = getFrom(reader)
  expect(await problemIn(await get('/reads/order/1'))).toMatchObject({
    code: 'PROJECTION_STOPPED',
    detail: expect.stringContaining('the role project'),
  })
  broken.key = 'bad'
  await using _projector = await openProjector()
  await place(writer, 'bad')
  expect((await get('/reads/order/good?v=1', tokenOf(await place(writer, 'good')))).status).toBe(200)
  expect(await problemIn(await get('/reads/order/bad'))).toMatchObject({ code: 'KEY_QUARANTINED' })
  await expect
    .poll(async () => bodyOf(await get('/readyz')))
    .toMatchObject({ projections: { 'shop/order': { quarantinedKeys: 1, lagEvents: 0 } } })
  const replay = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"action":"replay"}',
  }
  broken.key = ''
  // Its process has registered a moment after it started.
  const quarantine = () => fetch(`${writer.url}/admin/quarantine`)
  await expect.poll(async () => (await bodyOf(await quarantine())).items).toMatchObject([{ key: 'bad' }])
  expect((await fetch(`${writer.url}/admin/quarantine/order/good`)).status).toBe(404)
  const treated = await fetch(`${writer.url}/admin/quarantine/order/bad`, replay)
  expect(treated.status).toBe(200)
  expect(await treated.json()).toMatchObject({ status: 'healed' })
  await expect.poll(async () => (await get('/reads/order/bad')).status).toBe(200)

  const live = eventsOf(await get('/reads/order', events))
  await live.take(2)
  const rebuild = { ...replay, body: '{"action":"start"}' }
  expect((await fetch(`${writer.url}/admin/projections/order/rebuild`, rebuild)).status).toBe(202)
  const placed = await place(writer, 'later')
  // Where the build takes the place of what was live, the stream begins anew.
  for (let event = await live.next(); event?.data.key !== 'later';) event = await live.next()
  expect((await get('/reads/order/later', tokenOf(placed))).status).toBe(200)
  await expect
    .poll(async () => bodyOf(await fetch(`${writer.url}/admin/projections/order/rebuild`)))
    .toMatchObject({ live: { generation: 2 } })
  await live.close()

  broken.rule = 'customers'
  const behind = await place(writer, 'last')
  await expect
    .poll(async () => (await problemIn(await get('/reads/customers/ada', tokenOf(behind)))).code)
    .toBe('PROJECTION_STOPPED')
  expect((await get('/reads/order/last', tokenOf(behind))).status).toBe(200)
})

/** The shop, whose orders are spread over parts. */
function shopIn(parts: number): App {
  const [context] = shop.contexts
  const projections = context.projections.map((one) => (one.name === 'order' ? { ...one, parts } : one))
  return { ...shop, contexts: [{ ...context, projections }] }
}

const rebuildOfOrders = '/admin/projections/order/rebuild'

/** How many parts of the orders a process keeps. */
async function partsHere(host: RunningHost): Promise<number> {
  const headers = { 'rampart-asked': '1' }
  return (await bodyOf(await fetch(`${host.url}${rebuildOfOrders}`, { headers }))).parts?.here ?? 0
}

test('the parts of a projection are kept by several processes and served as one', async () => {
  const { writer, projector: openProjector, reader: openReader } = await openSplit('parts', shopIn(4))
  await using _writer = writer
  const first = await openProjector()
  await using second = await openProjector()
  await using reader = await openReader()
  const get = getFrom(reader)
  await expect.poll(async () => Math.min(await partsHere(first), await partsHere(second))).toBeGreaterThan(0)
  const all = async () => bodyOf(await fetch(`${writer.url}${rebuildOfOrders}`))
  await expect.poll(async () => (await all()).parts).toEqual({ here: 4, all: 4 })

  const ids = Array.from({ length: 20 }, (_, index) => `${index}`.padStart(2, '0'))
  const answers = await Promise.all(ids.map((id) => place(writer, id)))
  for (const [index, answer] of answers.entries()) {
    const read = await get(`/reads/order/${ids[index]}`, tokenOf(answer))
    expect(await bodyOf(read)).toMatchObject({ key: ids[index], version: 1 })
  }
  const page = await bodyOf(await get('/reads/order?limit=15', tokenOf(await place(writer, '20'))))
  expect(page.items.map(({ key }: { key: string }) => key)).toEqual(ids.slice(0, 15))
  const rest = await bodyOf(await get(`/reads/order?limit=15&cursor=${page.next}`))
  expect(rest.items.map(({ key }: { key: string }) => key)).toEqual([...ids.slice(15), '20'])
  const live = eventsOf(await get('/reads/order', events))
  expect(new Set((await live.take(21)).map(({ data }) => data.key))).toEqual(new Set([...ids, '20']))
  const follow = async (id: string, more: Record<string, string> = {}) =>
    eventsOf(await get(`/reads/order/${id}`, { ...events, ...more }))
  const followed = await Promise.all(ids.slice(0, 8).map((id) => follow(id)))
  const seen = await Promise.all(followed.map((one) => one.next()))
  expect(seen.map((event) => event?.data)).toMatchObject(ids.slice(0, 8).map((key) => ({ key, version: 1 })))

  // What one of them kept goes on in the other.
  await first[Symbol.asyncDispose]()
  const later = await place(writer, 'later')
  expect((await get('/reads/order/later', tokenOf(later))).status).toBe(200)
  expect((await get('/reads/order', tokenOf(later))).status).toBe(200)
  expect((await live.next())?.data).toMatchObject({ key: 'later' })
  await live.close()

  // Some clients of single keys stayed, and others come again.
  await Promise.all(followed.slice(0, 4).map((one) => one.close()))
  for (const id of ids.slice(0, 8)) expect((await cancel(writer, id)).status).toBe(200)
  const again = ids.slice(0, 4).map((id, index) => follow(id, { 'last-event-id': seen[index]?.id ?? '' }))
  for (const [index, one] of [...(await Promise.all(again)), ...followed.slice(4)].entries()) {
    const cancelled = { key: ids[index], version: 2, data: { status: 'cancelled' } }
    expect(await one.next()).toMatchObject({ event: undefined, data: cancelled })
    await one.close()
  }
  expect(await partsHere(second)).toBe(4)
  const readiness = await bodyOf(await get('/readyz'))
  expect(Object.keys(readiness.projections)).toContain('shop/order')
})

test('another number of parts takes over without a gap while the one before is kept', async () => {
  const { writer, projector: openProjector, reader: openReader } = await openSplit('numbers', shopIn(2))
  await using _writer = writer
  const before = await openProjector()
  await using reader = await openReader(shopIn(3))
  await using older = await openReader()
  const get = getFrom(reader)
  const placed = await Promise.all(['1', '2', '3', '4', '5'].map((id) => place(writer, id)))
  for (const answer of placed) expect((await get('/reads/order', tokenOf(answer))).status).toBe(200)
  await using reads = await openPostgresReadStore({ url: server.url('numbers'), namespace: 'shop' })
  const names = async () => (await reads.names('default/shop/0')).filter((name) => name.startsWith('order'))
  const first = await openProjector(shopIn(3))
  for (const id of ['6', '7', '8']) {
    const page = await bodyOf(await get('/reads/order', tokenOf(await place(writer, id))))
    expect(page.items).toHaveLength(Number(id))
  }
  await first[Symbol.asyncDispose]()
  const after = await openProjector(shopIn(3))
  expect(await names()).toHaveLength(5)
  await before[Symbol.asyncDispose]()
  const page = await bodyOf(await get('/reads/order', tokenOf(await place(writer, '9'))))
  expect(page.items).toHaveLength(9)
  await after[Symbol.asyncDispose]()
  await using _again = await openProjector(shopIn(3))
  expect((await names()).toSorted()).toEqual(['order/1of3', 'order/2of3', 'order/3of3'])
  // A process that serves by the number before follows.
  const ofOlder = getFrom(older)
  await expect.poll(async () => (await ofOlder('/reads/order')).status).toBe(200)
  const shown = await bodyOf(await ofOlder('/reads/order', tokenOf(await place(writer, 'last'))))
  expect(shown.items).toHaveLength(10)
  expect(await bodyOf(await ofOlder('/reads/order/last'))).toMatchObject({ key: 'last', version: 1 })
  const lags = async () => (await bodyOf(await ofOlder('/readyz'))).projections
  await expect.poll(lags).toMatchObject({ 'shop/order': { lagEvents: 0 } })
})
