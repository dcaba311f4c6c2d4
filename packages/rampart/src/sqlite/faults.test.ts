// Proves what the store on SQLite does when things go wrong: locks, torn files, bad data, full and failing
// disks.
import { execFile } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandId, position, streamId } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import { checkAppend } from '../core/checks/index.ts'
import type { AppendRequest, EventStore, NewEvent } from '../core/ports/index.ts'
import { type Batch, type BatchReply, createCommitQueue, type Operation } from '../core/group-commit/index.ts'
import { settableClock } from '../testing/index.ts'
import { createBatchWriter } from './batch-writer.ts'
import { migrate, openDatabase } from './database.ts'
import { openSqliteStore } from './index.ts'
import { writeSchema } from './writer-service.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rampart-faults-'))
  file = join(folder, 'write.sqlite')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function event(type: string, payload: Uint8Array = new Uint8Array(100)): NewEvent {
  return { type, schemaVersion: 1, payload }
}

function request(id: string, type = 'Noted', payload?: Uint8Array): AppendRequest {
  return {
    writes: [{ decider: 'note', id: streamId(id), expectedVersion: 'any', events: [event(type, payload)] }],
  }
}

async function readAll(log: EventStore): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const page of log.readLog({ after: position(0) })) {
    for (const one of page.events) expect(one.position).toBe(ids.push(one.streamId))
  }
  return ids
}

describe('one process per file', () => {
  test('a second process is refused with what to do, and let in afterwards', async () => {
    const script = fileURLToPath(new URL('./test/open-and-tell.ts', import.meta.url))
    const tell = async (): Promise<{ code: string; message?: string }> => {
      const { stdout } = await promisify(execFile)(process.execPath, [...process.execArgv, script, file])
      return JSON.parse(stdout)
    }
    const store = await openSqliteStore({ file, thread: 'caller' })
    const refused = await tell()
    expect(refused.code).toBe('STORE_LOCKED')
    expect(refused.message).toContain(`${file}.lock`)
    expect(refused.message).toMatch(/Stop the process that has the store open/)
    await store[Symbol.asyncDispose]()
    expect((await tell()).code).toBe('OPENED')
  })

  test.each(['caller', 'worker'] as const)(
    'so is a second opening in the same process (%s)',
    async (thread) => {
      await using _store = await openSqliteStore({ file, thread })
      await expect(openSqliteStore({ file, thread })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
      await expect(
        openSqliteStore({ file: join(folder, '.', 'write.sqlite'), thread: 'caller' }),
      ).rejects.toMatchObject({ code: 'STORE_LOCKED' })
    },
  )

  test('a store that cannot be opened gives its lock back', async () => {
    await (await openSqliteStore({ file, thread: 'caller' }))[Symbol.asyncDispose]()
    const database = new DatabaseSync(file)
    database.exec('PRAGMA user_version = 99')
    const newer = openSqliteStore({ file, thread: 'worker' })
    await expect(newer).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER', details: { schema: 99 } })
    database.exec(`PRAGMA user_version = ${writeSchema.steps.length}`)
    database.close()
    await (await openSqliteStore({ file, thread: 'caller' }))[Symbol.asyncDispose]()
  })
})

describe('bad data in a batch', () => {
  test.each(['caller', 'worker'] as const)(
    'what the database refuses leaves its neighbours whole (%s)',
    async (thread) => {
      await using store = await openSqliteStore({ file, thread })
      const log = await store.openLog('default/shop/0')
      await log.append(request('a', 'Bad'))
      using other = new DatabaseSync(file)
      other.exec(`CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.type = 1
      BEGIN SELECT RAISE(ABORT, 'planted'); END`)
      const two: AppendRequest = { writes: [...request('c').writes, ...request('d', 'Bad').writes] }
      const batch = [request('b'), request('b', 'Bad'), request('b'), two, request('e')]
      const results = await Promise.allSettled(batch.map((one) => log.append(one)))
      expect(results.map((one) => (one.status === 'fulfilled' ? one.value.status : one.reason.code))).toEqual(
        ['appended', 'INPUT_INVALID', 'appended', 'INPUT_INVALID', 'appended'],
      )
      expect(await readAll(log)).toEqual(['a', 'b', 'b', 'e'])
      expect(store.fault()).toBeUndefined()
      other.exec('DROP TRIGGER refuse')
      await expect(log.append(two)).resolves.toMatchObject({ status: 'appended', versions: [1, 1] })
    },
  )
})

describe('a torn write-ahead log', () => {
  async function copyOfRunningStore(count: number): Promise<string> {
    await using store = await openSqliteStore({ file, thread: 'caller' })
    const log = await store.openLog('default/shop/0')
    for (let number = 1; number <= count; number++) await log.append(request(`s${number}`))
    const copy = join(folder, 'copy.sqlite')
    copyFileSync(file, copy)
    copyFileSync(`${file}-wal`, `${copy}-wal`)
    return copy
  }

  test.each([
    ['loses its last bytes', (wal: string) => truncateSync(wal, readFileSync(wal).length - 100)],
    ['ends with a flipped byte', (wal: string) => flip(wal, readFileSync(wal).length - 50)],
    ['goes on with bytes of nobody', (wal: string) => appendFileSync(wal, Buffer.alloc(5000, 7))],
  ])('that %s opens with a whole beginning of the log', async (_, damage) => {
    const copy = await copyOfRunningStore(20)
    damage(`${copy}-wal`)
    await using store = await openSqliteStore({ file: copy, thread: 'caller' })
    const log = await store.openLog('default/shop/0')
    const ids = await readAll(log)
    expect(ids.length).toBeGreaterThanOrEqual(19)
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, index) => `s${index + 1}`))
    const next = await log.append(request('next'))
    expect(next).toMatchObject({ status: 'appended', place: { position: ids.length + 1 } })
  })

  // SQLite cannot tell a lost log from one that was empty: what was checkpointed is there, and no more. The
  // index of the log is made anew.
  test.each([
    ['that is whole, but has lost its index, leaves all', 20, ['', '-wal']],
    ['that is gone leaves what was checkpointed,', 10, ['']],
  ] as const)('%s %i events', async (_, count, ends) => {
    const copy = join(folder, 'copy.sqlite')
    {
      await using store = await openSqliteStore({ file, thread: 'caller' })
      const log = await store.openLog('default/shop/0')
      for (let number = 1; number <= 20; number++) {
        await log.append(request(`s${number}`))
        if (number !== 10) continue
        using other = new DatabaseSync(file)
        other.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      }
      for (const end of ends) copyFileSync(file + end, copy + end)
    }
    await using store = await openSqliteStore({ file: copy, thread: 'caller' })
    const log = await store.openLog('default/shop/0')
    expect(await readAll(log)).toEqual(Array.from({ length: count }, (__, index) => `s${index + 1}`))
    expect(await log.append(request('next'))).toMatchObject({ place: { position: count + 1 } })
  })

  function flip(wal: string, at: number): void {
    const bytes = readFileSync(wal)
    bytes[at] = (bytes[at] ?? 0) ^ 0xff
    writeFileSync(wal, bytes)
  }
})

