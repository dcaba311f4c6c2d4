// The walls within a database: what each role may not do, and that the stores work as those roles.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from 'pg'
import type { EventStore, KeptCollection, ReadStore, WriteStore } from '../core/ports/index.ts'
import { keepNotes, noteShape, noting, written } from '../testing/document-store-contract-steps.ts'
import { appended, event, openShop, shopLog, write } from '../testing/event-store-contract-steps.ts'
import { systemRuntime } from '../core/index.ts'
import { openPostgresReadStore, openPostgresStore } from './index.ts'
import { registerProcess } from './processes/index.ts'
import { createDatabase, startPostgres, type PostgresServer } from './test/server.ts'

let server: PostgresServer
let owner: string
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  owner = await createDatabase(server.url('postgres'), 'walls')
  await using writer = await openPostgresStore({ url: owner })
  const log = await openShop({ store: writer })
  await appended(log, { writes: [write('a', 'none', [event('1')])] })
  await using projector = await openPostgresReadStore({ url: owner })
  await projector.openCollection(accounts, 'epoch-1')
})
afterAll(() => server[Symbol.asyncDispose]())

const accounts = { name: 'accounts', version: 1, log: shopLog, indexes: [], search: [] }

function urlAs(user: string, url = owner): string {
  return url.replace('//postgres@', `//${user}@`)
}

