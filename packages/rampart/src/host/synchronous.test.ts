// Synchronous projections: what a command has changed can be read at once, and what their handlers throw
// fails its command alone.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { documentLengthMax } from '../core/checks/index.ts'
import { decodeEvent, position } from '../core/codec/index.ts'
import { systemRuntime, type Json, type Projection } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import { createFold } from '../projection/fold.ts'
import { startSynchronous, type ReadModel } from '../projection/index.ts'
import type { BuildProgress } from '../projection/synchronous-projections.ts'
import { keysBefore } from '../projection/synchronous-fold.ts'
import { createMemoryStore } from '../memory/index.ts'
import { createDatabase, startPostgres, type PostgresServer } from '../postgres/test/server.ts'
import { openSqliteStore } from '../sqlite/index.ts'
import { defaultInboxLimits } from '../write/inbox-limits.ts'
import { createCommandService, type Feedback } from '../write/index.ts'
import { startEngine } from './engine.ts'
import { createRunningApp } from './running-app.ts'
import type { StoreUrls } from './role-settings.ts'
import { openStores, type Storage } from './stores.ts'
import { accessTable, paperEvents, papersApp, spoil, swell } from './test/papers.ts'

const folder = await mkdtemp(join(tmpdir(), 'rampart-synchronous-'))
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => spoil(undefined))
let folders = 0

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres(['fsync=off'])
})
afterAll(() => server[Symbol.asyncDispose]())

const everyRole = (url: string): StoreUrls => ({ write: url, project: url, serve: url })

/** Storage on a database of its own; each that `another` gives is that of another process. */
async function onServer(): Promise<{ readonly another: () => Storage }> {
  const url = await createDatabase(server.url('postgres'), `papers_${++folders}`)
  return { another: () => ({ dataFolder: join(folder, `${++folders}`), storeUrls: everyRole(url) }) }
}

interface Opening {
  readonly version?: number
  readonly thread?: 'caller' | 'worker'
}

async function open(storage: Storage, { version = 1, thread = 'caller' }: Opening = {}) {
  const app = papersApp(version)
  const stores = await openStores({ appName: 'papers', storage, thread, runtime: systemRuntime })
  const progress: BuildProgress[] = []
  const engine = await startEngine({
    app,
    stores,
    runtime: systemRuntime,
    reportFault: () => {},
    reportProgress: (each) => progress.push(each),
  })
  const close = async (): Promise<void> => {
    await engine.drain()
    await engine.close()
  }
  const [store] = engine.stores
  if (store === undefined) throw new Error('The app has one context.')
  const modelOf = (name: string): ReadModel => {
    const model = engine.models.find((each) => each.projection.name === name)
    if (model === undefined) throw new Error(`There is no ${name}.`)
    return model
  }
  const running = createRunningApp<typeof app>(engine, close)
  return { running, store, modelOf, progress, [Symbol.asyncDispose]: close }
}

/** The documents of a projection, folded from the log by the plainest means. */
async function foldOf(store: EventStore, { keysOf, on, initial }: Projection): Promise<Record<string, Json>> {
  const documents: Record<string, Json> = {}
  for await (const { events } of store.readLog({ after: position(0) })) {
    for (const record of events) {
      const event = decodeEvent(paperEvents, record)
      for (const key of on[event.type] === undefined ? [] : keysOf(event)) {
        documents[key] = on[event.type]?.(documents[key] ?? initial, event, key) ?? null
      }
    }
  }
  return Object.fromEntries(Object.entries(documents).filter(([, data]) => data !== null))
}

async function shown(model: ReadModel): Promise<Record<string, Json>> {
  const request = { where: [], search: null, afterKey: null, limit: 1000 }
  const { documents } = await model.list(request, { waitMs: 0 })
  return Object.fromEntries(documents.map(({ key, data }) => [key, data]))
}

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

