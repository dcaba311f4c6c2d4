// Two processes' worth of hosts on one PostgreSQL: what one records the other one serves, and knows again.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shop } from '../gateway/test/shop.ts'
import { createDatabase, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import { startHost, type RunningHost } from './index.ts'

let server: PostgresServer
let folder: string
let url: string
beforeAll(async () => {
  server = await startPostgres()
  folder = await mkdtemp(join(tmpdir(), 'rampart-hosts-'))
  url = await createDatabase(server.url('postgres'), 'hosts')
}, 60_000)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

function openHost(name: string): Promise<RunningHost> {
  const environment = { PORT: '0', RAMPART_DATA: join(folder, name), RAMPART_STORE: url }
  return startHost({ mounts: [{ prefix: '', app: shop }], environment })
}

const cup = { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] }

async function place(
  host: RunningHost,
  streamId: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${host.url}/commands/PlaceOrder`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ streamId, data: cup }),
  })
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
      .poll(async () => {
        const answer = await fetch(status)
        const body: unknown = await answer.json()
        return body
      })
      .toMatchObject({ status: 'succeeded', version: 1 })
  })
  await Promise.all(ends)
  expect(accepted.map(({ status }) => status)).toEqual(accepted.map(() => 202))
})