async function connect(user: string, url = owner): Promise<Client & AsyncDisposable> {
  const client = new Client({ connectionString: urlAs(user, url) })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

/** The statements that the server let through, of those that it must not. */
async function allowed(user: string, statements: readonly string[]): Promise<readonly string[]> {
  await using client = await connect(user)
  const through: string[] = []
  for (const statement of statements) {
    await client.query('BEGIN')
    const code = await client.query(statement).then(
      () => undefined,
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
    )
    await client.query('ROLLBACK')
    if (code !== '42501') through.push(`${statement} -> ${String(code)}`)
  }
  return through
}

async function tablesIn(schema: string): Promise<readonly string[]> {
  await using client = await connect('postgres')
  const found = await client.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname = $1`,
    [schema],
  )
  return found.rows.map(({ name }) => name)
}

const changes = (table: string, set: string): readonly string[] => [
  `UPDATE ${table} SET ${set}`,
  `DELETE FROM ${table}`,
  `TRUNCATE ${table}`,
  `ALTER TABLE ${table} ADD COLUMN more text`,
  `DROP TABLE ${table}`,
]

describe('a writer', () => {
  test('cannot change, remove or reshape what was recorded', async () => {
    const recorded: readonly (readonly [table: string, set: string])[] = [
      ['events', "payload = ''"],
      ['streams', "id = 'b'"],
      ['event_types', "name = 'b'"],
      ['tags', "name = 'b'"],
      ['event_tags', 'position = 2'],
      ['epochs', "epoch = 'b'"],
      ['logs', "key = 'b'"],
      ['seals', "root = 'b'"],
    ]
    const statements = recorded.flatMap(([table, set]) => changes(`rampart_write.${table}`, set))
    expect(await allowed('rampart_writer', statements)).toEqual([])
  })

  test('cannot disarm the rules of a table, replace a function or make anything', async () => {
    const statements = [
      'ALTER TABLE rampart_write.events DISABLE TRIGGER ALL',
      'ALTER TABLE rampart_write.inbox ADD COLUMN more text',
      'DROP TABLE rampart_write.outcomes',
      'DROP FUNCTION rampart_write.begin_epoch',
      'CREATE TABLE rampart_write.more (number integer)',
      'CREATE SCHEMA more',
      'SET ROLE postgres',
      'SET session_replication_role = replica',
    ]
    expect(await allowed('rampart_writer', statements)).toEqual([])
  })

  test('cannot look into documents', async () => {
    const statements = ['SELECT FROM rampart_read.documents_1', 'DELETE FROM rampart_read.collections']
    expect(await allowed('rampart_writer', statements)).toEqual([])
  })
})

describe('a projector', () => {
  test('cannot see commands, outcomes and states', async () => {
    const hidden = ['inbox', 'dead_letters', 'outcomes', 'states']
    const statements = hidden.map((table) => `SELECT FROM rampart_write.${table}`)
    expect(await allowed('rampart_projector', statements)).toEqual([])
  })

  test('cannot write to any table of the write model', async () => {
    const tables = await tablesIn('rampart_write')
    const statements = tables.flatMap((table) => [
      `INSERT INTO ${table} DEFAULT VALUES`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
      `DROP TABLE ${table}`,
    ])
    expect(statements.length).toBeGreaterThan(40)
    expect(await allowed('rampart_projector', statements)).toEqual([])
  })
})

describe('a reader', () => {
  test('cannot look into any table of the write model', async () => {
    const tables = await tablesIn('rampart_write')
    expect(tables).toContain('rampart_write.events')
    const statements = tables.map((table) => `SELECT FROM ${table}`)
    expect(await allowed('rampart_reader', statements)).toEqual([])
  })

  test('can read documents and change none', async () => {
    const tables = await tablesIn('rampart_read')
    const reads = tables.map((table) => `SELECT FROM ${table}`)
    expect(await allowed('rampart_reader', reads)).toHaveLength(reads.length)
    const writes = tables.flatMap((table) => [
      `INSERT INTO ${table} DEFAULT VALUES`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
      `DROP TABLE ${table}`,
    ])
    expect(await allowed('rampart_reader', writes)).toEqual([])
  })
})

describe('documents that commit with events', () => {
  async function openNotes(store: WriteStore): Promise<readonly [EventStore, KeptCollection]> {
    const log = await store.openLog(`${shopLog}-notes`)
    return [log, await keepNotes(log)]
  }

  test('are read and changed by no other role than they are for', async () => {
    await using writer = await openPostgresStore({ url: owner })
    await openNotes(writer)
    const tables = (await tablesIn('rampart_documents')).filter((table) => !table.includes('steps'))
    expect(tables).toHaveLength(2)
    const reads = tables.map((table) => `SELECT FROM ${table}`)
    const statements = tables.flatMap((table) => changes(table, 'position = 1'))
    expect(await allowed('rampart_reader', reads)).toHaveLength(reads.length)
    expect(await allowed('rampart_reader', statements)).toEqual([])
    expect(await allowed('rampart_projector', statements)).toEqual([])
    const writes = tables.map((table) => `UPDATE ${table} SET position = position`)
    expect(await allowed('rampart_writer', writes)).toHaveLength(writes.length)
  })

  test('are served with the rights of a reader, who sees nothing else of the write model', async () => {
    await using client = await connect('postgres')
    await using writer = await openPostgresStore({ url: owner })
    const [log, notes] = await openNotes(writer)
    const place = (await appended(log, noting([written(notes, 'a')]))).place
    expect(await notes.get('a')).toMatchObject({ document: { key: 'a' }, checkpoint: place })
    const table = `rampart_documents.documents_${notes.number}`
    await client.query(`REVOKE SELECT ON ${table} FROM rampart_reader`)
    await expect(notes.get('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(notes.load(['a'])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await client.query(`GRANT SELECT ON ${table} TO rampart_reader`)
    await appended(log, noting([written(notes, 'b')]))
    expect(await notes.get('b')).toMatchObject({ document: { key: 'b' } })
  })

  test('are served over the URL of a reader where there is one', async () => {
    await using client = await connect('postgres')
    const readerUrl = urlAs('rampart_reader')
    await using writer = await openPostgresStore({ url: urlAs('rampart_writer'), readerUrl })
    const [log, notes] = await openNotes(writer)
    await appended(log, noting([written(notes, 'over another')]))
    expect(await notes.get('over another')).toMatchObject({ document: { key: 'over another' } })
    const sessions = await client.query(
      `SELECT FROM pg_stat_activity WHERE usename = 'rampart_reader' AND datname = current_database()`,
    )
    expect(sessions.rowCount).toBe(1)
  })

  test('are served to a writer who has no other rights than his own', async () => {
    await using writer = await openPostgresStore({ url: urlAs('rampart_writer') })
    const [log, notes] = await openNotes(writer)
    await appended(log, noting([written(notes, 'c')]))
    expect(await notes.get('c')).toMatchObject({ document: { key: 'c' } })
    const second = await log.openDocuments({ ...noteShape, version: 2 })
    await second.commit({ from: await second.checkpoint(), to: await log.head(), documents: [] })
    await second.keep()
    expect(await tablesIn('rampart_documents')).toEqual(
      expect.not.arrayContaining([`rampart_documents.documents_${notes.number}`]),
    )
  })
})

describe('a store', () => {
  test('drops the rights that its role has not, although the user of its URL has them', async () => {
    await using client = await connect('postgres')
    // Also where the URL has settings of its own.
    const url = `${owner}?options=-c%20search_path%3Drampart_read`
    await using writer = await openPostgresStore({ url })
    await using reader = await openPostgresReadStore({ url: owner, role: 'rampart_reader' })
    const log = await openShop({ store: writer })
    await client.query('REVOKE INSERT ON rampart_write.events FROM rampart_writer')
    const refused = log.append({ writes: [write('b', 'none')] })
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', effect: 'definite' })
    await client.query('GRANT INSERT ON rampart_write.events TO rampart_writer')
    await appended(log, { writes: [write('b', 'none')] })
    const place = await log.head()
    const documents = await reader.openCollection(accounts, 'epoch-1')
    const from = await documents.checkpoint()
    const denied = documents.commit({ from, to: place, documents: [] })
    await expect(denied).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(await documents.checkpoint()).toEqual(from)
  })

  test('works with the URL of its role alone once the schema is there', async () => {
    await using writer = await openPostgresStore({ url: urlAs('rampart_writer') })
    const log = await openShop({ store: writer })
    await appended(log, { writes: [write('c', 'none')] })
    await using projector = await openPostgresReadStore({ url: urlAs('rampart_projector') })
    const second = { ...accounts, version: 2 }
    await projector.openCollection(second, 'epoch-1')
    await using reader = await openPostgresReadStore({
      url: urlAs('rampart_reader'),
      role: 'rampart_reader',
    })
    expect(await (await reader.openCollection(second, 'epoch-1')).get('a')).toMatchObject({
      isQuarantined: false,
    })
    await projector.dropCollection(shopLog, 'accounts', { version: 2, generation: 1 })
  })

  test('reads the log as a projector, and appends nothing', async () => {
    const options = { url: urlAs('rampart_projector'), role: 'rampart_projector' } as const
    await using store = await openPostgresStore(options)
    const log = await openShop({ store })
    expect((await log.head()).position).toBeGreaterThan(0)
    const refused = log.append({ writes: [write('d', 'none')] })
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', effect: 'definite' })
  })

  test('asks for nothing that a projector is denied', async () => {
    await using client = await connect('postgres')
    const options = { url: urlAs('rampart_projector'), role: 'rampart_projector' } as const
    await using store = await openPostgresStore(options)
    await store.openLog(shopLog)
    // Each session shows what it was asked last, also what it refused.
    const asked = `SELECT query FROM pg_stat_activity WHERE usename = 'rampart_projector'`
    const { rows } = await client.query<{ query: string }>(asked)
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.filter(({ query }) => query.startsWith('DELETE'))).toEqual([])
  })

  test('says what to do when the schema is missing and its user may not create it', async () => {
    const url = await createDatabase(server.url('postgres'), `empty_${++databases}`)
    const openings: readonly (() => Promise<WriteStore | ReadStore>)[] = [
      () => openPostgresStore({ url: urlAs('rampart_writer', url) }),
      () => openPostgresReadStore({ url: urlAs('rampart_projector', url) }),
      () => openPostgresReadStore({ url: urlAs('rampart_reader', url), role: 'rampart_reader' }),
    ]
    for (const open of openings) {
      await expect(open()).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringMatching(/at step 0 of .*may not go on.*rampart run --roles write/),
      })
    }
  })

  test('says that a log is not there yet to who may not make it, and opens it once it is', async () => {
    const url = await createDatabase(server.url('postgres'), `empty_${++databases}`)
    await using writer = await openPostgresStore({ url })
    await using projector = await openPostgresStore({ url, role: 'rampart_projector' })
    const early = projector.openLog('default/shop/0')
    await expect(early).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', details: { isAway: true } })
    const log = await writer.openLog('default/shop/0')
    const opened = await projector.openLog('default/shop/0')
    expect(await opened.head()).toEqual(await log.head())
  })

  test('of an owner who is no superuser makes the roles its own and works as them', async () => {
    await using client = await connect('postgres')
    await client.query('CREATE ROLE landlord LOGIN CREATEROLE')
    const url = await createDatabase(server.url('postgres'), `owned_${++databases}`)
    await client.query(`ALTER DATABASE owned_${databases} OWNER TO landlord`)
    await using writer = await openPostgresStore({ url: urlAs('landlord', url) })
    await using projector = await openPostgresReadStore({ url: urlAs('landlord', url) })
    await appended(await openShop({ store: writer }), { writes: [write('a', 'none')] })
    await projector.openCollection(accounts, 'epoch-1')
    await using reader = await openPostgresReadStore({
      url: urlAs('rampart_reader', url),
      role: 'rampart_reader',
    })
    const documents = await reader.openCollection(accounts, 'epoch-1')
    expect((await documents.checkpoint()).position).toBe(0)
  })
})

test('only who may project can register as one who does, and is sent what operators ask', async () => {
  const registered = await createDatabase(server.url('postgres'), 'registered')
  const register = (user: string, roles: readonly string[]) => {
    const started = registerProcess({
      id: user,
      url: urlAs(user, registered),
      role: 'rampart_reader',
      roles,
      apps: [{ app: 'shop', url: `http://127.0.0.1/${user}` }],
      runtime: systemRuntime,
      reportFault: (fault) => faults.push(String(fault)),
    })
    return Object.assign(started, { [Symbol.asyncDispose]: () => started.close() })
  }
  const faults: string[] = []
  await using owner = register('postgres', ['write'])
  expect(await owner.elsewhere('shop')).toEqual([])
  await using reader = register('rampart_reader', ['project', 'serve'])
  expect(await reader.elsewhere('shop')).toEqual([])
  expect(faults).toEqual([expect.stringContaining('row-level security')])
  await using client = await connect('rampart_reader', registered)
  await using projector = register('rampart_projector', ['project'])
  await projector.elsewhere('shop')
  const steal =
    "UPDATE rampart_host.processes SET url = 'http://127.0.0.1/mine' WHERE id = 'rampart_projector'"
  await expect(client.query(steal)).rejects.toThrow('row-level security')
  expect(await owner.elsewhere('shop')).toEqual(['http://127.0.0.1/rampart_projector'])
})

test('a projector that comes before the first writer is told who makes its role', async () => {
  const empty = await startPostgres(['fsync=off'])
  const url = empty.url('postgres').replace('//postgres@', '//rampart_projector@')
  await expect(openPostgresReadStore({ url })).rejects.toThrow('The first process with the role write')
  await empty[Symbol.asyncDispose]()
})
