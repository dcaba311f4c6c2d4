// `rampart backup` and `rampart restore` over a PostgreSQL database: what is in a backup, what clients notice
// of a restore, and what is left when one is refused or killed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { backUpDatabase, type CopyProgress } from '../backup/index.ts'
import { startHost, type RunningHost } from '../host/index.ts'
import { createDatabase, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { rampart } from './test/run-rampart.ts'

let server: PostgresServer
let folder: string
let made = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  folder = await mkdtemp(join(tmpdir(), 'rampart-database-backup-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const newDatabase = () => createDatabase(server.url('postgres'), `test_${++made}`)
const newFolder = (): string => join(folder, String(++made))

async function ask(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0])
  } finally {
    await client.end()
  }
}

function serve(url: string, settings: Readonly<Record<string, string>> = {}): Promise<RunningHost> {
  const environment = {
    PORT: '0',
    RAMPART_DATA: newFolder(),
    RAMPART_STORE: url,
    RAMPART_RATE_PER_SECOND: '0',
    ...settings,
  }
  return startHost({ mounts: [{ prefix: '', app: counter }], environment, reportFault() {} })
}

async function count({ url }: RunningHost, streamId: string, key: string) {
  const headers = { 'content-type': 'application/json', 'idempotency-key': key }
  const body = JSON.stringify({ streamId, data: { by: 1 } })
  const answer = await fetch(`${url}/commands/Count`, { method: 'POST', headers, body })
  expect(answer.status).toBe(200)
  const { position } = (await answer.json()) as { position: number }
  return { position, token: answer.headers.get('consistency-token') ?? '' }
}

async function read({ url }: RunningHost, key: string, token: string) {
  const headers: Record<string, string> = token === '' ? {} : { 'consistency-token': token }
  const response = await fetch(`${url}/reads/totals/${key}`, { headers })
  const body: unknown = await response.json()
  return { status: response.status, body }
}

/** A flood of commands until it is told to stop. */
function flood(host: RunningHost) {
  const positions: number[] = []
  const over = new AbortController()
  let next = 0
  const lanes = Array.from({ length: 8 }, async () => {
    while (!over.signal.aborted) {
      const number = next++
      // oxlint-disable-next-line no-await-in-loop -- one after the other, eight at a time
      positions.push((await count(host, `s${number % 7}`, `key-${number}`)).position)
    }
  })
  const stop = async (): Promise<void> => {
    over.abort()
    await Promise.all(lanes)
  }
  return { positions, stop }
}

const heads = 'SELECT max(position)::int FROM rampart_write.events'

test('a backup beside writers has all that was acknowledged, and fills an empty database', async () => {
  const url = await newDatabase()
  const to = newFolder()
  await using host = await serve(url)
  const writers = flood(host)
  await expect.poll(() => writers.positions.length).toBeGreaterThan(200)
  const before = Math.max(...writers.positions)
  const backup = await rampart('backup', to, '--store', url)
  await writers.stop()
  expect(backup).toMatchObject({ code: 0, stderr: '' })
  const [, head = ''] = /^counter: default\/counter\/0 up to position (\d+)\n/.exec(backup.stdout) ?? []
  expect(Number(head)).toBeGreaterThanOrEqual(before)
  const empty = await newDatabase()
  expect(await rampart('restore', to, '--store', empty)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^counter: default\/counter\/0 up to position \d+\nThe backup of \S+ is restored/,
    ),
  })
  expect(await ask(empty, heads)).toEqual([Number(head)])
  expect(await rampart('verify', '--store', empty)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/Nothing was/),
  })
})

