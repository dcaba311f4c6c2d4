// The read store on PostgreSQL keeps the promises of its port, on a real server.
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { position } from '../core/codec/index.ts'
import type { LeaseStore } from '../core/leases/index.ts'
import type { ReadStore, WriteStore } from '../core/ports/index.ts'
import {
  leaseStoreContract,
  readStoreContract,
  type LeaseStoreHarness,
  type ReadStoreHarness,
} from '../testing/index.ts'
import { openPostgresReadStore, openPostgresStore } from './index.ts'
import { createDatabase, startPostgres, type PostgresServer } from './test/server.ts'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  const url = await createDatabase(server.url('postgres'), 'migrated')
  await (await openPostgresStore({ url }))[Symbol.asyncDispose]()
})
afterAll(() => server[Symbol.asyncDispose]())

async function openHarness(): Promise<ReadStoreHarness & AsyncDisposable & { readonly url: string }> {
  const url = await createDatabase(server.url('postgres'), `rule_${++databases}`, 'migrated')
  const store = await openPostgresReadStore({ url })
  let current: ReadStore = store
  return {
    url,
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
  test('a reader hears of what another process commits, sees it, and may not change it', async () => {
    await using harness = await openHarness()
    const { url } = harness
    await using reader = await openPostgresReadStore({ url, role: 'rampart_reader' })
    const shape = { name: 'orders', version: 1, log: 'default/shop/0', indexes: [], search: [] }
    const collection = await harness.store.openCollection(shape, 'epoch-1')
    const heard = vi.fn()
    const end = reader.shared?.onChanged(shape.log, shape.name, heard)
    let from = await collection.checkpoint()
    // The first hints may come before the reader listens.
    const commitOne = async (): Promise<number> => {
      const to = { ...from, position: position(from.position + 1), eventId: `append-${from.position}.0` }
      await collection.commit({ from, to, documents: [] })
      from = to
      return heard.mock.calls.length
    }
    await expect.poll(commitOne).toBeGreaterThan(0)
    const look = await reader.shared?.look(shape.log, shape.name)
    expect(look?.live.checkpoint).toEqual(from)
    const standing = { epochs: [], stopped: null, upgradeStopped: null, beginsAnew: null, lag: null }
    const telling = reader.shared?.tell(shape.log, shape.name, standing)
    await expect(telling).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    end?.()
  })

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

test('a store that is closed at once has told its last word to others', async () => {
  const url = await createDatabase(server.url('postgres'), `rule_${++databases}`, 'migrated')
  const words: string[] = []
  await using listening = await openPostgresReadStore({ url })
  leasesOf(listening).hints?.listen('it is free', () => void words.push('heard'))
  await using speaking = await openPostgresReadStore({ url })
  leasesOf(speaking).hints?.listen('it is free', () => void words.push('ready'))
  // Everyone looks for himself once he is connected.
  await expect.poll(() => words.toSorted()).toEqual(['heard', 'ready'])
  leasesOf(speaking).hints?.tell('it is free')
  await speaking[Symbol.asyncDispose]()
  await expect.poll(() => words.filter((word) => word === 'heard')).toHaveLength(2)
})

function leasesOf({ leases }: ReadStore | WriteStore): LeaseStore {
  if (leases === undefined) throw new Error('PostgreSQL has leases.')
  return leases
}