describe.each([
  ['in memory', () => ({ storage: { memory: true } as const, thread: 'caller' as const })],
  ['on SQLite', () => ({ storage: { dataFolder: join(folder, `${++folders}`) }, thread: 'caller' as const })],
  [
    'on SQLite in a worker',
    () => ({ storage: { dataFolder: join(folder, `${++folders}`) }, thread: 'worker' as const }),
  ],
  ['on PostgreSQL', async () => ({ storage: (await onServer()).another(), thread: 'caller' as const })],
])('synchronous projections %s', (_, place) => {
  test('show what a command has changed as soon as it is answered', async () => {
    const { storage, thread } = await place()
    await using papers = await open(storage, { thread })
    const { running, modelOf } = papers
    for (const number of numbers(12)) {
      await running.stream('paper', `p${number}`).SharePaper({ people: ['ada', `x${number}`] })
      const { document } = await modelOf('access').get('ada', { waitMs: 0 })
      expect(document?.data).toMatchObject({ count: String(number + 1) })
    }
    const ended = await running.stream('paper', 'p0').EndSharing({ person: 'ada' })
    const access = running.read('access')
    expect(await access.get('ada', { after: ended, waitMs: 0 })).toMatchObject({ data: { count: '11' } })
    expect(await running.read('sharing').get('p0', { version: 3, waitMs: 0 })).toMatchObject({
      version: 3,
      data: { people: 1 },
    })
    expect((await access.list({ where: { count: '11' } })).documents).toHaveLength(1)
    expect((await access.list({ search: 'pers X1' })).documents.map(({ key }) => key)).toEqual([
      'x1',
      'x10',
      'x11',
    ])
    expect(await access.lag()).toEqual({ events: 0, seconds: 0 })
    const changes = await modelOf('access').changes(
      { position: position(24), key: 'x11' },
      { limit: 10, bytesMax: 1e6 },
    )
    expect(changes).toMatchObject({ documents: [{ key: 'ada', position: 25 }], place: { position: 25 } })
  })

  test('fail the command whose event they throw for, and no other', async () => {
    const { storage, thread } = await place()
    await using papers = await open(storage, { thread })
    const { running, store, modelOf } = papers
    const { head } = store
    spoil('eve')
    const people = ['ada', 'eve', 'bob']
    const sent = people.map((person) =>
      running.stream('paper', 'p').SharePaper({ people: [person] }, { key: person }),
    )
    const results = await Promise.allSettled(sent)
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await expect(sent[1]).rejects.toMatchObject({ code: 'PROJECTION_FAILED', effect: 'definite' })
    expect((await head()).position).toBe(2)
    expect(Object.keys(await shown(modelOf('access')))).toEqual(['ada', 'bob'])
    await expect(running.decide('WelcomePerson', { person: 'eve' })).rejects.toMatchObject({
      code: 'PROJECTION_FAILED',
    })
    spoil(undefined)
    const again = running.stream('paper', 'p').SharePaper({ people: ['eve'] }, { key: 'eve' })
    expect(await again).toMatchObject({ status: 'succeeded', version: 3 })
    expect(await shown(modelOf('access'))).toMatchObject({ eve: { papers: ['p'] } })
  })

  test('fail the command whose document becomes too large, which its sender did not make', async () => {
    const { storage, thread } = await place()
    await using papers = await open(storage, { thread })
    swell(['eve'])
    const sent = papers.running.stream('paper', 'p').SharePaper({ people: ['ada', 'eve'] })
    await expect(sent).rejects.toMatchObject({
      code: 'PROJECTION_FAILED',
      message: expect.stringMatching(/into document "eve": it has 41943\d\d characters as JSON/),
    })
    swell([])
    expect((await papers.store.head()).position).toBe(0)
  })

  test('fail the command whose documents become too large together, and no other', async () => {
    const { storage, thread } = await place()
    await using papers = await open(storage, { thread })
    const people = ['ada', 'bob', 'cyd', 'dan', 'eve']
    swell(people, documentLengthMax - 1000)
    const shared = papers.running.stream('paper', 'p').SharePaper({ people })
    const welcomed = papers.running.decide('WelcomePerson', { person: 'fay' })
    await expect(shared).rejects.toMatchObject({
      code: 'PROJECTION_FAILED',
      message: expect.stringMatching(/^The 6 documents .*: An append has 209\d+ bytes; 16777216 are allowed/),
    })
    swell([])
    expect(await welcomed).toMatchObject({ status: 'succeeded', version: 1 })
    expect(await papers.running.stream('paper', 'p').SharePaper({ people })).toMatchObject({ version: 5 })
  })

  test('are the fold of the log after 64 commands at once on few documents, some of which fail', async () => {
    const { storage, thread } = await place()
    await using papers = await open(storage, { thread })
    const { running, store, modelOf } = papers
    spoil('eve')
    for (const round of numbers(3)) {
      const results = await Promise.allSettled(
        numbers(64).map((number): Promise<unknown> => {
          const person = ['ada', 'bob', 'eve'][number % 3] ?? ''
          const stream = running.stream('paper', `p${number % 20}`)
          if (number % 8 === 5) return running.decide('WelcomePerson', { person })
          if (number % 8 === 6) return stream.EndSharing({ person: 'ada' })
          const expectedVersion = number % 16 === 7 ? { expectedVersion: 7 } : {}
          return stream.SharePaper({ people: [person, `${person}${round}`] }, expectedVersion)
        }),
      )
      const codes = results.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
      expect(new Set(codes)).toEqual(new Set(['PROJECTION_FAILED', 'VERSION_MISMATCH']))
    }
    for (const name of ['access', 'sharing']) {
      const model = modelOf(name)
      const documents = await shown(model)
      expect(Object.keys(documents).length).toBeGreaterThan(5)
      expect(documents).toEqual(await foldOf(store, model.projection))
    }
  })
})

