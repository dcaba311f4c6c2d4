// `rampart verify` over a PostgreSQL database: what it finds in logs, tables, rights and read models.
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { commandId, streamId } from '../core/codec/index.ts'
import { context, systemRuntime } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import { app } from '../host/index.ts'
import { openPostgresStore } from '../postgres/index.ts'
import { createDatabase, runSql } from '../postgres/test/server.ts'
import { createSealer, type Finding } from '../seal/index.ts'
import { startProxy } from '../../../../test/faults/proxy.ts'
import { count, openDatabases, type Databases } from './test/databases.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { rampart } from './test/run-rampart.ts'
import { storesInDatabase } from './stored-app.ts'
import { verifyApp } from './verify-app.ts'

let databases: Databases
beforeAll(async () => {
  databases = await openDatabases()
  await fillOriginal()
})
afterAll(() => databases[Symbol.asyncDispose]())

const newDatabase: Databases['create'] = (template) => databases.create(template)
const serve: Databases['serve'] = (...served) => databases.serve(...served)

async function change(url: string, sql: string): Promise<string> {
  await runSql(url, sql)
  return url
}

const events = 1100
const logKey = 'default/counter/0'

/** Appends one event per append to one of 10 streams, every other with a command. */
async function fill(log: EventStore, from: number, to: number): Promise<void> {
  const appends = Array.from({ length: to - from + 1 }, (_, index) => {
    const number = from + index
    const payload = new TextEncoder().encode(JSON.stringify({ by: number }))
    const id = commandId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`)
    const command = { id, fingerprint: 'print', outcome: { number }, expiresAtMs: null }
    return log.append({
      writes: [
        {
          decider: 'counter',
          id: streamId(String(number % 10)),
          expectedVersion: 'any',
          events: [{ type: 'Counted', schemaVersion: 1, payload, tags: [`by:${number}`] }],
        },
      ],
      actor: 'ada',
      ...(number % 2 === 0 ? { command } : {}),
    })
  })
  await Promise.all(appends)
}

async function seal(log: EventStore): Promise<void> {
  await createSealer({ store: log, runtime: systemRuntime }).stop()
}

async function fillOriginal(): Promise<void> {
  const url = await createDatabase(databases.server.url('postgres'), 'original')
  await using store = await openPostgresStore({ url, namespace: 'counter' })
  const log = await store.openLog(logKey)
  await fill(log, 1, events)
  await seal(log)
}

const module = join(import.meta.dirname, 'test/fixtures/counter/src/app.ts')
const codesIn = (stdout: string): readonly string[] =>
  Array.from(stdout.matchAll(/^([A-Z_]+) {2}counter {2}\S+(?: {2}position (\d+))?/gm), ([, code, at]) =>
    at === undefined ? `${code}` : `${code} ${at}`,
  )

async function found(url: string, ...args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await rampart('verify', '--store', url, ...args)
  const codes = codesIn(stdout)
  expect([code, stderr]).toEqual([codes.length > 0 ? 1 : 0, ''])
  return codes
}

const tamper = async (sql: string): Promise<string> => change(await newDatabase('original'), sql)
const where = (position: number): string => `WHERE log = 1 AND position = ${position}`
const renumber = (from: number, by: number): string =>
  `UPDATE rampart_write.events SET position = -position WHERE position >= ${from};
   UPDATE rampart_write.events SET position = -position + ${by} WHERE position < 0;`

test('finds nothing in a database that nobody touched, and keeps an anchor', async () => {
  const anchor = join(databases.folder, 'anchor.json')
  const { stdout } = await rampart(
    'verify',
    '--store',
    databases.server.url('original'),
    '--write-anchor',
    anchor,
  )
  expect(stdout).toMatch(/^counter\n {2}default\/counter\/0 {2}1100 events, 2 seals, the newest \w{64}\n/)
  expect(stdout).toMatch(/\nNothing was found\.\n$/)
  expect(JSON.parse(await readFile(anchor, 'utf8'))).toMatchObject({ anchors: [{ position: events }] })
  expect(await found(databases.server.url('original'), '--anchor', anchor)).toEqual([])
})

test.each([
  ['an edit', `UPDATE rampart_write.events SET actor = 'eve' ${where(700)}`, ['EVENT_CHANGED 700']],
  [
    'a deletion',
    `DELETE FROM rampart_write.events ${where(700)}`,
    ['EVENT_MISSING 700', 'VERSION_WRONG 710', 'TAG_WRONG 700'],
  ],
  [
    'an insertion',
    `${renumber(700, 1)}
     INSERT INTO rampart_write.events SELECT (jsonb_populate_record(e, $$
       {"position": 700, "version": 1000, "append_id": "forged", "command_id": null}$$)).*
     FROM rampart_write.events AS e ${where(699)}`,
    ['EVENT_INSERTED 700', 'VERSION_WRONG 700'],
  ],
  [
    'a new order',
    `UPDATE rampart_write.events SET position = -1 ${where(100)};
     UPDATE rampart_write.events SET position = 100 ${where(101)};
     UPDATE rampart_write.events SET position = 101 ${where(-1)}`,
    ['EVENTS_REORDERED 100'],
  ],
  ['a cut tail', 'DELETE FROM rampart_write.events WHERE position > 1050', ['TAIL_CUT 1050']],
  [
    'a tag that is gone from the index',
    'DELETE FROM rampart_write.event_tags WHERE position = 5',
    ['TAG_WRONG 5'],
  ],
  [
    'a tag that the index invents',
    'INSERT INTO rampart_write.event_tags SELECT tag, log, 6, type FROM rampart_write.event_tags WHERE position = 5',
    ['TAG_WRONG 6'],
  ],
  [
    'a trigger, a function and an index that were changed',
    `CREATE FUNCTION rampart_write.quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
     CREATE TRIGGER quiet BEFORE INSERT ON rampart_write.events EXECUTE FUNCTION rampart_write.quiet();
     DROP INDEX rampart_write.events_by_command`,
    ['SCHEMA_CHANGED', 'SCHEMA_CHANGED', 'SCHEMA_CHANGED'],
  ],
])('finds %s', async (_, sql, expected) => {
  expect((await found(await tamper(sql))).slice(0, expected.length)).toEqual(expected)
})

test('finds a cut tail and a rewritten history by an anchor, when the seals were made anew', async () => {
  const anchor = join(databases.folder, 'kept.json')
  await rampart('verify', '--store', databases.server.url('original'), '--write-anchor', anchor)
  const cut = await tamper(
    `DELETE FROM rampart_write.event_tags WHERE position > 1024;
     DELETE FROM rampart_write.events WHERE position > 1024;
     DELETE FROM rampart_write.seals WHERE number > 1`,
  )
  expect(await found(cut)).toEqual([])
  expect(await found(cut, '--anchor', anchor)).toEqual(['TAIL_CUT 1024'])
  const rewritten = await tamper(
    `UPDATE rampart_write.events SET actor = 'eve' ${where(700)}; DELETE FROM rampart_write.seals`,
  )
  {
    await using store = await openPostgresStore({ url: rewritten, namespace: 'counter' })
    await seal(await store.openLog(logKey))
  }
  expect(await found(rewritten)).toEqual([])
  expect(await found(rewritten, '--anchor', anchor)).toEqual([`HISTORY_REWRITTEN ${events}`])
})

test('compares read models with what the log folds to, beside the process that serves them', async () => {
  const url = await newDatabase()
  await using host = await serve(url)
  for (const stream of ['a', 'b', 'c']) {
    const token = (await count(host, stream)).headers.get('consistency-token') ?? ''
    await fetch(`${host.url}/reads/totals/${stream}`, { headers: { 'consistency-token': token } })
  }
  const { stdout } = await rampart('verify', module, '--store', url)
  expect(stdout).toMatch(/\n {2}totals {2}3 documents compared at position 3, 0 differ\nNothing/)
  const sql = `UPDATE rampart_read.documents_1 SET data = '{"total":7}' WHERE key = 'b'`
  expect(await found(await change(url, sql), module)).toEqual(['READ_MODEL_DIFFERS 3'])
})

test.each(['list-objects', 'recorded_at_ms', 'list-versions', 'find-live'])(
  'a server that goes away at the statement %s is no finding',
  async (statement) => {
    const url = await newDatabase()
    {
      await using host = await serve(url)
      for (const stream of ['a', 'b']) await count(host, stream)
    }
    await using proxy = await startProxy(url)
    proxy.loseAnswers(1, statement)
    const { code, stdout, stderr } = await rampart('verify', module, '--store', proxy.through(url))
    expect([code, codesIn(stdout)]).toEqual([1, []])
    expect(stderr).toMatch(/^The database \S+ failed: .* Check that the server runs and can be reached\.\n$/)
    expect(proxy.lost()).toBe(1)
  },
)

test('nothing of a newer schema is verified, which is found', async () => {
  const newer = 'INSERT INTO rampart_write.schema_steps (step) VALUES (99)'
  expect(await found(await tamper(newer))).toEqual(['SCHEMA_NEWER'])
})

test('a page that is damaged is found, and the rest is verified', async () => {
  const url = await newDatabase('original')
  const path = `current_setting('data_directory') || '/' || pg_relation_filepath('rampart_write.event_tags')`
  const [{ file } = {}] = await runSql(url, `SELECT ${path} AS file`)
  await runSql(url, 'CHECKPOINT')
  await using opened = await open(String(file), 'r+')
  await opened.write(Buffer.alloc(512, 0xff), 0, 512, 0)
  // What was damaged is read from the disk again.
  await databases.server.crash()
  expect(new Set(await found(url))).toEqual(new Set(['FILE_DAMAGED']))
})

test('documents that this user may not read are left out, and it is said who may', async () => {
  const url = await newDatabase()
  await using host = await serve(url)
  await count(host, 'a')
  const as = (role: string): string => url.replace('postgres@', `${role}@`)
  const writer = await rampart('verify', module, '--store', as('rampart_writer'))
  expect([writer.code, writer.stderr]).toEqual([0, ''])
  const why = 'this user may not read them \\(permission denied for .*\\)\\. Name one who may in'
  expect(writer.stdout).toMatch(
    new RegExp(`\n  totals  was not compared: ${why} RAMPART_PROJECTOR_STORE or RAMPART_READER_STORE, .*\n`),
  )
  const projector = await rampart('verify', module, '--store', as('rampart_projector'))
  expect([projector.code, projector.stderr]).toEqual([0, ''])
  expect(projector.stdout).toMatch(/\n {2}totals {2}1 document compared at position 1, 0 differ\n/)
  expect(projector.stdout).toMatch(/the states of default\/counter\/0 were not compared: .* RAMPART_STORE, /)
})

/** What is found, without the app and the place. */
async function told(url: string, ...args: readonly string[]): Promise<readonly string[]> {
  const { stdout } = await rampart('verify', '--json', '--store', url, ...args)
  const findings: readonly Finding[] = Object(JSON.parse(stdout)).findings
  return findings.map(({ code, what }) => `${code}: ${what}`)
}

test('finds rows of each table that belong to no log, and states of no stream', async () => {
  const copied = (more: object): string => `SELECT (jsonb_populate_record(t, $$${JSON.stringify(more)}$$)).*`
  const commandColumns =
    'log, command_id, fingerprint, decider, stream_id, type, data, received_at_ms, attempts'
  const command = `7, gen_random_uuid(), '', 'counter', 'a', 'Count', '{}', 0, 0`
  const url = await tamper(
    `INSERT INTO rampart_write.events ${copied({ log: 7, version: 1000, command_id: null })}
       FROM rampart_write.events AS t WHERE position < 4;
     INSERT INTO rampart_write.event_tags ${copied({ log: 0 })}
       FROM rampart_write.event_tags AS t WHERE position = 1;
     INSERT INTO rampart_write.seals ${copied({ log: 8 })} FROM rampart_write.seals AS t WHERE number = 1;
     INSERT INTO rampart_write.epochs (log, ordinal, epoch, fork_position) VALUES (7, 1, 'e', 0);
     INSERT INTO rampart_write.streams (log, decider, id)
       VALUES (2147483647, 'counter', 'a'), (-5, 'counter', 'a');
     INSERT INTO rampart_write.outcomes VALUES (7, gen_random_uuid(), '', null, 0, 0, '', 0, null);
     INSERT INTO rampart_write.inbox (${commandColumns}, lease_until_ms, due_at_ms)
       VALUES (${command}, 0, 0);
     INSERT INTO rampart_write.dead_letters (${commandColumns}, cause, buried_at_ms)
       VALUES (${command}, '', 0);
     INSERT INTO rampart_write.states VALUES (99, 1, 1, '', '{}');
     INSERT INTO rampart_documents.collections (log, name, version, shape, epoch, position, event_id)
       VALUES (7, 'more', 1, '{}', '', 0, '')`,
  )
  const found = await told(url)
  const outside = (table: string, rows: string, log: number): string =>
    `ROW_MISPLACED: the table ${table} has ${rows} outside all logs, at log number ${log}`
  expect(found.filter((one) => one.startsWith('ROW'))).toEqual([
    outside('rampart_write.events', '3 rows', 7),
    outside('rampart_write.event_tags', '1 row', 0),
    outside('rampart_write.streams', '1 row', -5),
    outside('rampart_write.streams', '1 row', 2147483647),
    outside('rampart_write.epochs', '1 row', 7),
    outside('rampart_write.seals', '1 row', 8),
    outside('rampart_write.outcomes', '1 row', 7),
    outside('rampart_write.inbox', '1 row', 7),
    outside('rampart_write.dead_letters', '1 row', 7),
    outside('rampart_documents.collections', '1 row', 7),
    'ROW_MISPLACED: the table rampart_write.states has 1 row of no stream',
  ])
})

test.each([
  ['UPDATE of events', 'GRANT UPDATE ON rampart_write.events TO rampart_writer', ['writer UPDATE events']],
  ['a column', 'GRANT UPDATE (actor) ON rampart_write.events TO rampart_writer', ['writer UPDATE events']],
  [
    'what everyone may read',
    'GRANT SELECT ON rampart_write.inbox TO PUBLIC',
    ['projector SELECT inbox', 'reader SELECT inbox'],
  ],
  [
    'an owner',
    'ALTER TABLE rampart_write.events OWNER TO rampart_writer',
    ['writer UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER events'],
  ],
])('finds that a role may do more by %s', async (_, sql, expected) => {
  const found = await told(await tamper(sql))
  expect(found).toEqual(
    expected.map((one) =>
      one.replace(
        /^(\w+) (.*) (\w+)$/,
        'RIGHTS_CHANGED: the role rampart_$1 may, and should not, $2 the table $3 in rampart_write',
      ),
    ),
  )
})

test('finds tables of read models that are missing or changed, and rights over them', async () => {
  const url = await newDatabase()
  {
    await using host = await serve(url)
    await count(host, 'a')
  }
  expect(await told(url)).toEqual([])
  await runSql(
    url,
    `DROP INDEX rampart_read.documents_1_by_position;
     ALTER TABLE rampart_read.standings ADD COLUMN more text;
     REVOKE SELECT ON rampart_read.leases FROM rampart_reader;
     GRANT DELETE ON rampart_read.documents_1 TO rampart_reader;
     CREATE OR REPLACE VIEW rampart_documents.quarantined_keys AS SELECT 1 AS collection, '' COLLATE "C" AS key;
     DROP POLICY everyone_clears ON rampart_host.processes`,
  )
  const changed = (await told(url)).toSorted()
  expect(changed).toEqual([
    'RIGHTS_CHANGED: the role rampart_reader may not, and should, SELECT the table leases in rampart_read',
    'RIGHTS_CHANGED: the role rampart_reader may, and should not, DELETE the table documents_1 in rampart_read',
    'SCHEMA_CHANGED: the index documents_1_by_position is missing in rampart_read',
    'SCHEMA_CHANGED: the policy everyone_clears of processes is missing in rampart_host',
    'SCHEMA_CHANGED: the table quarantined_keys was changed in rampart_documents',
    'SCHEMA_CHANGED: the table standings was changed in rampart_read',
  ])
  await runSql(url, 'DROP TABLE rampart_read.documents_1')
  expect(await told(url, module)).toEqual(
    expect.arrayContaining([
      'SCHEMA_CHANGED: the table documents_1 is missing in rampart_read',
      expect.stringMatching(
        /^READ_MODEL_UNREADABLE: totals cannot be compared: .*documents_1.* does not exist/,
      ),
    ]),
  )
  await runSql(url, 'INSERT INTO rampart_read.schema_steps (step) VALUES (99)')
  expect(await told(url)).toContainEqual(
    expect.stringMatching(/^SCHEMA_NEWER: .* rampart_read is at step 99/),
  )
})

test('documents that commit with events are shown and compared, too', async () => {
  const url = await newDatabase()
  const [{ deciders, projections }] = counter.contexts
  const [totals] = projections
  const keeping = app('keeping', {
    contexts: [context('counter', { deciders, projections: [{ ...totals, synchronous: true }] })],
  })
  {
    await using host = await serve(url, keeping)
    for (const stream of ['a', 'b']) expect((await count(host, stream)).status).toBe(200)
    expect((await rampart('status', '--store', url)).stdout).toMatch(/ totals .* commits with the events\n/)
  }
  const [stored] = await storesInDatabase(url, url)
  if (stored === undefined) throw new Error('The app is not there.')
  const verify = async () => {
    const codes: string[] = []
    const report = ({ code }: Finding): void => void codes.push(code)
    const request = { stored, definition: keeping, anchors: [], report, onProgress() {} }
    const [compared] = (await verifyApp(request)).projections
    return [codes, compared?.result]
  }
  expect(await verify()).toMatchObject([[], { status: 'compared', documents: 2, differing: 0 }])
  await runSql(url, `UPDATE rampart_documents.documents_1 SET data = '{"total":7}' WHERE key = 'b'`)
  expect(await verify()).toMatchObject([['READ_MODEL_DIFFERS'], { differing: 1 }])
})
