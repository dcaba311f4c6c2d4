// Proves that the journal of a store moves into its file: by a thread beside the writer, by the writer when
// it is long, and that a disk which fails at that stops the store.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { streamId } from '../core/codec/index.ts'
import { checkAppend } from '../core/checks/index.ts'
import type { BatchReply, Operation } from '../core/group-commit/index.ts'
import type { AppendRequest } from '../core/ports/index.ts'
import { createBatchWriter, type SynchronousWriter } from './batch-writer.ts'
import { migrate, openDatabase } from './database.ts'
import { openSqliteStore } from './index.ts'
import { createJournal } from './journal.ts'
import { writeSchema } from './writer-service.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rampart-journal-'))
  file = join(folder, 'write.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const mebibyte = 1024 * 1024

function request(bytes: number): AppendRequest {
  const event = { type: 'Noted', schemaVersion: 1, payload: new Uint8Array(bytes) }
  return { writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'any', events: [event] }] }
}

function journalBytes(): number {
  return statSync(`${file}-wal`).size
}

test.each(['caller', 'worker'] as const)(
  'a thread beside the writer moves what the journal holds (%s)',
  async (thread) => {
    await using store = await openSqliteStore({ file, thread })
    const log = await store.openLog('default/shop/0')
    for (let count = 0; count < 20; count++) await log.append(request(mebibyte))
    expect(journalBytes()).toBeGreaterThan(20 * mebibyte)
    using other = new DatabaseSync(file)
    const journal = createJournal(other)
    // It looks when something was committed, and is not in a hurry.
    for (let count = 0; count < 3000 && journal.waiting() >= 4000; count++) await log.append(request(1))
    expect(journal.length()).toBeGreaterThan(4000)
    expect(journal.waiting()).toBeLessThan(4000)
    expect(other.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  },
)

/** A writer over a database that throws at each move while `errcode` is set. */
function openFailing(disk: { errcode?: number }): { database: DatabaseSync; writer: SynchronousWriter } {
  const database = openDatabase({ file, synchronous: 'FULL' })
  migrate(database, file, writeSchema)
  database.exec('PRAGMA wal_autocheckpoint = 0')
  const prepare = database.prepare.bind(database)
  database.prepare = (sql: string) => {
    const statement = prepare(sql)
    if (!sql.includes('PASSIVE')) return statement
    const get = statement.get.bind(statement)
    statement.get = (...values: never[]) => {
      const { errcode } = disk
      if (errcode !== undefined) throw Object.assign(new Error('disk I/O error'), { errcode })
      return get(...values)
    }
    return statement
  }
  const writer = createBatchWriter({ appendPrefix: 'p-', inboxCommandsMax: 10, database, file })
  writer.commit({ nowMs: 1, operations: [{ kind: 'openLog', key: 'default/shop/0', epoch: 'epoch-1' }] })
  return { database, writer }
}

function appendTo(writer: SynchronousWriter, bytes: number): BatchReply {
  const operation: Operation = { kind: 'append', log: 1, append: checkAppend(request(bytes)) }
  return writer.commit({ nowMs: 2, operations: [operation] })
}

function fillJournal(writer: SynchronousWriter): void {
  while (journalBytes() < 62 * mebibyte) expect(appendTo(writer, mebibyte).fault).toBeNull()
}

test('the writer moves a long journal itself, and it begins anew', () => {
  const { database, writer } = openFailing({})
  fillJournal(writer)
  for (let count = 0; count < 20; count++) appendTo(writer, mebibyte)
  expect(journalBytes()).toBeLessThan(66 * mebibyte)
  expect(createJournal(database).length()).toBeLessThan(20 * 256)
  database.close()
})

const [full, syncFailed] = [13, 10 | (4 << 8)]

test('a full disk keeps a long journal as it is until there is space', () => {
  const disk: { errcode?: number } = { errcode: full }
  const { database, writer } = openFailing(disk)
  fillJournal(writer)
  for (let count = 0; count < 5; count++) expect(appendTo(writer, mebibyte).fault).toBeNull()
  const journal = createJournal(database)
  expect(journal.waiting()).toBeGreaterThan(16_000)
  delete disk.errcode
  appendTo(writer, 1)
  expect(journal.waiting()).toBe(0)
  database.close()
})

test('a disk that fails to take it stops the store, and what was committed before is acknowledged', () => {
  const { database, writer } = openFailing({ errcode: syncFailed })
  fillJournal(writer)
  let reply = appendTo(writer, mebibyte)
  for (let count = 0; count < 5 && reply.fault === null; count++) reply = appendTo(writer, mebibyte)
  expect(reply.results).toMatchObject([{ status: 'appended' }])
  expect(reply.fault).toMatch(/stopped accepting writes/)
  expect(appendTo(writer, 1).results).toMatchObject([{ failed: { code: 'STORE_UNAVAILABLE' } }])
  database.close()
})
