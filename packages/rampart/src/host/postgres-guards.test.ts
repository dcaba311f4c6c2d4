// What guards a PostgreSQL database from processes that do not fit: of an older version, or standing still.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { shop } from '../gateway/test/shop.ts'
import { accessOf } from '../postgres/access.ts'
import { connectWriter, endConnection } from '../postgres/database.ts'
import { createDatabase, runSql, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import { startHost } from './index.ts'

let server: PostgresServer
let folder: string
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  folder = await mkdtemp(join(tmpdir(), 'rampart-guards-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function start(url: string, reportFault: (fault: unknown) => void = () => {}) {
  const environment = { PORT: '0', RAMPART_DATA: folder, RAMPART_STORE: url }
  return startHost({ mounts: [{ prefix: '', app: shop }], environment, reportFault })
}

/** A database that a process of a newer version has used. */
async function newerDatabase(schema: string): Promise<string> {
  const url = await createDatabase(server.url('postgres'), schema)
  await (await start(url))[Symbol.asyncDispose]()
  await runSql(url, `INSERT INTO ${schema}.schema_steps (step) VALUES (99)`)
  return url
}

function isNewer(schema: string) {
  const what = `The schema ${schema} is at step 99, and this version knows \\d+ at most`
  return { code: 'STORE_SCHEMA_NEWER', message: expect.stringMatching(what) }
}

test.each(['rampart_write', 'rampart_documents', 'rampart_read'])(
  'a process does not start on a database whose schema %s a newer version has changed',
  async (schema) => {
    await expect(start(await newerDatabase(schema))).rejects.toMatchObject(isNewer(schema))
  },
)

test('a process says so where a newer version has changed how processes register', async () => {
  const faults: unknown[] = []
  await using _host = await start(await newerDatabase('rampart_host'), (one) => void faults.push(one))
  await expect.poll(() => faults[0]).toMatchObject(isNewer('rampart_host'))
})

test('a transaction that its process leaves open for a second is ended by the server', async () => {
  const url = await createDatabase(server.url('postgres'), 'idle')
  const client = await connectWriter(accessOf({ url }))
  try {
    await client.query('BEGIN')
    const ofTransactions = "SELECT FROM pg_stat_activity WHERE datname = 'idle' AND xact_start < now()"
    const open = async () => (await runSql(url, `${ofTransactions} AND pid <> pg_backend_pid()`)).length
    expect(await open()).toBe(1)
    await expect.poll(open, { timeout: 5000 }).toBe(0)
    await expect(client.query('COMMIT')).rejects.toThrow(/not queryable|idle-in-transaction|terminated/)
  } finally {
    await endConnection(client)
  }
})
