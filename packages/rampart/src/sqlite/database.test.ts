// Proves what opening a database checks: version, kind of file, schema steps, and faults that say what to do.
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { canonicalPath, migrate, openDatabase, requireSqliteVersion, storeFault } from './database.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rampart-database-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const one = { applicationId: 77, steps: ['CREATE TABLE one (id INTEGER)'] }
const two = { applicationId: 77, steps: [...one.steps, 'CREATE TABLE two (id INTEGER)'] }

test.each(['3.51.2', '3.40.1', '2.99.99'])('refuses SQLite %s, which can corrupt a database', (version) => {
  expect(() => requireSqliteVersion(version)).toThrow(expect.objectContaining({ code: 'SQLITE_TOO_OLD' }))
})

test.each(['3.51.3', '3.53.0', '4.0.0'])('accepts SQLite %s', (version) => {
  expect(() => requireSqliteVersion(version)).not.toThrow()
})

test('opens in WAL mode with the wanted syncing', () => {
  using database = openDatabase({ file: join(folder, 'deep/er/a.sqlite'), synchronous: 'FULL' })
  expect(database.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
  expect(database.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 })
})

test('takes the steps that a file lacks, and none twice', () => {
  const file = join(folder, 'a.sqlite')
  for (const schema of [one, one, two, two]) {
    using database = openDatabase({ file, synchronous: 'NORMAL' })
    migrate(database, file, schema)
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: schema.steps.length })
  }
})

test('leaves a step that fails undone, so that the start can be repeated', () => {
  const file = join(folder, 'a.sqlite')
  using database = openDatabase({ file, synchronous: 'NORMAL' })
  const broken = { applicationId: 77, steps: [...one.steps, 'CREATE TABLE two (id INTEGER); CREATE BROKEN'] }
  expect(() => migrate(database, file, broken)).toThrow(
    expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
  )
  migrate(database, file, two)
  expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 2 })
})

test('refuses a file with a newer schema, and one of another kind', () => {
  const file = join(folder, 'a.sqlite')
  using database = openDatabase({ file, synchronous: 'NORMAL' })
  migrate(database, file, two)
  expect(() => migrate(database, file, one)).toThrow(expect.objectContaining({ code: 'STORE_SCHEMA_NEWER' }))
  expect(() => migrate(database, file, { ...two, applicationId: 78 })).toThrow(/something else/)
})

test('says what to do about a file that is no database', () => {
  const file = join(folder, 'a.sqlite')
  writeFileSync(
    file,
    'this is no database, but it is long enough to be looked at as if it were one'.repeat(20),
  )
  expect(() => openDatabase({ file, synchronous: 'FULL' })).toThrow(/damaged or is no SQLite database/)
})

test('tells a full disk from a failed one', () => {
  const full = Object.assign(new Error('database or disk is full'), { errcode: 13 })
  const failed = Object.assign(new Error('disk I/O error'), { errcode: 10 | (4 << 8) })
  expect(storeFault(full, 'a')).toMatchObject({ code: 'STORE_FULL', effect: 'definite' })
  expect(storeFault(failed, 'a')).toMatchObject({ code: 'STORE_UNAVAILABLE' })
})

test('gives one path to a file, whatever links lead to it', () => {
  symlinkSync(folder, `${folder}-link`)
  expect(canonicalPath(join(`${folder}-link`, 'a.sqlite'))).toBe(canonicalPath(join(folder, 'a.sqlite')))
  rmSync(`${folder}-link`)
})
