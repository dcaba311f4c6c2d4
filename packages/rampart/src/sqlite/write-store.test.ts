// Proves the store on SQLite by the conformance suites, with its writer in either thread.
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import type { WriteStore } from '../core/ports/index.ts'
import {
  commandInboxContract,
  documentStoreContract,
  eventStoreContract,
  sealStoreContract,
  settableClock,
  stateStoreContract,
  type EventStoreHarness,
} from '../testing/index.ts'
import { openSqliteStore, type SqliteStoreOptions } from './index.ts'

type Thread = SqliteStoreOptions['thread']

const folder = mkdtempSync(join(tmpdir(), 'rampart-write-store-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0

const inboxCommandsMax = 20
const contract = [
  ...eventStoreContract,
  ...stateStoreContract,
  ...sealStoreContract,
  ...documentStoreContract,
  ...commandInboxContract,
]

async function openHarness(thread: Thread): Promise<EventStoreHarness & AsyncDisposable> {
  const clock = settableClock()
  const file = join(folder, `${++files}.sqlite`)
  const open = (): Promise<WriteStore> =>
    openSqliteStore({ file, thread, runtime: clock.runtime, inboxCommandsMax })
  let store = await open()
  return {
    store,
    setClock: clock.set,
    inboxCommandsMax,
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = await open()
      return store
    },
    copy: async () => {
      const database = new DatabaseSync(file, { readOnly: true })
      database.prepare('VACUUM INTO ?').run(`${file}.copy`)
      database.close()
      return async () => {
        await store[Symbol.asyncDispose]()
        renameSync(`${file}.copy`, file)
        store = await open()
        return store
      }
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

describe.each<Thread>(['caller', 'worker'])('the store with its writer in the thread %s', (thread) => {
  test.each(contract)('$name', async ({ check }) => {
    await using harness = await openHarness(thread)
    await expect(check(harness)).resolves.toBeUndefined()
  })

  test('declares all that it can do', async () => {
    await using harness = await openHarness(thread)
    const log = await harness.store.openLog('default/shop/0')
    expect(log.capabilities).toEqual({ durable: true, reopens: true, dynamicConsistency: true })
  })
})

test('a log that was taken out of the list is not begun anew, and other logs are opened', async () => {
  const file = join(folder, `${++files}.sqlite`)
  const keys = ['default/shop/0', 'default/bank/0'] as const
  {
    await using store = await openSqliteStore({ file, thread: 'caller' })
    for (const key of keys) await (await store.openLog(key)).beginEpoch()
  }
  const database = new DatabaseSync(file)
  database.exec(`DELETE FROM logs WHERE key = '${keys[0]}'`)
  database.close()
  await using store = await openSqliteStore({ file, thread: 'caller' })
  await expect(store.openLog(keys[0])).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
    effect: 'definite',
    message: expect.stringMatching(/rows outside all logs, at log number 1\. Restore a backup/),
  })
  expect(await (await store.openLog(keys[1])).epochs()).toHaveLength(2)
})
