// `rampart verify` over read models of which somebody changed what is served: columns of indexes, words,
// positions, the quarantine, or all of it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { context, type Projection } from '../core/index.ts'
import { app, openApp, startHost, type App } from '../host/index.ts'
import type { Finding } from '../seal/index.ts'
import { count, openDatabases } from './test/databases.ts'
import { rampart } from './test/run-rampart.ts'
import { runSql } from '../postgres/test/server.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { storesInDatabase, storesInFolder, type StoredApp } from './stored-app.ts'
import { verifyApp } from './verify-app.ts'

const folder = await mkdtemp(join(tmpdir(), 'rampart-verify-served-'))
const databases = await openDatabases()
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await databases[Symbol.asyncDispose]()
})

// The same app with documents that are looked up and searched by their totals, following and at once, and
// with some that are made equal again and again.
const [{ deciders, projections }] = counter.contexts
const [totals] = projections
const listed = { ...totals, indexes: ['total'], search: ['total'] } as const
const counted = { even: true }
const same = { ...totals, name: 'same', on: { Counted: () => counted } } as const
const appOf = (...own: readonly Projection[]) =>
  app('served', { contexts: [context('counter', { deciders, projections: own })] })
const atOnce = { ...listed, name: 'atOnce', synchronous: true } as const
const served = appOf(listed, same, atOnce)
const inDatabase = appOf(listed, atOnce)

const streams = ['a', 'b', 'c']

async function countIn(data: string, by: readonly number[] = [1, 2, 3, 4]): Promise<string> {
  await using running = await openApp(served, { dataFolder: data })
  for (const one of by) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answers = await Promise.all(streams.map((id) => running.stream('counter', id).Count({ by: one })))
    for (const after of answers) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      for (const name of ['totals', 'same'] as const) await running.read(name).get('x', { after })
    }
  }
  return data
}

async function verify(stored: StoredApp, definition: App = served): Promise<readonly string[]> {
  const findings: Finding[] = []
  const report = (finding: Finding): void => void findings.push(finding)
  await verifyApp({ stored, definition, anchors: [], report, onProgress() {} })
  return findings.map(({ code, what }) => `${code} ${what}`)
}

let made = 0

/** What is found in files of 12 events in 3 streams after `sql` was done to one of them. */
async function found(sql: string, file = 'reads.sqlite'): Promise<readonly string[]> {
  const data = await countIn(join(folder, String(made++)))
  using database = new DatabaseSync(join(data, 'served', file))
  database.exec(sql)
  return await verify(storesInFolder('served', join(data, 'served')))
}

const differ = (count: number, keys: string, name = 'totals'): string =>
  `READ_MODEL_DIFFERS ${name}: ${count} of 3 documents are not what the log folds to (${keys})`
const missed = (count: number, keys: string): string =>
  `READ_MODEL_DIFFERS totals: a search does not find ${count} of its documents by their words (${keys})`
const strange = (what: string): string => `READ_MODEL_DIFFERS totals: ${what}`
const never = (place: number): string =>
  strange(`position ${place} was skipped for "b", which the log does not have there for it`)

const gone = (name: string): string =>
  `READ_MODEL_DIFFERS ${name} has no documents, although the log has events and documents were kept before`

const changed = `UPDATE documents_1 SET data = '{"total":0}', index_0 = '0' WHERE key = 'b'`
const quarantined = "INSERT INTO quarantined_keys VALUES (1, 'b', 'why', 0, 11)"
const queued = "INSERT INTO queued_events VALUES (1, 'b', 11, 'x', 'Counted')"
const skip = (place: number): string =>
  `INSERT INTO skipped_events (collection, key, position, event_id, type, at_ms)
    VALUES (1, 'b', ${place}, 'x', 'Counted', 0)`

describe('in files', () => {
  test('nothing is found where nobody changed anything', async () => {
    expect(await found('SELECT 1')).toEqual([])
  })

  test.each([
    ['an index', "UPDATE documents_1 SET index_0 = '99999' WHERE key = 'b'", [differ(1, 'b')]],
    ['words', "UPDATE documents_1 SET words = 'none' WHERE key = 'b'", [differ(1, 'b'), missed(1, 'b')]],
    ['the index of words', 'DELETE FROM words_1', [missed(3, 'a, b, c')]],
    ['an entry of it', 'DELETE FROM words_1 WHERE rowid = 2', [missed(1, 'b')]],
    ['an entry of no document', "INSERT INTO words_1 (rowid, words) VALUES (7, '10')", [missed(1, '7')]],
    ['a position', "UPDATE documents_1 SET position = 2 WHERE key = 'b'", [differ(1, 'b')]],
    [
      'a position behind all',
      "UPDATE documents_2 SET position = 99 WHERE key = 'b'",
      [differ(1, 'b', 'same')],
    ],
    [
      'a key that was put into quarantine',
      `${changed}; ${quarantined}; ${queued}`,
      [strange('"b" stands still at position 11, and it does not fail: replay it if its handler was mended')],
    ],
    [
      'half of a quarantine',
      quarantined,
      [strange('rows of its quarantine name "b", which does not stand still')],
    ],
    ['a skip of another event', `${changed}; ${skip(11)}`, [differ(1, 'b'), never(11)]],
    ['a skip at no place', skip(0), [never(0)]],
    [
      'a collection that is gone',
      'DELETE FROM collections WHERE number = 1; DROP TABLE documents_1; DROP TABLE words_1',
      [gone('totals')],
    ],
  ])('%s is found', async (_, sql, expected) => {
    expect(await found(sql)).toEqual(expected)
  })

  test('documents that commit with events are looked at as closely', async () => {
    const sql = `UPDATE documents_1 SET position = 1 WHERE key = 'b';
      UPDATE documents_1 SET index_0 = '' WHERE key = 'c'`
    expect(await found(sql, 'write.sqlite')).toEqual([differ(2, 'b, c', 'atOnce')])
  })
})