function openOperations(): readonly Operation[] {
  return [{ kind: 'openLog', key: 'default/shop/0', epoch: 'epoch-1' }]
}

function appendOperation(id: string, payload?: Uint8Array): Operation {
  return { kind: 'append', log: 1, append: checkAppend(request(id, 'Noted', payload)) }
}

const limits = { appendPrefix: 'p-', inboxCommandsMax: 10 }

function statusesOf(reply: BatchReply): readonly unknown[] {
  return reply.results.map((result) => {
    if (result === null || !('status' in result || 'failed' in result)) return result
    return 'failed' in result ? [result.failed.code, result.failed.effect] : result.status
  })
}

describe('a failing disk', () => {
  test('that is full fails the batch for sure, and the store goes on once there is space', () => {
    using database = openDatabase({ file, synchronous: 'FULL' })
    migrate(database, file, writeSchema)
    const writer = createBatchWriter({ ...limits, database, file })
    const commit = (...operations: readonly Operation[]) => writer.commit({ nowMs: 1, operations })
    commit(...openOperations())
    commit(appendOperation('a'))
    database.exec('PRAGMA max_page_count = 30')
    const large = new Uint8Array(200_000)
    const reply = commit(appendOperation('b'), appendOperation('c', large), appendOperation('d'))
    const full = ['STORE_FULL', 'definite']
    expect([statusesOf(reply), reply.fault]).toEqual([[full, full, full], null])
    database.exec('PRAGMA max_page_count = 100000')
    const later = commit(appendOperation('b'), appendOperation('c', large))
    expect(statusesOf(later)).toEqual(['appended', 'appended'])
    expect(later.results).toMatchObject([{ place: { position: 2 } }, { place: { position: 3 } }])
  })

  /** A database one of whose statements fails while it is told to. */
  function failing(sql: string, errcode: number) {
    const database = openDatabase({ file, synchronous: 'FULL' })
    migrate(database, file, writeSchema)
    let isFailing = false
    const prepare = database.prepare.bind(database)
    database.prepare = (text: string) => {
      const statement = prepare(text)
      const run = statement.run.bind(statement)
      if (text.includes(sql)) {
        statement.run = (...values: never[]) => {
          if (isFailing) throw Object.assign(new Error('disk I/O error'), { errcode })
          return run(...values)
        }
      }
      return statement
    }
    return { database, fail: () => void (isFailing = true), mend: () => void (isFailing = false) }
  }

  const syncFailed = 10 | (4 << 8)

  test('at COMMIT leaves the outcome unknown and stops the store', () => {
    const { database, fail } = failing('COMMIT', syncFailed)
    const writer = createBatchWriter({ ...limits, database, file })
    writer.commit({ nowMs: 1, operations: openOperations() })
    fail()
    const reply = writer.commit({ nowMs: 2, operations: [appendOperation('a'), appendOperation('b')] })
    const unknown = ['OUTCOME_UNKNOWN', 'unknown']
    expect(statusesOf(reply)).toEqual([unknown, unknown])
    expect(reply.fault).toMatch(/stopped accepting writes/)
    const after = writer.commit({ nowMs: 3, operations: [appendOperation('a')] })
    expect(statusesOf(after)).toEqual([['STORE_UNAVAILABLE', 'definite']])
    database.close()
  })

  test('that undoes the creation of a log leaves nothing of it', () => {
    const full = 13
    const { database, fail, mend } = failing('COMMIT', full)
    const writer = createBatchWriter({ ...limits, database, file })
    fail()
    const undone = writer.commit({ nowMs: 1, operations: openOperations() })
    expect(statusesOf(undone)).toEqual([['STORE_FULL', 'definite']])
    mend()
    const operations: Operation[] = [{ kind: 'openLog', key: 'default/billing/0', epoch: 'epoch-2' }]
    const reply = writer.commit({ nowMs: 2, operations: [...operations, appendOperation('a')] })
    expect(reply.results).toMatchObject([
      { number: 1, epoch: 'epoch-2' },
      { place: { epoch: 'epoch-2', position: 1 } },
    ])
    database.close()
  })

  test('before COMMIT fails the batch for sure and stops the store', () => {
    const { database, fail } = failing('INSERT INTO events', syncFailed)
    const writer = createBatchWriter({ ...limits, database, file })
    writer.commit({ nowMs: 1, operations: openOperations() })
    fail()
    const reply = writer.commit({ nowMs: 2, operations: [appendOperation('a'), appendOperation('b')] })
    const lost = ['STORE_UNAVAILABLE', 'definite']
    expect([statusesOf(reply), database.isTransaction]).toEqual([[lost, lost], false])
    expect(reply.fault).toMatch(/stopped accepting writes/)
    database.close()
  })

  test('that is busy with another connection fails the batch for sure, and the store goes on', () => {
    using database = openDatabase({ file, synchronous: 'FULL' })
    migrate(database, file, writeSchema)
    const writer = createBatchWriter({ ...limits, database, file })
    writer.commit({ nowMs: 1, operations: openOperations() })
    using other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    const reply = writer.commit({ nowMs: 2, operations: [appendOperation('a')] })
    expect([statusesOf(reply), reply.fault]).toEqual([[['STORE_UNAVAILABLE', 'definite']], null])
    other.exec('ROLLBACK')
    expect(statusesOf(writer.commit({ nowMs: 3, operations: [appendOperation('a')] }))).toEqual(['appended'])
  })
})

