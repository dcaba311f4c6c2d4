// Four processes' worth of writers on one database at once, and writers whose connections are cut.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from 'pg'
import { position, streamVersion } from '../core/codec/index.ts'
import type {
  AppendRequest,
  AppendResult,
  EventStore,
  KeptCollection,
  WriteStore,
} from '../core/ports/index.ts'
import { keepNotes, noteShape, noting, written } from '../testing/document-store-contract-steps.ts'
import {
  claim,
  countStatuses,
  event,
  expectContiguous,
  logEvents,
  openShop,
  upTo,
  write,
} from '../testing/event-store-contract-steps.ts'
import { openPostgresStore } from './index.ts'
import { createDatabase, startPostgres, type PostgresServer } from './test/server.ts'

let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

interface Writers extends AsyncDisposable {
  readonly url: string
  readonly stores: readonly WriteStore[]
  readonly logs: readonly EventStore[]
}

async function openWriters(count: number): Promise<Writers> {
  const url = await createDatabase(server.url('postgres'), `writers_${++databases}`)
  const stores = await Promise.all(upTo(count).map(() => openPostgresStore({ url })))
  const logs = await Promise.all(stores.map((store) => openShop({ store })))
  return {
    url,
    stores,
    logs,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()))
    },
  }
}

function logOf({ logs }: Writers, number: number): EventStore {
  const log = logs[number]
  if (log === undefined) throw new Error(`There is no writer ${number}.`)
  return log
}

function race(logs: readonly EventStore[], request: () => AppendRequest): Promise<readonly AppendResult[]> {
  return Promise.all(logs.map((log) => log.append(request())))
}

describe('four writers at once', () => {
  test('leave positions and versions without gaps, and lose nothing', async () => {
    await using writers = await openWriters(4)
    const results = await Promise.all(
      upTo(2000).map((number) => {
        const log = logOf(writers, number % 4)
        return log.append({ writes: [write(`s${number % 7}`, 'any', [event(String(number))])] })
      }),
    )
    expect(countStatuses(results)).toEqual({ appended: 2000 })
    const events = await logEvents(logOf(writers, 0))
    expect(events).toHaveLength(2000)
    expectContiguous(events)
  })

  test('never have two winners of one version, one condition or one command id', async () => {
    await using writers = await openWriters(4)
    for (const round of upTo(100)) {
      const version = streamVersion(round - 1)
      const onVersion = await race(writers.logs, () => ({ writes: [write('a', version)] }))
      expect(countStatuses(onVersion)).toEqual({ appended: 1, conflict: 3 })
      const tags = [`seat:${round}`]
      const onCondition = await race(writers.logs, () => ({
        writes: [write('seats', 'any', [event('taken', { tags })])],
        failIfMatch: [{ tags, after: position(0) }],
      }))
      expect(countStatuses(onCondition)).toEqual({ appended: 1, matched: 3 })
      const onId = await race(writers.logs, () => ({
        writes: [write('ids', 'any')],
        command: claim(round, { round }),
      }))
      expect(countStatuses(onId)).toEqual({ appended: 1, repeated: 3 })
    }
    expectContiguous(await logEvents(logOf(writers, 0)))
  })
})

describe('a writer whose connection is cut', () => {
  test('answers each append with what became of it, and none happens twice', async () => {
    await using writers = await openWriters(2)
    await using killer = await connect(writers.url)
    const stop = new AbortController()
    const floods = writers.logs.map(async (log, writer) => {
      const answered: string[] = []
      await Promise.all(
        upTo(16).map(async (caller) => {
          for (let number = 0; !stop.signal.aborted; number++) {
            const text = `${writer}-${caller}-${number}`
            const result = await log.append({ writes: [write(`s${caller}`, 'any', [event(text)])] })
            expect(result.status).toBe('appended')
            answered.push(text)
          }
        }),
      )
      return answered
    })
    for (const _ of upTo(5)) {
      const before = await headOf(writers)
      await expect.poll(() => headOf(writers)).toBeGreaterThan(before + 200)
      await killer.cutWriters()
    }
    const before = await headOf(writers)
    await expect.poll(() => headOf(writers)).toBeGreaterThan(before + 200)
    stop.abort()
    const answered = (await Promise.all(floods)).flat()
    const events = await logEvents(logOf(writers, 0))
    expectContiguous(events)
    const recorded = events.map((one) => new TextDecoder().decode(one.payload))
    expect(recorded.toSorted()).toEqual(answered.toSorted())
    expect(killer.cut()).toBeGreaterThan(4)
  })
})

