// Work that processes share on one database: one of them does it, and another goes on when it cannot.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import type { WriteStore } from '../core/ports/index.ts'
import { createSealer, type Sealer } from '../seal/index.ts'
import { appended, openShop, upTo, write } from '../testing/event-store-contract-steps.ts'
import { openPostgresStore } from './index.ts'
import { createDatabase, startPostgres, type PostgresServer } from './test/server.ts'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
}, 60_000)
afterAll(() => server[Symbol.asyncDispose](), 60_000)

const nextDatabase = (): Promise<string> => createDatabase(server.url('postgres'), `leases_${++databases}`)

test('one of the processes seals a log, and another goes on as soon as it ends', async () => {
  const url = await nextDatabase()
  await using first = await openPostgresStore({ url })
  await using second = await openPostgresStore({ url })
  const log = await openShop({ store: first })
  const faults: unknown[] = []
  const seal = async (store: WriteStore): Promise<Sealer> => {
    const reportFault = (fault: unknown): void => void faults.push(fault)
    const sealed = { store: await openShop({ store }), runtime: systemRuntime, reportFault }
    return createSealer({ ...sealed, leases: store.leases })
  }
  const sealers = [await seal(first), await seal(second)]
  const holderOf = async (): Promise<string | null | undefined> => (await first.leases?.list())?.[0]?.holder
  await appended(log, { writes: [write('a', 'any')] })
  await expect.poll(() => log.seals.last(), { timeout: 10_000 }).toMatchObject({ last: 1 })
  const before = await holderOf()
  expect(before).toEqual(expect.any(String))
  // The one that has the lease seals once more at its end; whichever it is, the other one takes over.
  await sealers[0]?.stop()
  await appended(log, { writes: upTo(3).map((number) => write(`b${number}`, 'any')) })
  await expect.poll(() => log.seals.last(), { timeout: 10_000 }).toMatchObject({ last: 4 })
  expect(await holderOf()).toEqual(expect.any(String))
  await sealers[1]?.stop()
  expect(await holderOf()).toBeNull()
  expect((await log.seals.list(0, 100)).length).toBeLessThanOrEqual(4)
  expect(faults).toEqual([])
})