describe('over one log', () => {
  const inbox = { ...defaultInboxLimits, retryFirstMs: 5, attemptsMax: 3 }

  async function openService(store: EventStore) {
    const [context] = papersApp().contexts
    const projections = [accessTable(1)]
    const runtime = systemRuntime
    const { fold: documents, models } = await startSynchronous({ projections, store, runtime })
    const service = createCommandService({
      context,
      store,
      runtime,
      documents,
      limits: { inbox },
    })
    const share = (streamId: string, person: string, feedback: Feedback = { mode: 'wait', waitMs: 10_000 }) =>
      service.send({ type: 'SharePaper', streamId, data: { people: [person] }, actor: null }, feedback)
    const [model] = models
    if (model === undefined) throw new Error('There is one projection.')
    return { service, share, model }
  }

  test('accepted commands whose event cannot be folded are tried again, and fail in the end', async () => {
    await using stores = createMemoryStore()
    const store = await stores.openLog('default/papers/0')
    const { service, share, model } = await openService(store)
    spoil('eve')
    const accepted = await Promise.all(['eve', 'ada'].map((person) => share('p', person, { mode: 'accept' })))
    service.start()
    const final = await Promise.all(
      accepted.map(({ commandId }) => service.finalStatus(commandId, AbortSignal.timeout(5000))),
    )
    expect(final).toMatchObject([
      { status: 'failed', code: 'PROJECTION_FAILED' },
      { status: 'succeeded', version: 1 },
    ])
    expect(await shown(model)).toEqual({ ada: { papers: ['p'], count: '1', name: 'Person ada' } })
    expect(await store.inbox.deadLetters(10)).toMatchObject([{ attempts: 3 }])
    await service.drain()
  })

  test('commands on one document commit together, without being decided twice', async () => {
    await using stores = await openSqliteStore({ file: join(folder, 'together.sqlite'), thread: 'caller' })
    const log = await stores.openLog('default/papers/0')
    const statuses: string[] = []
    const store: EventStore = {
      ...log,
      append: async (request) => {
        const result = await log.append(request)
        statuses.push(result.status)
        return result
      },
    }
    const { share, model } = await openService(store)
    for (const round of numbers(3)) {
      await Promise.all(numbers(64).map((number) => share(`p${round}.${number}`, 'ada')))
      await share(`alone${round}`, 'ada')
    }
    expect(statuses).toEqual(numbers(195).map(() => 'appended'))
    expect(await shown(model)).toMatchObject({ ada: { count: '195' } })
  })

  test('two services that know nothing of each other fold on what the other has stored', async () => {
    await using stores = createMemoryStore()
    const store = await stores.openLog('default/papers/0')
    const services = [await openService(store), await openService(store)]
    const sent = numbers(40).map(async (number) =>
      services[number % 2]?.share(`p${number}`, `person${number % 3}`),
    )
    expect((await Promise.all(sent)).map((each) => each?.status)).toEqual(numbers(40).map(() => 'succeeded'))
    for (const { model } of services) expect(await shown(model)).toEqual(await foldOf(store, accessTable(1)))
  })
})

