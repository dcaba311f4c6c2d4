// Proves that the connection for documents reads documents and nothing else, by either of its walls.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { position, streamId } from '../core/codec/index.ts'
import { openDatabase } from './database.ts'
import { openDocumentReader, restrict } from './document-reader.ts'
import { openSqliteStore } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-document-reader-'))
const file = join(folder, 'write.sqlite')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

beforeAll(async () => {
  await using store = await openSqliteStore({ file, thread: 'caller' })
  const log = await store.openLog('default/shop/0')
  const shape = { name: 'notes', version: 1, indexes: ['kind', 'size'], search: ['title'] }
  const notes = await log.openDocuments(shape)
  await notes.keep()
  const payload = new TextEncoder().encode('"secret"')
  const data = { kind: 'red', title: 'a red mug' }
  await log.append({
    writes: [
      {
        decider: 'note',
        id: streamId('a'),
        expectedVersion: 'none',
        events: [{ type: 'Noted', schemaVersion: 1, payload, tags: ['tag'] }],
      },
    ],
    documents: [
      { collection: notes.number, key: 'a', expectedPosition: position(0), event: 0, version: null, data },
    ],
  })
})

const secrets = [
  ...[
    'events',
    'streams',
    'outcomes',
    'inbox',
    'states',
    'dead_letters',
    'tags',
    'event_tags',
    'logs',
    'epochs',
  ].map((table) => `SELECT * FROM ${table}`),
  'SELECT count(*) FROM events',
  'SELECT payload FROM main.events',
  'SELECT key FROM documents_1 WHERE EXISTS (SELECT 1 FROM events)',
  'SELECT key, (SELECT payload FROM events LIMIT 1) FROM documents_1',
  'SELECT key FROM documents_1 UNION SELECT id FROM streams',
  'SELECT d.key FROM documents_1 d JOIN streams s ON s.id = d.key',
  'WITH stolen AS (SELECT payload FROM events) SELECT * FROM stolen',
  'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 9) SELECT i, payload FROM n, events',
  'SELECT * FROM documents_1 ORDER BY (SELECT max(place) FROM events)',
  'SELECT sql FROM sqlite_master',
  "SELECT * FROM pragma_table_info('events')",
  'PRAGMA table_list',
  'PRAGMA query_only = OFF',
  'PRAGMA writable_schema = ON',
  `ATTACH '${file}' AS other`,
  'CREATE TEMP VIEW stolen AS SELECT * FROM events',
  'CREATE TEMP TABLE stolen AS SELECT * FROM events',
  'EXPLAIN SELECT * FROM events',
  "UPDATE documents_1 SET data = '1'",
  'DELETE FROM documents_1',
  `VACUUM INTO '${file}.copy'`,
  "SELECT load_extension('x')",
  'SELECT sqlite_source_id()',
]

describe('the connection for documents', () => {
  test.each(secrets)('does not prepare what is not on its list: %s', (sql) => {
    const { reader, close } = openDocumentReader(file)
    expect(() => reader.rows(sql, [])).toThrow(/does not know this statement/)
    close()
  })

  test.each(secrets)('is not allowed by SQLite, which the list is not needed for: %s', (sql) => {
    const database = openDatabase({ file, synchronous: 'FULL', readOnly: true })
    expect(database.prepare('SELECT count(*) AS events FROM events').get()).toMatchObject({ events: 1 })
    restrict(database)
    expect(() => database.prepare(sql).all()).toThrow(/not authorized|authorization denied|prohibited/)
    expect(() => database.exec(sql)).toThrow(/not authorized|authorization denied|prohibited/)
    database.close()
  })

  test('reads documents by key, index, word and change', async () => {
    await using store = await openSqliteStore({ file, thread: 'caller' })
    const log = await store.openLog('default/shop/0')
    const notes = await log.openDocuments({
      name: 'notes',
      version: 1,
      indexes: ['size', 'kind'],
      search: ['title'],
    })
    const one = { key: 'a', data: { kind: 'red', title: 'a red mug' } }
    expect((await notes.load(['a', 'b'])).get('a')).toMatchObject(one)
    expect((await notes.get('a')).document).toMatchObject(one)
    const all = { where: [], search: null, afterKey: null, limit: 10 }
    const queries = [
      all,
      { ...all, search: 'mug' },
      { ...all, where: [{ index: 'kind', value: 'red' }], search: 'red' },
    ]
    for (const query of queries) expect((await notes.page(query)).documents).toMatchObject([one])
    const twice = { ...all, where: ['red', 'blue'].map((value) => ({ index: 'kind', value })) }
    expect((await notes.page(twice)).documents).toEqual([])
    const after = { position: position(0), key: '' }
    expect((await notes.changes({ after, limit: 1 })).documents).toMatchObject([one])
    expect((await notes.changes({ after, limit: 1, key: 'a' })).documents).toMatchObject([one])
  })
})