describe('in a database', () => {
  test.each([
    ['nothing', 'SELECT 1', []],
    [
      'indexes, words and positions',
      `UPDATE rampart_read.documents_1 SET index_0 = '99999' WHERE key = 'a';
       UPDATE rampart_read.documents_1 SET words = ' none' WHERE key = 'b';
       UPDATE rampart_read.documents_1 SET position = 99 WHERE key = 'c';
       UPDATE rampart_documents.documents_1 SET index_0 = '' WHERE key = 'a'`,
      [differ(3, 'a, b, c'), differ(1, 'a', 'atOnce')],
    ],
    [
      'a key that was put into quarantine',
      `UPDATE rampart_read.documents_1 SET data = '{"total":0}', index_0 = '0', words = ' 0' WHERE key = 'b';
       INSERT INTO rampart_read.quarantined_keys VALUES (1, 'b', 'why', 0, 2);
       INSERT INTO rampart_read.queued_events VALUES (1, 'b', 2, 'x', 'Counted')`,
      [strange('"b" stands still at position 2, and it does not fail: replay it if its handler was mended')],
    ],
    [
      'half of a quarantine, and a skip of another event',
      `INSERT INTO rampart_read.quarantined_keys VALUES (1, 'b', 'why', 0, 2);
       INSERT INTO rampart_read.skipped_events (collection, key, position, event_id, type, at_ms)
       VALUES (1, 'b', 2, 'x', 'Counted', 0)`,
      [strange('rows of its quarantine name "b", which does not stand still'), never(2)],
    ],
    [
      'a collection that is gone',
      'DELETE FROM rampart_read.collections; DROP TABLE rampart_read.documents_1',
      [gone('totals')],
    ],
  ])('%s is found', async (_, sql, expected) => {
    const url = await databases.create()
    {
      await using host = await databases.serve(url, inDatabase)
      for (const stream of streams) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const token = (await count(host, stream)).headers.get('consistency-token') ?? ''
        const headers = { 'consistency-token': token }
        // oxlint-disable-next-line no-await-in-loop -- as above
        expect((await fetch(`${host.url}/reads/totals/${stream}`, { headers })).status).toBe(200)
      }
    }
    await runSql(url, sql)
    const [stored] = await storesInDatabase(url, url)
    if (stored === undefined) throw new Error('The app is not there.')
    expect(await verify(stored, inDatabase)).toEqual(expected)
  })
})

test('a quarantine is compared, too: while keys stand still, once they are skipped, and healed', async () => {
  const data = join(folder, 'quarantine')
  const environment = { PORT: '0', RAMPART_DATA: data }
  const look = () => verify(storesInFolder('counter', join(data, 'counter')), counter)
  const treat = async (url: string, action: string, key: string): Promise<number> =>
    (await rampart('quarantine', action, 'totals', key, '--url', url)).code
  vi.stubEnv('COUNTER_FAILS_AT', '1')
  try {
    await using host = await startHost({
      mounts: [{ prefix: '', app: counter }],
      environment,
      reportFault() {},
    })
    const reads = new URL(`${host.url}/reads/totals/none`)
    let token = ''
    const caughtUp = () => fetch(reads, { headers: { 'consistency-token': token } })
    for (const stream of ['a', 'a', 'b', 'b', 'c', 'd']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      token = (await count(host, stream)).headers.get('consistency-token') ?? ''
    }
    await caughtUp()
    expect(await look()).toEqual([])
    // The second event of b fails as the first did, and c has no other.
    expect([await treat(host.url, 'skip', 'b'), await treat(host.url, 'skip', 'c')]).toEqual([1, 0])
    expect(await look()).toEqual([])
    vi.stubEnv('COUNTER_FAILS_AT', '')
    expect(await look()).toEqual(
      [
        '"a" stands still at position 1',
        '"b" stands still at position 4',
        '"d" stands still at position 6',
      ].map((what) => strange(`${what}, and it does not fail: replay it if its handler was mended`)),
    )
    for (const key of ['a', 'b', 'd']) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      expect(await treat(host.url, 'replay', key)).toBe(0)
    }
    expect(await look()).toEqual([])
  } finally {
    vi.unstubAllEnvs()
  }
  using database = new DatabaseSync(join(data, 'counter', 'reads.sqlite'))
  // Without its skip the first event of b counts.
  database.exec("DELETE FROM skipped_events WHERE key = 'b'")
  expect(await look()).toEqual([
    'READ_MODEL_DIFFERS totals: 1 of 3 documents are not what the log folds to (b)',
  ])
})
