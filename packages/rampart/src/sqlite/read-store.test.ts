// The read store on SQLite keeps the promises of its port, in both threads and in memory, and its own
// refusals.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { ReadStore } from '../core/ports/index.ts'
import { readStoreContract, type ReadStoreHarness } from '../testing/index.ts'
import { readStoreDamages } from './inspection/index.ts'
import { openSqliteReadStore } from './read-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'rampart-reads-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const nextFile = (): string => join(folder, `${++files}.sqlite`)

// One process has a file, so nothing of it is shared.
const ownRules = readStoreContract.filter((rule) => rule.needs !== 'shared')

type Thread = 'worker' | 'caller'

interface Opened extends ReadStoreHarness, AsyncDisposable {}

async function openHarness(file: string, thread: Thread): Promise<Opened> {
  const first = await openSqliteReadStore({ file, thread })
  let current: ReadStore = first
  return {
    store: first,
    async reopen() {
      await current[Symbol.asyncDispose]()
      current = await openSqliteReadStore({ file, thread })
      return current
    },
    [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
  }
}

describe.each<Thread>(['worker', 'caller'])('a file written by the %s', (thread) => {
  test.each(ownRules)('$name', async ({ check }) => {
    const file = nextFile()
    await using harness = await openHarness(file, thread)
    await expect(check(harness)).resolves.toBeUndefined()
    // Whatever a store does with its tables is no damage to a verification.
    expect(readStoreDamages(file)).toEqual([])
  })
})

describe('a store in memory', () => {
  const kept = ownRules.filter((rule) => rule.needs === undefined)
  test.each(kept)('$name', async ({ check }) => {
    await using harness = await openHarness(':memory:', 'caller')
    await expect(check(harness)).resolves.toBeUndefined()
  })

  test('cannot have a writer in another thread', async () => {
    const attempt = openSqliteReadStore({ file: ':memory:', thread: 'worker' })
    await expect(attempt).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  })
})

const shape = { name: 'orders', version: 1, log: 'default/shop/0', indexes: ['status'], search: ['title'] }

test.each<Thread>(['worker', 'caller'])(
  'a store of the %s refuses everything after its end',
  async (thread) => {
    const store = await openSqliteReadStore({ file: nextFile(), thread })
    const collection = await store.openCollection(shape, 'e')
    const from = await collection.checkpoint()
    await store[Symbol.asyncDispose]()
    await store[Symbol.asyncDispose]()
    const closed = { code: 'STORE_CLOSED' }
    await expect(collection.get('a')).rejects.toMatchObject(closed)
    await expect(collection.commit({ from, to: from, documents: [] })).rejects.toMatchObject(closed)
    await expect(store.openCollection(shape, 'e')).rejects.toMatchObject(closed)
  },
)

test('a file that a newer version has changed is refused', async () => {
  const file = nextFile()
  await using _ = await openHarness(file, 'caller')
  const database = new DatabaseSync(file)
  database.exec('PRAGMA user_version = 99')
  database.close()
  await expect(openHarness(file, 'worker')).rejects.toMatchObject({ code: 'STORE_SCHEMA_NEWER' })
})

test('names of projections and indexes never become part of a statement', async () => {
  await using harness = await openHarness(nextFile(), 'caller')
  const hostile = 'x"; DROP TABLE collections; --'
  const collection = await harness.store.openCollection({ ...shape, indexes: [hostile] }, 'e')
  const from = await collection.checkpoint()
  const documents = [{ key: 'a', version: null, position: from.position, data: { [hostile]: 'v' } }]
  await collection.commit({ from, to: { ...from, eventId: 'b' }, documents })
  const where = [{ index: hostile, value: 'v' }]
  const page = await collection.page({ where, search: null, afterKey: null, limit: 5 })
  expect(page.documents).toEqual(documents)
})

test('tells every listener of a commit, until it ends', async () => {
  await using harness = await openHarness(nextFile(), 'worker')
  const collection = await harness.store.openCollection(shape, 'e')
  const heard: string[] = []
  const end = collection.onCommitted(() => heard.push('a'))
  collection.onCommitted(() => heard.push('b'))
  const from = await collection.checkpoint()
  await collection.commit({ from, to: from, documents: [] })
  end()
  await collection.commit({ from, to: from, documents: [] })
  expect(heard).toEqual(['a', 'b', 'b'])
})

test('goes on with another thread when its own has died', async () => {
  const threads: Worker[] = []
  const post = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...call) {
    threads.push(this)
    post.mockRestore()
    this.postMessage(...call)
  })
  await using harness = await openHarness(nextFile(), 'worker')
  const collection = await harness.store.openCollection(shape, 'e')
  const from = await collection.checkpoint()
  const to = { ...from, eventId: 'b' }
  const data = { status: 'open', title: 'a tale' }
  const documents = [{ key: 'a', version: null, position: from.position, data }]
  expect(threads).toHaveLength(1)
  await threads[0]?.terminate()
  await collection.commit({ from, to, documents })
  expect(await collection.checkpoint()).toEqual(to)
  const page = await collection.page({ where: [], search: 'tale', afterKey: null, limit: 5 })
  expect(page.documents).toEqual(documents)
})

test('refuses a search of more words than anybody types', async () => {
  await using harness = await openHarness(':memory:', 'caller')
  const collection = await harness.store.openCollection(shape, 'e')
  const search = Array.from({ length: 33 }, (_, index) => `w${index}`).join(' ')
  const attempt = collection.page({ where: [], search, afterKey: null, limit: 5 })
  await expect(attempt).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})