test('after a restore older tokens hold, lost ones are recognised, and everything goes on', async () => {
  const url = await newDatabase()
  const to = newFolder()
  const tokens = { kept: '', lost: '' }
  {
    await using host = await serve(url)
    tokens.kept = (await count(host, 'a', 'first')).token
    expect(await rampart('backup', to, '--store', url)).toMatchObject({ code: 0 })
    tokens.lost = (await count(host, 'a', 'second')).token
    expect((await read(host, 'a', tokens.lost)).body).toMatchObject({ data: { total: 2 } })
    const refused = await rampart('restore', to, '--store', url, '--replace')
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/processes have it open/)])
  }
  const cutOff = `'cut off', 'counter', '{}', 4711, 'far', NULL, true, now(), now()`
  await ask(url, `INSERT INTO rampart_host.processes SELECT ${cutOff}`)
  const cut = await rampart('restore', to, '--store', url, '--replace')
  expect([cut.code, cut.stderr]).toEqual([1, expect.stringMatching(/processes run \(4711 on far\)/)])
  await ask(url, 'DELETE FROM rampart_host.processes')
  const full = await rampart('restore', to, '--store', url)
  expect([full.code, full.stderr]).toEqual([2, expect.stringMatching(/holds a store already/)])
  const { code, stdout } = await rampart('restore', to, '--store', url, '--replace')
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/What was there is in the schema rampart_write_before_\w+\. Drop it/),
  ])
  await using host = await serve(url)
  expect((await read(host, 'a', tokens.kept)).body).toMatchObject({ data: { total: 1 } })
  expect(await read(host, 'a', tokens.lost)).toMatchObject({ status: 400, body: { code: 'TOKEN_INVALID' } })
  expect((await count(host, 'a', 'first')).position).toBe(1)
  expect((await count(host, 'new', 'second')).position).toBe(2)
  expect(await read(host, 'new', (await count(host, 'new', 'third')).token)).toMatchObject({
    body: { data: { total: 2 } },
  })
  expect(await ask(url, 'SELECT count(*)::int FROM rampart_write.epochs')).toEqual([2])
})

test('a process that only serves waits after a restore for who makes and derives what it reads', async () => {
  const url = await newDatabase()
  const to = newFolder()
  const part = (roles: string) => serve(url, { RAMPART_ROLES: roles })
  {
    await using host = await serve(url)
    await count(host, 'a', 'first')
    expect(await rampart('backup', to, '--store', url)).toMatchObject({ code: 0 })
    const { token } = await count(host, 'a', 'lost')
    expect(await read(host, 'a', token)).toMatchObject({ status: 200 })
  }
  expect(await rampart('restore', to, '--store', url, '--replace')).toMatchObject({ code: 0 })
  const waits = serve(url.replace('postgres@', 'rampart_reader@'), { RAMPART_ROLES: 'serve' })
  await using writer = await part('write')
  await using reader = await waits
  const kept = await count(writer, 'a', 'after')
  // Nothing of the lost future is shown, and no token of the new one is called lost.
  expect(await read(reader, 'a', kept.token)).toMatchObject({ status: 503 })
  expect(await read(reader, 'a', '')).toMatchObject({ status: 503 })
  await using _projector = await part('project')
  await expect.poll(async () => (await read(reader, 'a', kept.token)).status, { timeout: 10_000 }).toBe(200)
  expect(await read(reader, 'a', kept.token)).toMatchObject({ body: { version: 2 } })
})

test('a backup that fails at its first table or its last leaves nothing of it', async () => {
  const url = await newDatabase()
  await (await serve(url))[Symbol.asyncDispose]()
  const names = new Set<string>()
  await backUpDatabase({ url, to: newFolder(), onProgress: ({ what }) => names.add(what) })
  const tables = [...names]
  for (const failing of [tables[0], tables.at(-1)]) {
    const to = newFolder()
    const onProgress = ({ what }: CopyProgress): void => {
      if (what === failing) throw new Error('no more')
    }
    await expect(backUpDatabase({ url, to, onProgress })).rejects.toThrow('no more')
    expect(existsSync(to)).toBe(false)
  }
  const to = newFolder()
  expect((await rampart('backup', to, '--store', 'postgres://127.0.0.1:1/none')).code).toBe(1)
  expect(existsSync(to)).toBe(false)
})