async function headOf({ logs }: Writers): Promise<number> {
  return (await logs[0]?.head())?.position ?? 0
}

interface Killer extends AsyncDisposable {
  readonly cutWriters: () => Promise<void>
  /** How many connections were cut so far. */
  readonly cut: () => number
}

async function connect(url: string): Promise<Killer> {
  const client = new Client({ connectionString: url })
  await client.connect()
  let cut = 0
  return {
    cutWriters: async () => {
      const killed = await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
           AND query LIKE '%rampart_write.append%'`,
      )
      cut += killed.rowCount ?? 0
    },
    cut: () => cut,
    [Symbol.asyncDispose]: () => client.end(),
  }
}

describe('documents that commit with events, of two processes', () => {
  async function keepBoth(writers: Writers): Promise<readonly [KeptCollection, KeptCollection]> {
    const [one, other] = [await keepNotes(logOf(writers, 0)), await keepNotes(logOf(writers, 1))]
    return [one, other]
  }

  test('are folded on the very ones before them, whoever wrote those', async () => {
    await using writers = await openWriters(2)
    const [one, other] = await keepBoth(writers)
    for (const round of upTo(30)) {
      const expectedPosition = position(round - 1)
      const results = await Promise.all(
        [one, other].map((notes, writer) =>
          logOf(writers, writer).append(
            noting([written(notes, 'a', { expectedPosition })], { stream: `s${writer}` }),
          ),
        ),
      )
      expect(countStatuses(results)).toEqual({ appended: 1, outdated: 1 })
    }
    const stale = written(one, 'a', { buildsOn: 'ticket' })
    const log = logOf(writers, 0)
    await log.append(noting([written(one, 'b')], { ticket: 'ticket' }))
    expect(await log.append(noting([stale]))).toMatchObject({ status: 'outdated' })
    for (const notes of [one, other]) {
      expect(await notes.get('a')).toMatchObject({
        document: { position: 30 },
        checkpoint: { position: 31 },
      })
    }
  })

  test('are told to who listens in the other one', async () => {
    await using writers = await openWriters(2)
    const [one, other] = await keepBoth(writers)
    const heard = new Map<string, number>()
    other.onChanged(({ place, keys }) => {
      for (const key of keys) heard.set(key, place.position)
    })
    const log = logOf(writers, 0)
    await log.append(noting([written(one, 'a'), written(one, 'b')]))
    await log.append(noting([]))
    await expect.poll(() => [...heard.keys()].toSorted()).toEqual(['a', 'b'])
    await log.append(noting(upTo(1000).map((number) => written(one, `many ${number}`))))
    await log.append(noting([written(one, 'c')]))
    await expect.poll(() => heard.size).toBe(1003)
    expect(heard.get('c')).toBe(4)
  })

  test('cannot be passed over by a process that knows nothing of them, until nobody keeps them', async () => {
    await using writers = await openWriters(2)
    const [log, unaware] = [logOf(writers, 0), logOf(writers, 1)]
    const notes = await keepNotes(log)
    await log.append(noting([written(notes, 'a')]))
    const silent = { writes: [write('b', 'any')] }
    const refused = unaware.append(silent)
    await expect(refused).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', effect: 'definite' })
    await writers.stores[0]?.[Symbol.asyncDispose]()
    await expect
      .poll(async () => (await unaware.append(silent).catch(() => undefined))?.status)
      .toBe('appended')
    const again = await unaware.openDocuments(noteShape)
    expect(await again.checkpoint()).toMatchObject({ position: 1 })
    await expect(again.keep()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  test('stay complete when a keeper loses its connection, and a version gives way to the next', async () => {
    await using writers = await openWriters(2)
    await using killer = await connect(writers.url)
    const [log, next] = [logOf(writers, 0), logOf(writers, 1)]
    const notes = await keepNotes(log)
    await log.append(noting([written(notes, 'first')]))
    await killer.cutWriters()
    await expect.poll(killer.cut).toBe(1)
    await log.append(noting([written(notes, 'a')]))
    const silent = next.append({ writes: [write('b', 'any')] })
    await expect(silent).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const second = await next.openDocuments({ ...noteShape, version: 2 })
    await second.commit({ from: await second.checkpoint(), to: await next.head(), documents: [] })
    await second.keep()
    const late = log.append(noting([written(notes, 'c')]))
    await expect(late).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/another version/),
    })
    await next.append(noting([written(second, 'c')]))
    expect(await second.get('c')).toMatchObject({ checkpoint: { position: 3 } })
  })
})
