// The read store on PostgreSQL keeps the promises of its port, on a real server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LeaseStore } from '../core/leases/index.ts'
import type { ReadStore, WriteStore } from '../core/ports/index.ts'
import { readStoreContract, type ReadStoreHarness } from '../testing/index.ts'
import { leaseStoreContract, type LeaseStoreHarness } from '../testing/lease-store-contract.ts'
import { openPostgresReadStore, openPostgresStore } from './index.ts'
import { createDatabase, startPostgres, type PostgresServer } from './test/server.ts'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  const url = await createDatabase(server.url('postgres'), 'migrated')
  await (await openPostgresStore({ url }))[Symbol.asyncDispose]()
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

type Opened = (url: string) => Promise<ReadStore | WriteStore>

const openings: readonly (readonly [name: string, open: Opened, has: readonly string[]])[] = [
  ['the read store', (url) => openPostgresReadStore({ url, namespace: 'app' }), ['documents']],
  ['the write store', (url) => openPostgresStore({ url, namespace: 'app' }), []],
]

describe.each(openings)('the leases of %s', (_, open, has) => {
  async function openLeases(): Promise<LeaseStoreHarness & AsyncDisposable> {
    const url = await createDatabase(server.url('postgres'), `rule_${++databases}`, 'migrated')
    const [first, second] = [await open(url), await open(url)]
    let current = first
    return {
      leases: leasesOf(first),
      others: leasesOf(second),
      ...('openCollection' in first ? { readStore: first } : {}),
      async reopen() {
        await current[Symbol.asyncDispose]()
        current = await open(url)
        return leasesOf(current)
      },
      async [Symbol.asyncDispose]() {
        await Promise.all([current[Symbol.asyncDispose](), second[Symbol.asyncDispose]()])
      },
    }
  }

  const kept = leaseStoreContract.filter(({ needs }) => needs === undefined || has.includes(needs))
  test.each(kept)('$name', async ({ check }) => {
    await using harness = await openLeases()
    await expect(check(harness)).resolves.toBeUndefined()
  })
})

function leasesOf({ leases }: ReadStore | WriteStore): LeaseStore {
  if (leases === undefined) throw new Error('PostgreSQL has leases.')
  return leases
}