test('a damaged backup, an unfinished one and one of files change nothing', async () => {
  const url = await newDatabase()
  const to = newFolder()
  {
    await using host = await serve(url)
    await count(host, 'a', 'first')
  }
  await rampart('backup', to, '--store', url)
  const damaged = newFolder()
  await cp(to, damaged, { recursive: true })
  await appendFile(join(damaged, 'streams.copy'), '99\t1\tcounter\tforged\n')
  const unfinished = newFolder()
  await cp(to, unfinished, { recursive: true })
  await rm(join(unfinished, 'manifest.json'))
  for (const [from, reason] of [
    [damaged, /streams\.copy is not what the backup's manifest says/],
    [unfinished, /is no backup, or one that was never finished/],
  ] as const) {
    const empty = await newDatabase()
    const { code, stderr } = await rampart('restore', from, '--store', empty)
    expect([code, stderr]).toEqual([1, expect.stringMatching(reason)])
    expect(await ask(empty, "SELECT to_regnamespace('rampart_write')")).toEqual([null])
  }
  const { code, stderr } = await rampart('restore', to, '--data', newFolder())
  expect([code, stderr]).toEqual([1, expect.stringMatching(/is a backup of a database/)])
})

test('a restore that is killed at any step has changed nothing, and can be run again', async () => {
  const url = await newDatabase()
  const to = newFolder()
  {
    await using host = await serve(url)
    await count(host, 'a', 'first')
    await rampart('backup', to, '--store', url)
    await count(host, 'a', 'second')
  }
  const script = fileURLToPath(new URL('../backup/test/restore-and-die.ts', import.meta.url))
  const arguments_ = [...process.execArgv, '--conditions=rampart-source', script, to, url]
  let deaths = 0
  for (const every = process.env['FAULTS'] === 'all' ? 1 : 3; ; deaths += every) {
    const child = spawn(process.execPath, [...arguments_, String(deaths + 1)], { stdio: 'inherit' })
    const [code, signal] = await once(child, 'close')
    expect(signal ?? code).toBe(signal === null ? 0 : 'SIGKILL')
    if (signal === null) break
    // The server notices the end of the connection, and forgets the transaction.
    await expect.poll(() => ask(url, heads)).toEqual([2])
    expect(await ask(url, "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%_before_%'")).toEqual([])
  }
  expect(deaths).toBeGreaterThan(3)
  expect(await ask(url, heads)).toEqual([1])
})

test('a database that was put back by other means recognises tokens of what it lost', async () => {
  const url = await newDatabase()
  {
    await using host = await serve(url)
    await count(host, 'a', 'first')
  }
  const copy = await createDatabase(server.url('postgres'), `test_${++made}`, new URL(url).pathname.slice(1))
  const tokens: string[] = []
  {
    await using host = await serve(url)
    tokens.push((await count(host, 'a', 'first')).token, (await count(host, 'a', 'lost')).token)
  }
  await using host = await serve(copy)
  const [kept = '', lost = ''] = tokens
  expect((await count(host, 'b', 'other')).position).toBe(2)
  expect((await read(host, 'a', kept)).body).toMatchObject({ data: { total: 1 } })
  expect(await read(host, 'a', lost)).toMatchObject({ status: 400, body: { code: 'TOKEN_INVALID' } })
})

test('rows that were put back by hand keep their numbers, and new ones follow them', async () => {
  const url = await newDatabase()
  {
    await using host = await serve(url)
    for (const stream of ['a', 'b', 'c']) await count(host, stream, stream)
  }
  const identities = ['streams', 'event_types', 'tags', 'inbox', 'dead_letters']
  for (const table of identities) {
    const [column] = await ask(
      url,
      `SELECT column_name FROM information_schema.columns
       WHERE table_schema = 'rampart_write' AND table_name = '${table}' AND is_identity = 'YES'`,
    )
    await ask(url, `ALTER TABLE rampart_write.${table} ALTER COLUMN ${String(column)} RESTART WITH 1`)
  }
  await using host = await serve(url)
  expect((await count(host, 'd', 'd')).position).toBe(4)
})

test('what a backup consists of can be read without this program', async () => {
  const url = await newDatabase()
  const to = newFolder()
  {
    await using host = await serve(url)
    await count(host, 'a', 'first')
  }
  await rampart('backup', to, '--store', url)
  const manifest = JSON.parse(await readFile(join(to, 'manifest.json'), 'utf8')) as unknown
  expect(manifest).toMatchObject({ format: 2, logs: [{ app: 'counter', head: { position: 1 } }] })
  expect(await readFile(join(to, 'streams.copy'), 'utf8')).toBe('1\t1\tcounter\ta\n')
})