describe('a synchronous projection in a new version', () => {
  test('is built before a command is taken, and takes the place of the old one', async () => {
    const storage = { dataFolder: join(folder, `${++folders}`) }
    {
      await using papers = await open(storage)
      await papers.running.stream('paper', 'p').SharePaper({ people: numbers(900).map((each) => `a${each}`) })
      await papers.running.stream('paper', 'q').SharePaper({ people: numbers(900).map((each) => `b${each}`) })
      expect(papers.progress).toEqual([])
    }
    for (const version of [2, 2, 1]) {
      await using papers = await open(storage, { version })
      const { running, store, modelOf, progress } = papers
      await running.stream('paper', 'q').ReadPaper({ times: 1 })
      const { position: head } = await store.head()
      const isBuilt = progress.some((each) => each.projection === 'access' && each.position === head - 1)
      expect([version, isBuilt]).toEqual([version, head !== 1802])
      expect(modelOf('access').tag()).toBe(String(version))
      expect((await modelOf('access').get('a7', { waitMs: 0 })).place.position).toBe(head)
    }
  })

  test('keeps the app from starting when a recorded event cannot be folded, and says which', async () => {
    const storage = { dataFolder: join(folder, `${++folders}`) }
    {
      await using papers = await open(storage)
      await papers.running.stream('paper', 'p').SharePaper({ people: ['ada', 'eve'] })
    }
    spoil('eve')
    await expect(open(storage, { version: 2 })).rejects.toMatchObject({
      code: 'PROJECTION_FAILED',
      message: expect.stringMatching(
        /access could not fold PaperShared of "p", version 2 into document "eve"/,
      ),
    })
    spoil(undefined)
    await using papers = await open(storage, { version: 2 })
    expect(Object.keys(await shown(papers.modelOf('access')))).toEqual(['ada', 'eve'])
  })
})

describe('two processes on one PostgreSQL', () => {
  test('fold the same documents, and serve what the other one has changed', async () => {
    const { another } = await onServer()
    await using one = await open(another())
    await using other = await open(another())
    const processes = [one, other]
    const sent = numbers(120).map(async (number) => {
      const papers = processes[number % 2] ?? one
      const person = `person${number % 4}`
      const stream = papers.running.stream('paper', `p${number % 30}`)
      return stream.SharePaper({ people: [`${person}.${number}`, person] })
    })
    // Some share a paper with somebody who has it already.
    const shared = (await Promise.all(sent)).filter(({ status }) => status === 'succeeded')
    expect(shared.length).toBeGreaterThan(29)
    for (const [index, papers] of processes.entries()) {
      const after = await papers.running.stream('paper', `last${index}`).SharePaper({ people: ['ada'] })
      const reader = processes[1 - index] ?? one
      const found = await reader.running.read('access').get('ada', { after, waitMs: 5000 })
      expect(found?.data).toMatchObject({ count: String(index + 1) })
    }
    for (const { store, modelOf } of processes) {
      for (const name of ['access', 'sharing']) {
        const model = modelOf(name)
        expect(await shown(model)).toEqual(await foldOf(store, model.projection))
      }
    }
  })

  test('build a new version together, while the old one still records, and leave that behind', async () => {
    const { another } = await onServer()
    await using old = await open(another())
    for (const paper of ['p', 'q']) {
      await old.running.stream('paper', paper).SharePaper({ people: numbers(900).map(String) })
    }
    const recording = (async () => {
      for (let number = 0; ; number++) {
        await old.running.stream('paper', `r${number}`).SharePaper({ people: ['ada'] })
      }
    })().catch((fault: unknown) => fault)
    const [one, other] = await Promise.all([open(another(), { version: 2 }), open(another(), { version: 2 })])
    await using _ = one
    await using __ = other
    await one.running.stream('paper', 'one').SharePaper({ people: ['bob'] })
    await other.running.stream('paper', 'other').SharePaper({ people: ['bob'] })
    expect(await recording).toMatchObject({ code: 'STORE_UNAVAILABLE', effect: 'definite' })
    for (const { store, modelOf } of [one, other]) {
      expect(await shown(modelOf('access'))).toEqual(await foldOf(store, accessTable(2)))
      expect(modelOf('access').tag()).toBe('2')
    }
  })
})

