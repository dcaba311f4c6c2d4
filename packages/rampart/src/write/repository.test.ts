// What both repositories must hold: the state is the fold of all events, whatever was stored beside them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { encodeEvent, streamId, streamVersion, type StreamVersion } from '../core/codec/index.ts'
import { stateLengthMax } from '../core/checks/index.ts'
import { decider, events, state, type Json, type RepositoryKind } from '../core/index.ts'
import { logKey, type EventStore, type StoredState, type WriteStore } from '../core/ports/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { openSqliteStore } from '../sqlite/index.ts'
import type { LoadedState } from './fold.ts'
import { createRepository, type Repository } from './repository.ts'

const noteEvents = events('note', {
  Written: { version: 1, schema: z.strictObject({ text: z.string() }) },
  Cleared: { version: 1, schema: z.strictObject({}) },
})
const { Written, Cleared } = noteEvents.make

/** The fold depends on the order of events, so that a lost, doubled or swapped one shows. */
function noteOf(version: number, migrate?: Parameters<typeof state>[2]) {
  return decider(noteEvents, {
    state: state(version, () => ({ texts: [] as readonly string[], cleared: 0 }), migrate),
    evolve: {
      Written: (before, { text }) => ({ ...before, texts: [...before.texts.slice(-3), text] }),
      Cleared: (before) => ({ texts: [], cleared: before.cleared + 1 }),
    },
    commands: {},
  }).definition
}
const note = noteOf(2)
const id = streamId('n1')

/** Appends events as the write side does: on a loaded state, with what the repository wants stored. */
async function append(
  store: EventStore,
  repository: Repository,
  texts: readonly string[],
): Promise<LoadedState> {
  const base = repository.cached(id) ?? (await repository.load(id))
  const encoded = texts.map((text) => encodeEvent(noteEvents, text === '' ? Cleared({}) : Written({ text })))
  const folded = encoded.map(({ stored, data }) => ({ type: stored.type, data, payloadBytes: 1 }))
  const { after, stored } = repository.keep(id, repository.advance(base, folded))
  const write = {
    decider: 'note',
    id,
    expectedVersion: base.version,
    events: encoded.map((one) => one.stored),
  }
  const result = await store.append({ writes: [stored === undefined ? write : { ...write, state: stored }] })
  expect(result.status).toBe('appended')
  repository.remember(id, after)
  return after
}

const repositoryOf = (store: EventStore, kind?: RepositoryKind, definition = note): Repository =>
  createRepository({ definition, store, kind })
const loadCold = async (store: EventStore, kind?: RepositoryKind, definition = note) => {
  const { state: loaded, version } = await repositoryOf(store, kind, definition).load(id)
  return { state: loaded, version }
}
const tampered = (store: EventStore, change: (stored: StoredState) => StoredState): EventStore => ({
  ...store,
  loadState: async (...name) => {
    const stored = await store.loadState(...name)
    return stored && change(stored)
  },
})

const faults: readonly (readonly [string, (stored: StoredState) => StoredState])[] = [
  ['of an older state version', (stored) => ({ ...stored, stateVersion: stored.stateVersion - 1 })],
  ['of a newer state version', (stored) => ({ ...stored, stateVersion: stored.stateVersion + 1 })],
  [
    'with a changed character',
    (stored) => ({ ...stored, text: stored.text.replace('"cleared":', '"cleared":1') }),
  ],
  ['that is no JSON', (stored) => ({ ...stored, text: stored.text.slice(1) })],
  ['from the future', (stored) => ({ ...stored, version: (stored.version + 1000) as StreamVersion })],
  ['that claims an older version', (stored) => ({ ...stored, version: streamVersion(1) })],
  ['of version 0', (stored) => ({ ...stored, version: streamVersion(0) })],
]

let folder: string
let database: WriteStore
let store: EventStore
const adapters: readonly (readonly [string, () => Promise<WriteStore>])[] = [
  ['memory', () => Promise.resolve(createMemoryStore())],
  ['SQLite', () => openSqliteStore({ file: join(folder, 'write.sqlite'), thread: 'caller' })],
]

