// Proves the store on PostgreSQL by the conformance suites, on a real server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { foldRecord } from '../core/checks/index.ts'
import { position, streamId, streamVersion, type FoldRecord } from '../core/codec/index.ts'
import type { StreamQuery, WriteStore } from '../core/ports/index.ts'
import {
  commandInboxContract,
  documentStoreContract,
  eventStoreContract,
  settableClock,
  sealStoreContract,
  stateStoreContract,
  type EventStoreHarness,
} from '../testing/index.ts'
import { openPostgresStore } from './index.ts'
import { copyRows, createDatabase, emptyDatabase, startPostgres, type PostgresServer } from './test/server.ts'

const inboxCommandsMax = 20
const contract = [
  ...eventStoreContract,
  ...stateStoreContract,
  ...sealStoreContract,
  ...documentStoreContract,
  ...commandInboxContract,
]

let server: PostgresServer
let url: string
let copied: string
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
  url = await createDatabase(server.url('postgres'), 'rules')
  await (await openPostgresStore({ url }))[Symbol.asyncDispose]()
  copied = await createDatabase(server.url('postgres'), 'copied', 'rules')
})
afterAll(() => server[Symbol.asyncDispose]())

async function openHarness(): Promise<EventStoreHarness & AsyncDisposable> {
  const clock = settableClock()
  await emptyDatabase(url)
  const open = (): Promise<WriteStore> => openPostgresStore({ url, runtime: clock.runtime, inboxCommandsMax })
  let store = await open()
  return {
    store,
    setClock: clock.set,
    inboxCommandsMax,
    copy: async () => {
      await emptyDatabase(copied)
      await copyRows(url, copied)
      return async () => {
        await store[Symbol.asyncDispose]()
        store = await openPostgresStore({ url: copied, runtime: clock.runtime, inboxCommandsMax })
        return store
      }
    },
    reopen: async () => {
      await store[Symbol.asyncDispose]()
      store = await open()
      return store
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

describe('the store on PostgreSQL', () => {
  test('gives folds a page with a payload that is no text as others do', async () => {
    await using harness = await openHarness()
    const log = await harness.store.openLog('default/shop/0')
    const payloads = [new TextEncoder().encode('{}'), new Uint8Array([0xff, 0])]
    const events = payloads.map((payload) => ({ type: 'noted', schemaVersion: 1, payload }))
    await log.append({
      writes: [{ decider: 'note', id: streamId('a'), expectedVersion: 'none', events }],
    })
    const texts: string[] = []
    for await (const page of log.readToFold({ after: position(0) })) {
      texts.push(...page.events.map(({ text }) => text))
    }
    expect(texts).toEqual(['{}', '\uFFFD\0'])
  })

  test('tells payloads of a stream apart that hold what separates them', async () => {
    await using harness = await openHarness()
    const log = await harness.store.openLog('default/shop/0')
    const sent = ['{}', 'before\u001Eafter', '']
    const events = sent.map((text) => ({
      type: 'noted',
      schemaVersion: 1,
      payload: new TextEncoder().encode(text),
    }))
    const note = { decider: 'note', id: streamId('a') }
    await log.append({ writes: [{ ...note, expectedVersion: 'none', events }] })
    const texts: string[] = []
    for await (const page of log.readStreamToFold(note)) texts.push(...page.map(({ text }) => text))
    expect(texts).toEqual(sent)
  })

  test('gives folds the events of a stream as they stand, in pages and in both orders', async () => {
    await using harness = await openHarness()
    const log = await harness.store.openLog('default/shop/0')
    const note = { decider: 'note', id: streamId('a') }
    const events = Array.from({ length: 1000 }, (_, number) => ({
      type: `kind ${number % 3}`,
      schemaVersion: 1 + (number % 2),
      payload: new TextEncoder().encode(String(number)),
    }))
    await log.append({ writes: [{ ...note, expectedVersion: 'none', events }] })
    const read = async (query: Omit<StreamQuery, 'decider' | 'id'>) => {
      const [pages, whole]: [FoldRecord[][], FoldRecord[]] = [[], []]
      for await (const page of log.readStreamToFold({ ...note, ...query })) pages.push([...page])
      for await (const page of log.readStream({ ...note, ...query })) whole.push(...page.map(foldRecord))
      expect(pages.flat()).toEqual(whole)
      return pages.map((page) => page.length)
    }
    expect(await read({})).toEqual([1000])
    for (const event of events.slice(0, 2))
      await log.append({ writes: [{ ...note, expectedVersion: 'any', events: [event] }] })
    expect(await read({})).toEqual([1000, 2])
    expect(await read({ direction: 'backward' })).toEqual([1000, 2])
    expect(await read({ from: streamVersion(1001) })).toEqual([2])
    expect(await read({ limit: 7 })).toEqual([7])
    expect(await read({ from: streamVersion(1003) })).toEqual([])
  })

  test.each(contract)('$name', async ({ check }) => {
    await using harness = await openHarness()
    await expect(check(harness)).resolves.toBeUndefined()
  })
})