const floodScript = fileURLToPath(new URL('./test/synchronous-flood.ts', import.meta.url))

/** Runs the flood, kills it after so many acknowledgements, and tells the highest acknowledged position. */
async function floodAndKill(parts: readonly string[], acknowledgements: number): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, floodScript, ...parts], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text: string) => {
    output += text
    if (output.split('\n').length > acknowledgements) child.kill('SIGKILL')
  })
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)))
  expect(signal).toBe('SIGKILL')
  // The last line may have been cut off by the kill.
  return Math.max(0, ...output.split('\n').slice(0, -1).map(Number))
}

/** Expects documents to be the fold of their log, and tells up to which position. */
async function expectFolded(storage: Storage): Promise<number> {
  const stores = await openStores({ appName: 'papers', storage, thread: 'caller', runtime: systemRuntime })
  const store = await stores.write?.openLog('default/papers/0')
  if (store === undefined) throw new Error('This process writes.')
  const { name, indexes, search } = accessTable(1)
  const kept = await store.openDocuments({ name, version: 1, indexes, search })
  let head = 0
  const keptAndFolded = async (): Promise<readonly (readonly unknown[])[]> => {
    const { documents, checkpoint } = await kept.page({
      where: [],
      search: null,
      afterKey: null,
      limit: 1000,
    })
    head = checkpoint.position
    return [
      [Object.fromEntries(documents.map(({ key, data }) => [key, data])), checkpoint],
      [await foldOf(store, accessTable(1)), await store.head()],
    ]
  }
  // A server may carry out what a process has sent just before it was killed.
  await expect.poll(keptAndFolded).toSatisfy(([found, folded]) => isDeepStrictEqual(found, folded))
  await stores.close()
  return head
}

test('documents on PostgreSQL are the fold of the log after kills of processes that flood it', async () => {
  const url = await createDatabase(server.url('postgres'), 'killed')
  for (const round of numbers(2)) {
    const dataFolder = join(folder, `flood${round}`)
    const floods = numbers(2).map((process) =>
      floodAndKill([`${dataFolder}.${process}`, 'caller', `${round}.${process}`, url], 10 + process * 20),
    )
    const acknowledged = Math.max(...(await Promise.all(floods)))
    const head = await expectFolded({ dataFolder, storeUrls: everyRole(url) })
    expect(head).toBeGreaterThanOrEqual(acknowledged)
  }
})

test('documents are the fold of the log after each kill -9 in a flood', async () => {
  const dataFolder = join(folder, 'killed')
  for (const round of numbers(3)) {
    const thread = round % 2 === 0 ? 'worker' : 'caller'
    const acknowledged = await floodAndKill([dataFolder, thread, String(round)], 1 + round * 20)
    // As they were found, and as they go on.
    expect(await expectFolded({ dataFolder })).toBeGreaterThanOrEqual(acknowledged)
  }
})

test('an event has no position and no time while a synchronous projection folds it', () => {
  const event = { type: 'PaperShared', data: { person: 'ada' }, id: 'p', version: 1 }
  for (const member of ['position', 'recordedAt']) {
    // Types forbid it; programs without types hear of it.
    const curious = { ...accessTable(1), keysOf: (one: object) => [String(Reflect.get(one, member))] }
    expect(() => keysBefore(createFold(curious), event)).toThrow(/folds events before they/)
  }
})
