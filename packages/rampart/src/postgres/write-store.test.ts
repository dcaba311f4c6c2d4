// Proves the store on PostgreSQL by the conformance suites, on a real server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { foldRecord } from '../core/checks/index.ts'
import { position, streamId } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { NewEvent, WriteStore } from '../core/ports/index.ts'
import { createSealer } from '../seal/index.ts'
import {
  commandInboxContract,
  documentStoreContract,
  eventStoreContract,
  settableClock,
  sealStoreContract,
  stateStoreContract,
  type EventStoreHarness,
} from '../testing/index.ts'
import { openPostgresStore } from './index.ts'
import {
  copyRows,
  createDatabase,
  emptyDatabase,
  runSql,
  startPostgres,
  type PostgresServer,
} from './test/server.ts'

const inboxCommandsMax = 20
const contract = [
  ...eventStoreContract,
  ...stateStoreContract,
  ...sealStoreContract,
  ...documentStoreContract,
  ...commandInboxContract,
]

const noted = (payload: string | Uint8Array): NewEvent => ({
  type: 'noted',
  schemaVersion: 1,
  payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
})

// What a database may have as its own defaults; nothing here may depend on them.
const unusual = [
  "DateStyle = 'German'",
  "IntervalStyle = 'iso_8601'",
  "bytea_output = 'escape'",
  "default_transaction_isolation = 'repeatable read'",
]

let server: PostgresServer
let url: string
let copied: string
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  url = await createDatabase(server.url('postgres'), 'rules')
  await runSql(url, unusual.map((setting) => `ALTER DATABASE rules SET ${setting}`).join('; '))
  await (await openPostgresStore({ url }))[Symbol.asyncDispose]()
  copied = await createDatabase(server.url('postgres'), 'copied', 'rules')
})
afterAll(() => server[Symbol.asyncDispose]())

