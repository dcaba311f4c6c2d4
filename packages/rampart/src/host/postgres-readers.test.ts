// A process that serves what it keeps itself, on PostgreSQL: documents are read as the user who is named for
// that, whatever else the process does.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shop } from '../gateway/test/shop.ts'
import { createDatabase, runSql, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import { startHost } from './index.ts'

let server: PostgresServer
let folder: string
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  folder = await mkdtemp(join(tmpdir(), 'rampart-readers-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function open(name: string, settings: Readonly<Record<string, string>>) {
  const environment = { PORT: '0', RAMPART_DATA: join(folder, name), ...settings }
  return startHost({ mounts: [{ prefix: '', app: shop }], environment, reportFault() {} })
}

test.each(['write,project,serve', 'project,serve'])(
  'a process with the roles %s reads documents as the user of RAMPART_READER_STORE',
  async (roles) => {
    const name = roles.replaceAll(',', '_')
    const url = await createDatabase(server.url('postgres'), name)
    await using writer = await open(`${name}-writer`, { RAMPART_STORE: url })
    await runSql(url, `CREATE ROLE ${name} NOLOGIN IN ROLE rampart_reader`)
    const settings = {
      RAMPART_ROLES: roles,
      RAMPART_STORE: url,
      RAMPART_PROJECTOR_STORE: url.replace('postgres@', 'rampart_projector@'),
      RAMPART_READER_STORE: url.replace('postgres@', `${name}@`),
    }
    await using host = await open(name, settings)
    const body = JSON.stringify({
      streamId: '1',
      data: { customer: 'ada', lines: [{ sku: 'cup', quantity: 1 }] },
    })
    const headers = { 'content-type': 'application/json' }
    const placed = await fetch(`${writer.url}/commands/PlaceOrder`, { method: 'POST', headers, body })
    const token = { 'consistency-token': placed.headers.get('consistency-token') ?? '' }
    const statuses = () =>
      Promise.all(
        ['/reads/order/1', '/reads/order?status=placed'].map(
          async (path) => (await fetch(`${host.url}${path}`, { headers: token })).status,
        ),
      )
    expect(await statuses()).toEqual([503, 503])
    const known = () => runSql(url, 'SELECT roles FROM rampart_host.processes ORDER BY since')
    await expect.poll(known).toMatchObject([{}, { roles: roles.split(',') }])
    await runSql(url, `ALTER ROLE ${name} LOGIN`)
    await expect.poll(statuses).toEqual([200, 200])
    // Once more when this process keeps them itself.
    await writer[Symbol.asyncDispose]()
    await expect.poll(statuses, { timeout: 20_000 }).toEqual([200, 200])
    await runSql(url, `ALTER ROLE ${name} NOLOGIN`)
    await runSql(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${name}'`)
    await expect.poll(statuses, { timeout: 20_000 }).toEqual([503, 503])
  },
)
