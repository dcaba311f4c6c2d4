// The read store on PostgreSQL keeps the promises of its port, on a real server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ReadStore } from '../core/ports/index.ts'
import { readStoreContract, type ReadStoreHarness } from '../testing/index.ts'
import { openPostgresReadStore } from './index.ts'
import { createDatabase, startPostgres, type PostgresServer } from './test/server.ts'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  const url = await createDatabase(server.url('postgres'), 'migrated')
  await (await openPostgresReadStore({ url }))[Symbol.asyncDispose]()
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)

async function openHarness(): Promise<ReadStoreHarness & AsyncDisposable> {
  const url = await createDatabase(server.url('postgres'), `rule_${++databases}`, 'migrated')
  const store = await openPostgresReadStore({ url })
  let current: ReadStore = store
  return {
    store,
    async reopen() {
      await current[Symbol.asyncDispose]()
      current = await openPostgresReadStore({ url })
      return current
    },
    [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
  }
}

describe('the read store on PostgreSQL', () => {
  test.each(readStoreContract)('$name', async ({ check }) => {
    await using harness = await openHarness()
    await expect(check(harness)).resolves.toBeUndefined()
  })
})