describe('the commit queue', () => {
  /** A queue whose batches wait until they are let go. */
  function heldQueue(limits: { operationsMax: number; bytesMax: number }) {
    const batches: { batch: Batch; reply: PromiseWithResolvers<BatchReply> }[] = []
    const writer = {
      commit: (batch: Batch) => {
        const reply = Promise.withResolvers<BatchReply>()
        batches.push({ batch, reply })
        return reply.promise
      },
      close: () => Promise.resolve(),
    }
    const queue = createCommitQueue({
      writer,
      runtime: { ...systemRuntime, soon: (callback) => callback() },
      limits,
      file,
      onCommitted: () => undefined,
    })
    const submit = (bytes: number) =>
      queue.submit<'release'>(
        { kind: 'release', log: 1, commandIds: [], retryAtMs: 0, cause: null, owner: null, untried: 0 },
        bytes,
      )
    return { queue, batches, submit }
  }

  test('takes so many operations and so many bytes, and no more', async () => {
    const { batches, submit } = heldQueue({ operationsMax: 3, bytesMax: 100 })
    const taken = [submit(10), submit(10), submit(10)]
    await expect(submit(1)).rejects.toMatchObject({ code: 'OVERLOADED', effect: 'definite' })
    batches[0]?.reply.resolve({ results: [null], fault: null })
    await taken[0]
    await expect(submit(90)).rejects.toMatchObject({ code: 'OVERLOADED' })
    batches[1]?.reply.resolve({ results: [null, null], fault: null })
    await Promise.all(taken)
    const large = submit(1_000_000)
    batches[2]?.reply.resolve({ results: [null], fault: null })
    await expect(large).resolves.toBeNull()
  })

  test('gives a writer what waits before anyone is answered, and closes once all are', async () => {
    const { queue, batches, submit } = heldQueue({ operationsMax: 10, bytesMax: 100 })
    const order: string[] = []
    const first = submit(1).then(() => order.push(`answered beside ${batches.length} batches`))
    const second = submit(1)
    const closing = queue.close().then(() => order.push('closed'))
    batches[0]?.reply.resolve({ results: [null], fault: null })
    await first
    batches[1]?.reply.resolve({ results: [null], fault: null })
    await Promise.all([second, closing])
    expect(order).toEqual(['answered beside 2 batches', 'closed'])
  })

  test('gathers all that wait into one batch of a bounded size', async () => {
    const { batches, submit } = heldQueue({ operationsMax: 10_000, bytesMax: 64 * 1024 * 1024 })
    const first = submit(1)
    const small = Array.from({ length: 1500 }, () => submit(1))
    const large = Array.from({ length: 3 }, () => submit(9 * 1024 * 1024))
    const sizes: number[] = []
    for (let index = 0; index < batches.length; index++) {
      const size = batches[index]?.batch.operations.length ?? 0
      sizes.push(size)
      batches[index]?.reply.resolve({ results: Array.from({ length: size }, () => null), fault: null })
      await new Promise<void>((resolve) => systemRuntime.soon(resolve))
    }
    await Promise.all([first, ...small, ...large])
    expect(sizes).toEqual([1, 1000, 501, 1, 1])
  })

  test('says what is unknown and what is not when the writer dies', async () => {
    const { queue, batches, submit } = heldQueue({ operationsMax: 10, bytesMax: 100 })
    const inFlight = submit(1)
    const waiting = submit(1)
    batches[0]?.reply.reject(new Error('it died'))
    await expect(inFlight).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', effect: 'unknown' })
    await expect(waiting).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', effect: 'definite' })
    await expect(submit(1)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(queue.fault()).toMatch(/it died/)
    await queue.close()
  })
})

describe('the store', () => {
  test('forgets expired outcomes beside other work, some at a time', async () => {
    const clock = settableClock(1_000_000)
    await using store = await openSqliteStore({ file, thread: 'caller', runtime: clock.runtime })
    const log = await store.openLog('default/shop/0')
    const refuse = (number: number) =>
      log.append({
        writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'any', events: [] }],
        command: {
          id: commandId(`00000000-0000-4000-8000-${String(number).padStart(12, '0')}`),
          fingerprint: 'f',
          outcome: null,
          expiresAtMs: number % 10 === 0 ? null : 2_000_000,
        },
      })
    await Promise.all(Array.from({ length: 500 }, (_, number) => refuse(number)))
    using reader = new DatabaseSync(file, { readOnly: true })
    const kept = () => reader.prepare('SELECT count(*) AS kept FROM outcomes').get()?.['kept']
    expect(kept()).toBe(500)
    const counts: unknown[] = []
    for (let turn = 1; turn <= 4; turn++) {
      clock.set(2_000_000 + turn * 1000)
      await log.append(request('b'))
      counts.push(kept())
    }
    expect(counts).toEqual([300, 100, 50, 50])
  })

  test('looks for rare types a bounded stretch at a time', async () => {
    await using store = await openSqliteStore({ file, thread: 'caller' })
    const log = await store.openLog('default/shop/0')
    const common = Array.from({ length: 1000 }, () => event('Common', new Uint8Array(1)))
    const write = { decider: 'note', id: streamId('a'), expectedVersion: 'any' } as const
    for (let turn = 0; turn < 25; turn++) await log.append({ writes: [{ ...write, events: common }] })
    await log.append(request('b', 'Rare'))
    const reached: number[] = []
    const found: number[] = []
    for await (const page of log.readLog({ after: position(0), types: ['Rare'] })) {
      expect(page.through.eventId).not.toBe('')
      reached.push(page.through.position)
      found.push(...page.events.map((one) => one.position))
    }
    expect([reached, found]).toEqual([[10_000, 20_000, 25_001], [25_001]])
  })
})