describe.each(adapters)('on %s', (_adapter, open) => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rampart-repository-'))
    database = await open()
    store = await database.openLog(logKey('notes'))
  })
  afterEach(async () => {
    await database[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })

  test('every way to load a state gives the fold of all its events', async () => {
    const kinds = fc.constantFrom<RepositoryKind>(
      'stateStored',
      { snapshotEvery: 1 },
      { snapshotEvery: 3 },
      'eventSourced',
    )
    const append1 = fc.record({
      kind: kinds,
      texts: fc.array(fc.constantFrom('', 'a', 'ü', 'c'), { maxLength: 4 }),
    })
    let log = 0
    const property = fc.asyncProperty(fc.array(append1, { maxLength: 12 }), async (appends) => {
      const own = await database.openLog(`notes/${++log}`)
      const repositories = new Map<RepositoryKind, Repository>()
      for (const { kind, texts } of appends) {
        // A kind may be changed at any time; each process before has left what its kind leaves.
        repositories.clear()
        repositories.set(kind, repositoryOf(own, kind))
        const after = await append(own, repositories.get(kind) ?? repositoryOf(own), texts)
        expect(await loadCold(own, { snapshotEvery: 0 }, noteOf(99))).toEqual({
          state: after.state,
          version: after.version,
        })
      }
      const truth = await loadCold(own, { snapshotEvery: 0 }, noteOf(99))
      for (const kind of ['stateStored', 'eventSourced'] as const)
        expect(await loadCold(own, kind)).toEqual(truth)
      for (const [, change] of faults) expect(await loadCold(tampered(own, change))).toEqual(truth)
    })
    await fc.assert(property, { numRuns: 60 })
  })

  test('a snapshot goes with the append that completes enough events, and loads start from it', async () => {
    const repository = repositoryOf(store, { snapshotEvery: 3 })
    await append(store, repository, ['1', '2'])
    expect(await store.loadState('note', id)).toBeUndefined()
    await append(store, repository, ['3', '4'])
    expect(await store.loadState('note', id)).toMatchObject({ version: 4, stateVersion: 2 })
    await append(store, repository, ['5', '6'])
    expect(await store.loadState('note', id)).toMatchObject({ version: 4 })
    let read = 0
    const counting: EventStore = {
      ...store,
      readStreamToFold: async function* (query) {
        for await (const page of store.readStreamToFold(query)) {
          read += page.length
          yield page
        }
      },
    }
    expect(await loadCold(counting, { snapshotEvery: 3 })).toEqual({
      state: { texts: ['3', '4', '5', '6'], cleared: 0 },
      version: 6,
    })
    // The event of the snapshot's own version proves that the stream has it.
    expect(read).toBe(3)
    await append(store, repositoryOf(store, { snapshotEvery: 3 }), [])
    expect(await store.loadState('note', id)).toMatchObject({ version: 4 })
    await append(store, repositoryOf(store, { snapshotEvery: 2 }), [])
    expect(await store.loadState('note', id)).toMatchObject({ version: 6 })
  })

  test('a short stream is folded without a look for a state, where the last load found none', async () => {
    await append(store, repositoryOf(store, { snapshotEvery: 0 }), ['1', '2'])
    let looks = 0
    const counting: EventStore = {
      ...store,
      loadState: (...name) => {
        looks++
        return store.loadState(...name)
      },
    }
    const repository = repositoryOf(counting, { snapshotEvery: 3 })
    const looksOfLoad = async (): Promise<number> => {
      const before = looks
      repository.forget(id)
      const { state: loaded, version } = await repository.load(id)
      expect({ state: loaded, version }).toEqual(await loadCold(store, { snapshotEvery: 0 }))
      return looks - before
    }
    expect([await looksOfLoad(), await looksOfLoad()]).toEqual([1, 0])
    await append(store, repositoryOf(store, { snapshotEvery: 0 }), ['3', '4'])
    expect([await looksOfLoad(), await looksOfLoad()]).toEqual([1, 1])
    await append(store, repositoryOf(store, { snapshotEvery: 3 }), ['5'])
    expect(await store.loadState('note', id)).toMatchObject({ version: 5 })
    expect([await looksOfLoad(), await looksOfLoad()]).toEqual([1, 1])
    await append(store, repositoryOf(store, { snapshotEvery: 0 }), ['6', '7'])
    expect(await looksOfLoad()).toBe(1)
  })

  test('a state that cannot be stored costs a snapshot, and fails the command of a state row', async () => {
    const large = 'x'.repeat(stateLengthMax / 2 + 10)
    await append(store, repositoryOf(store, { snapshotEvery: 1 }), [large, large])
    expect(await store.loadState('note', id)).toBeUndefined()
    expect((await loadCold(store)).version).toBe(2)
    await expect(append(store, repositoryOf(store, 'stateStored'), ['more'])).rejects.toMatchObject({
      code: 'DECIDER_FAILED',
      message: expect.stringContaining('are allowed'),
    })
    expect((await loadCold(store)).version).toBe(2)
  })

  test('a row of an older state version is migrated in steps, and stored by the next append', async () => {
    await append(store, repositoryOf(store, 'stateStored', noteOf(1)), ['a', 'b'])
    const newer = noteOf(3, {
      migrate: {
        1: (stored) => ({ ...Object(stored), texts: ['migrated'] }),
        2: (stored) => ({ ...Object(stored), cleared: 7 }),
      },
    })
    const migrated = { texts: ['migrated'], cleared: 7 }
    expect(await loadCold(store, 'stateStored', newer)).toEqual({ state: migrated, version: 2 })
    await append(store, repositoryOf(store, 'stateStored', newer), [])
    expect(await store.loadState('note', id)).toMatchObject({
      stateVersion: 3,
      text: JSON.stringify(migrated),
    })
  })

  test.each([
    ['no migration', {}, /no migration leads from its state version 1 to 2.*Add a migration/],
    [
      'a gap',
      { migrate: { 2: (stored: Json) => stored } },
      /no migration leads from its state version 1 to 2/,
    ],
    [
      'a migration that throws',
      {
        migrate: {
          1: () => {
            throw new Error('lost')
          },
        },
      },
      /migration from its state version 1 threw/,
    ],
  ])('a row of another state version with %s refuses to load', async (_, options, message) => {
    await append(store, repositoryOf(store, 'stateStored', noteOf(1)), ['a'])
    const loading = loadCold(store, 'stateStored', noteOf(3, options))
    await expect(loading).rejects.toMatchObject({
      code: 'STATE_UNREADABLE',
      message: expect.stringMatching(message),
    })
    expect(await loadCold(store, 'eventSourced', noteOf(3))).toMatchObject({ version: 1 })
  })

  test.each(faults.slice(1))('a row %s refuses to load', async (_, change) => {
    await append(store, repositoryOf(store, 'stateStored'), ['a', 'b'])
    const loading = loadCold(tampered(store, change), 'stateStored')
    await expect(loading).rejects.toMatchObject({ code: 'STATE_UNREADABLE' })
  })

  test('a row of another stream is noticed', async () => {
    await append(store, repositoryOf(store, 'stateStored'), ['a', 'b'])
    const other = { ...store, loadState: () => store.loadState('note', id) }
    const loading = createRepository({ definition: note, store: other, kind: 'stateStored' }).load(
      streamId('n2'),
    )
    await expect(loading).rejects.toMatchObject({ code: 'STATE_UNREADABLE' })
  })
})
