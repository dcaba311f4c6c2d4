// `rampart verify` over stores that somebody changed, or that cannot be read.
import { chmod, cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { context } from '../core/index.ts'
import { app, openApp } from '../host/index.ts'
import { readStoreDamages } from '../sqlite/inspection/index.ts'
import counter from './test/fixtures/counter/src/app.ts'
import { rampart } from './test/run-rampart.ts'

const module = join(import.meta.dirname, 'test/fixtures/counter/src/app.ts')
const folder = await mkdtemp(join(tmpdir(), 'rampart-verify-damage-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let stores = 0

/** A folder of data in which 12 events of 3 streams stand, changed by what `sql` does to one of its files. */
async function changed(sql: string, file = 'write.sqlite'): Promise<string> {
  const data = join(folder, `data-${stores++}`)
  {
    await using running = await openApp(counter, { dataFolder: data })
    const send = (index: number) => running.stream('counter', `s${index % 3}`).Count({ by: 1 })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => send(index)))
    for (const answer of answers) await running.read('totals').get('s0', { after: answer })
  }
  change(join(data, 'counter', file), sql)
  return data
}

function change(file: string, sql: string): void {
  using database = new DatabaseSync(file)
  database.exec(sql)
}

/** What a verification says of a folder of data: how it ends, and each finding as code and words. */
async function verify(data: string) {
  const { code, stdout } = await rampart('verify', '--data', data, '--json', module)
  const { findings } = JSON.parse(stdout)
  return { code, found: findings.map((one: Record<string, string>) => `${one['code']}: ${one['what']}`) }
}

test('finds nothing in a store that nobody touched', async () => {
  expect(await verify(await changed('SELECT 1'))).toEqual({ code: 0, found: [] })
})

describe('finds rows that no log has', () => {
  const insertAt = (place: string): string => `
    CREATE TEMP TABLE one AS SELECT * FROM events WHERE place = (1 << 43) + 12;
    UPDATE one SET place = ${place}, version = 5, append_id = 'other', command_key = NULL;
    INSERT INTO events SELECT * FROM one;`
  const said = (log: number): string =>
    `ROW_MISPLACED: the table events has 1 row outside all logs, at log number ${log}`

  test.each([
    ['before all logs', '5', 0],
    ['at a negative place', '-5', -1],
    ['at position 0', '1 << 43', 1],
    ['behind all logs', '(7 << 43) + 1', 7],
    ['at the last place of all', '9223372036854775807', 1048575],
  ])('an event %s', async (_, place, log) => {
    const { code, found } = await verify(await changed(insertAt(place)))
    expect(code).toBe(1)
    expect(found).toContain(said(log))
  })

  test('an event in another log than its stream', async () => {
    const sql = `INSERT INTO logs VALUES (2, 'default/other/0'); ${insertAt('(2 << 43) + 1')}`
    const { found } = await verify(await changed(sql))
    expect(found).toContain('ROW_MISPLACED: its stream belongs to another log')
  })

  test('all rows of a log that was deleted', async () => {
    expect(await verify(await changed('DELETE FROM logs'))).toEqual({
      code: 1,
      found: [
        'ROW_MISPLACED: the table events has 12 rows outside all logs, at log number 1',
        'ROW_MISPLACED: the table seals has 1 row outside all logs, at log number 1',
        'ROW_MISPLACED: the table streams has 3 rows outside all logs, at log number 1',
        'ROW_MISPLACED: the table epochs has 1 row outside all logs, at log number 1',
      ],
    })
  })
})

describe('finds what was done to the tables of read models', () => {
  const reads = (sql: string) => changed(sql, 'reads.sqlite')

  test.each([
    [
      'a trigger',
      'CREATE TRIGGER quiet AFTER INSERT ON documents_1 BEGIN SELECT 1; END',
      'trigger quiet does not belong there',
    ],
    [
      'an index that is gone',
      'DROP INDEX documents_1_by_position',
      'index documents_1_by_position is missing',
    ],
    [
      'an index too many',
      'CREATE INDEX documents_1_more ON documents_1 (data)',
      'index documents_1_more does not belong there',
    ],
    ['a column too many', 'ALTER TABLE documents_1 ADD COLUMN more TEXT', 'table documents_1 was changed'],
    ['a table of nobody', 'CREATE TABLE documents_77 (id)', 'table documents_77 does not belong there'],
    [
      'a name that looks like one of SQLite',
      'CREATE TABLE sqlitez (id)',
      'table sqlitez does not belong there',
    ],
  ])('%s', async (_, sql, what) => {
    expect(await verify(await reads(sql))).toEqual({ code: 1, found: [`SCHEMA_CHANGED: the ${what}`] })
  })

  test('a collection that is not described', async () => {
    const { found } = await verify(await reads("UPDATE collections SET shape = '?'"))
    expect(found).toContain('SCHEMA_CHANGED: the table documents_1 does not belong there')
  })

  test('damaged pages', async () => {
    const data = await reads('SELECT 1')
    const file = join(data, 'counter', 'reads.sqlite')
    const bytes = await readFile(file)
    await writeFile(file, bytes.fill(0xff, bytes.length - 4096))
    const { code, found } = await verify(data)
    expect(code).toBe(1)
    expect(found.join('\n')).toMatch(/^FILE_DAMAGED: /)
  })
})

test('finds nothing in read models with indexes and searches, after new builds of them', async () => {
  const data = join(folder, 'reads')
  const [{ deciders, projections }] = counter.contexts
  const build = (version: number, search: readonly 'total'[]) => {
    const totals = { ...projections[0], version, indexes: ['total'], search }
    return app('counter', { contexts: [context('counter', { deciders, projections: [totals] })] })
  }
  for (const definition of [build(1, ['total']), build(2, []), build(3, ['total'])]) {
    // oxlint-disable-next-line no-await-in-loop -- one version after the other
    await using running = await openApp(definition, { dataFolder: data })
    const answer = await running.stream('counter', 'a').Count({ by: 1 })
    await running.read('totals').get('a', { after: answer })
  }
  const file = join(data, 'counter', 'reads.sqlite')
  expect(readStoreDamages(file)).toEqual([])
  change(file, 'ANALYZE')
  expect(readStoreDamages(file)).toEqual([])
  change(file, 'DROP TABLE words_3')
  expect(readStoreDamages(file)[0]).toEqual({ code: 'SCHEMA_CHANGED', what: 'the table words_3 is missing' })
})

describe('says what it can, and ends as it always does', () => {
  test.each([
    [
      'an index that is gone',
      'DROP INDEX events_by_stream',
      'SCHEMA_CHANGED: the index events_by_stream is missing',
    ],
    ['a table that is gone', 'DROP TABLE logs', 'SCHEMA_CHANGED: the table logs is missing'],
    [
      'a number too large',
      'UPDATE events SET version = 1 << 60 WHERE version = 3',
      'FILE_DAMAGED: it cannot be read',
    ],
    ['a newer schema', 'PRAGMA user_version = 99', 'SCHEMA_NEWER: The store'],
  ])('over %s', async (_, sql, said) => {
    const { code, found } = await verify(await changed(sql))
    expect(code).toBe(1)
    expect(found.join('\n')).toContain(said)
  })

  test('over an empty file', async () => {
    const data = await changed('SELECT 1')
    await writeFile(join(data, 'counter', 'write.sqlite'), '')
    const found = ['SCHEMA_CHANGED: the file is empty: it has no tables']
    expect(await verify(data)).toEqual({ code: 1, found: expect.arrayContaining(found) })
  })

  test('over a damaged page, whichever it is', async () => {
    const data = await changed('SELECT 1')
    const file = join(data, 'counter', 'write.sqlite')
    const bytes = await readFile(file)
    for (let page = 0; page < bytes.length; page += 4096) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await writeFile(file, Buffer.from(bytes).fill(0xff, page, page + 4096))
      // oxlint-disable-next-line no-await-in-loop -- as above
      const { code, found } = await verify(data)
      expect([code, found.length > 0]).toEqual([1, true])
    }
  })

  test('over the other apps of a folder', async () => {
    const data = await changed('PRAGMA user_version = 99')
    await cp(await changed('DELETE FROM events WHERE version = 2'), join(data, 'copy'), { recursive: true })
    await rename(join(data, 'copy', 'counter'), join(data, 'other'))
    const { found } = await verify(data)
    expect(found.map((one: string) => one.split(':')[0])).toEqual(
      expect.arrayContaining(['SCHEMA_NEWER', 'EVENT_MISSING']),
    )
  })
})

test('says so when this user may not read a file', async () => {
  const data = await changed('SELECT 1')
  await chmod(join(data, 'counter', 'write.sqlite'), 0)
  // Root may read everything.
  const isRoot = process.geteuid?.() === 0
  await chmod(folder, 0o755)
  if (isRoot) process.seteuid?.(65_534)
  try {
    const { code, found } = await verify(data)
    expect([code, ...new Set(found)]).toEqual([1, 'FILE_UNREADABLE: this user may not open the file'])
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
})

test('is told so when an anchor cannot be written, or a module is not there', async () => {
  const data = await changed('SELECT 1')
  const anchor = join(folder, 'nowhere', 'anchor.json')
  expect(await rampart('verify', '--data', data, module, '--write-anchor', anchor)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^The anchor file .* cannot be written \(ENOENT.*name one in a folder that can/,
    ),
  })
  for (const command of ['verify', 'run']) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(
      await rampart(command, 'nope.ts', ...(command === 'verify' ? ['--data', data] : [])),
    ).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/There is no app at .*nope\.ts\. Name a module/),
    })
  }
})