async function openHarness(): Promise<EventStoreHarness & AsyncDisposable> {
  const clock = settableClock()
  await emptyDatabase(url)
  const open = (): Promise<WriteStore> => openPostgresStore({ url, runtime: clock.runtime, inboxCommandsMax })
  let store = await open()
  return {
    store,
    setClock: clock.set,
    inboxCommandsMax,
    copy: async () => {
      await emptyDatabase(copied)
      await copyRows(url, copied)
      return async () => {
        await store[Symbol.asyncDispose]()
        store = await openPostgresStore({ url: copied, runtime: clock.runtime, inboxCommandsMax })
        return store
      }
    },
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = await open()
      return store
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

describe('the store on PostgreSQL', () => {
  test('takes the steps of its schema in the time that they need, all else within bounds', async () => {
    const empty = await createDatabase(server.url('postgres'), 'bounds')
    await runSql(
      empty,
      `CREATE TABLE public.seen (statement_timeout text, lock_timeout text);
       GRANT INSERT ON public.seen TO PUBLIC;
       CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
         INSERT INTO public.seen VALUES (current_setting('statement_timeout'), current_setting('lock_timeout'));
       END $$;
       CREATE EVENT TRIGGER note ON ddl_command_start EXECUTE FUNCTION public.note()`,
    )
    await using store = await openPostgresStore({ url: empty, statementMs: 20_000 })
    const seen = 'SELECT DISTINCT statement_timeout, lock_timeout FROM public.seen'
    expect(await runSql(empty, seen)).toEqual([{ statement_timeout: '1h', lock_timeout: '5s' }])
    await runSql(empty, 'TRUNCATE public.seen')
    const log = await store.openLog('default/shop/0')
    await log.openDocuments({ name: 'orders', version: 1, indexes: [], search: [] })
    expect(await runSql(empty, seen)).toEqual([{ statement_timeout: '20s', lock_timeout: '5s' }])
  })

  test('gives folds a page with a payload that is no text as others do', async () => {
    await using harness = await openHarness()
    const log = await harness.store.openLog('default/shop/0')
    const events = ['{}', new Uint8Array([0xff, 0])].map(noted)
    await log.append({
      writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'none', events }],
    })
    const texts: string[] = []
    for await (const page of log.readToFold({ after: position(0) })) {
      texts.push(...page.events.map(({ text }) => text))
    }
    expect(texts).toEqual(['{}', '\uFFFD\0'])
  })

  test.each<readonly [string, (events: NewEvent[]) => void]>([
    ['hold what separates payloads', (events) => events.splice(149, 1, noted('before\u001Eafter'))],
    ['are no text', (events) => events.splice(149, 1, noted(new Uint8Array([0xff, 0])))],
    ['are empty', (events) => events.fill(noted(''), 99, 101)],
    ['are missing', () => {}],
  ])('gives folds a stream as it stands where some of its payloads %s', async (kind, change) => {
    await using harness = await openHarness()
    const log = await harness.store.openLog('default/shop/0')
    const note = { decider: 'note', id: streamId('a') }
    const events = Array.from({ length: 250 }, (_, number) => noted(String(number)))
    change(events)
    await log.append({ writes: [{ ...note, expectedVersion: 'none', events }] })
    if (kind === 'are missing') await runSql(url, 'DELETE FROM rampart_write.events WHERE version = 150')
    const [texts, whole]: [string[], string[]] = [[], []]
    for await (const page of log.readStreamToFold(note)) texts.push(...page.map(({ text }) => text))
    for await (const page of log.readStream(note)) whole.push(...page.map((one) => foldRecord(one).text))
    expect(texts).toEqual(whole)
    expect(texts).toHaveLength(kind === 'are missing' ? 249 : 250)
  })

  test('seals what it has sent, and reads the events of others', async () => {
    await using harness = await openHarness()
    await using other = await openPostgresStore({ url })
    const [log, others] = [
      await harness.store.openLog('default/shop/0'),
      await other.openLog('default/shop/0'),
    ]
    const start = position(0)
    // From here on it knows that somebody seals.
    expect(await log.seals.rangeAfter(start)).toBeUndefined()
    const append = (to: typeof log, payload: string) =>
      to.append({
        writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'any', events: [noted(payload)] }],
      })
    await append(log, '1')
    const sealed = await log.seals.rangeAfter(start)
    await runSql(url, "UPDATE rampart_write.events SET payload = '2'")
    expect(await log.seals.rangeAfter(start)).toEqual(sealed)
    expect(await others.seals.rangeAfter(start)).not.toEqual(sealed)
    await append(others, '3')
    await append(log, '4')
    expect(await log.seals.rangeAfter(start)).toEqual(await others.seals.rangeAfter(start))
  })

  test('keeps seals at the cost of the newest event, though plans were made for a short log', async () => {
    const long = await createDatabase(server.url('postgres'), 'long', 'rules')
    await runSql(long, 'SELECT pg_stat_reset()')
    {
      await using store = await openPostgresStore({ url: long })
      const log = await store.openLog('default/shop/0')
      // From here on it keeps what the next seals need.
      await log.seals.rangeAfter(position(0))
      // A plan is kept from the sixth call on.
      for (const count of [1, 1, 1, 1, 1, 1, 1000, 1000]) {
        const events = Array.from({ length: count }, () => noted('{}'))
        // oxlint-disable-next-line no-await-in-loop -- they follow each other
        await log.append({
          writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'any', events }],
        })
        // oxlint-disable-next-line no-await-in-loop -- the same
        await createSealer({ store: log, runtime: systemRuntime }).stop()
      }
    }
    // Sessions tell what they have read when they end.
    const others = 'FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()'
    await expect.poll(() => runSql(long, `SELECT pid ${others}`), { timeout: 10_000 }).toEqual([])
    const read = "FROM pg_stat_user_indexes WHERE schemaname = 'rampart_write' AND relname = 'events'"
    const [row] = await runSql(long, `SELECT sum(idx_tup_read) AS entries ${read}`)
    expect(Number(row?.['entries'])).toBeLessThan(200)
  })

  test('writes nothing more once a newer version has changed the schema, and says so', async () => {
    const shared = await createDatabase(server.url('postgres'), 'shared', 'rules')
    await using store = await openPostgresStore({ url: shared })
    const log = await store.openLog('default/shop/0')
    const append = () =>
      log.append({
        writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'any', events: [noted('{}')] }],
      })
    expect((await append()).status).toBe('appended')
    const [found] = await runSql(
      shared,
      "SELECT oid::regprocedure FROM pg_proc WHERE proname = 'append_lone'",
    )
    await runSql(shared, `DROP FUNCTION ${String(found?.['oid'])}`)
    await expect(append()).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER', effect: 'definite' })
    await expect(append()).rejects.toThrow(/changed since this process opened it.*run that one here, too/)
    expect(store.fault()).toMatch(/run that one here/)
  })

  test.each(contract)('$name', async ({ check }) => {
    await using harness = await openHarness()
    await expect(check(harness)).resolves.toBeUndefined()
  })
})
