// Plants one fault after the other into a read store that keeps its promises, and sees the suite catch it.
import { describe, expect, test } from 'vitest'
import type { DocumentCollection, ReadStore, StoredDocument } from '../core/ports/index.ts'
import { openSqliteReadStore } from '../sqlite/index.ts'
import { readStoreContract } from './index.ts'

// What processes share is proved where several can open a store.
const rules = readStoreContract.filter(({ needs }) => needs !== 'shared')

type MutateStore = (store: ReadStore) => Partial<ReadStore>
type Mutate = (collection: DocumentCollection) => Partial<DocumentCollection>

interface Mutant {
  readonly fault: string
  /** The promise whose rules must catch it. */
  readonly breaks: string
  readonly mutate: Mutate
}

/** Keeps the last checkpoint's answer for one read too many. */
function staleCheckpoint(collection: DocumentCollection): Partial<DocumentCollection> {
  let last = collection.checkpoint()
  return {
    async get(key) {
      const found = await collection.get(key)
      const checkpoint = await last
      last = Promise.resolve(found.checkpoint)
      return { ...found, checkpoint }
    },
  }
}

function everyWord(
  collection: DocumentCollection,
  wordOf: (word: string) => string | null,
): Partial<DocumentCollection> {
  return {
    page: (query) => {
      const words = query.search?.split(/\s+/).map(wordOf) ?? null
      const search = words === null ? null : words.filter((word) => word !== null).join(' ')
      return collection.page({ ...query, search })
    },
  }
}

const mutants: readonly Mutant[] = [
  {
    fault: 'the checkpoint moves without the documents',
    breaks: 'RS-1',
    mutate: (collection) => ({ commit: (batch) => collection.commit({ ...batch, documents: [] }) }),
  },
  {
    fault: 'a batch is stored document by document',
    breaks: 'RS-1',
    mutate: (collection) => ({
      async commit({ from, to, documents }) {
        for (const one of documents.slice(0, -1)) {
          await collection.commit({ from, to: from, documents: [one] })
        }
        await collection.commit({ from, to, documents: documents.slice(-1) })
      },
    }),
  },
  {
    fault: 'every batch is accepted, wherever it begins',
    breaks: 'RS-2',
    mutate: (collection) => ({
      commit: async (batch) => collection.commit({ ...batch, from: await collection.checkpoint() }),
    }),
  },
  {
    fault: 'only the position of the checkpoint is compared',
    breaks: 'RS-2',
    mutate: (collection) => ({
      async commit(batch) {
        const from = await collection.checkpoint()
        const isThere = from.position === batch.from.position
        await collection.commit(isThere ? { ...batch, from } : batch)
      },
    }),
  },
  { fault: 'a read answers with an older checkpoint', breaks: 'RS-3', mutate: staleCheckpoint },
  {
    fault: 'a page answers with a checkpoint that was read later',
    breaks: 'RS-3',
    mutate: (collection) => ({
      async page(query) {
        const page = await collection.page(query)
        await new Promise((resolve) => setImmediate(resolve))
        return { ...page, checkpoint: await collection.checkpoint() }
      },
    }),
  },
  {
    fault: 'pages are in the order of UTF-16',
    breaks: 'RS-4',
    mutate: (collection) => ({
      async page(query) {
        const { documents, ...page } = await collection.page({ ...query, afterKey: null, limit: 1000 })
        const sorted = documents.toSorted((a, b) => (a.key < b.key ? -1 : 1))
        const rest = sorted.filter(({ key }) => query.afterKey === null || key > query.afterKey)
        return { ...page, documents: rest.slice(0, query.limit), more: rest.length > query.limit }
      },
    }),
  },
  {
    fault: 'a page repeats the key at the cursor',
    breaks: 'RS-4',
    mutate: (collection) => ({
      async page(query) {
        const page = await collection.page(query)
        const at = query.afterKey === null ? undefined : (await collection.get(query.afterKey)).document
        return at === undefined ? page : { ...page, documents: [at, ...page.documents] }
      },
    }),
  },
  {
    fault: 'a full last page promises another one',
    breaks: 'RS-4',
    mutate: (collection) => ({
      async page(query) {
        const page = await collection.page(query)
        return { ...page, more: page.documents.length === query.limit }
      },
    }),
  },
  {
    fault: 'a listing takes no notice of its bytes',
    breaks: 'RS-8',
    mutate: (collection) => ({
      page: ({ where, search, afterKey, limit }) => collection.page({ where, search, afterKey, limit }),
    }),
  },
  {
    fault: 'changes take no notice of their bytes',
    breaks: 'RS-8',
    mutate: (collection) => ({
      changes: ({ after, limit }) => collection.changes({ after, limit }),
    }),
  },
  {
    fault: 'changes leave deletions out',
    breaks: 'RS-5',
    mutate: (collection) => ({
      async changes(query) {
        const found = await collection.changes(query)
        return { ...found, documents: found.documents.filter(({ data }) => data !== null) }
      },
    }),
  },
  {
    fault: 'changes after a cursor skip other keys of its position',
    breaks: 'RS-5',
    mutate: (collection) => ({
      changes: (query) => collection.changes({ ...query, after: { ...query.after, key: '\u{10ffff}' } }),
    }),
  },
  {
    fault: 'an index ignores case',
    breaks: 'RS-6',
    mutate: (collection) => ({
      page: (query) => {
        const where = query.where.map(({ index, value }) => ({ index, value: value.toLowerCase() }))
        return collection.page({ ...query, where })
      },
    }),
  },
  {
    fault: 'only the first condition counts',
    breaks: 'RS-6',
    mutate: (collection) => ({
      page: (query) => collection.page({ ...query, where: query.where.slice(0, 1) }),
    }),
  },
  {
    fault: 'only the first word of a search counts',
    breaks: 'RS-6',
    mutate: (collection) => {
      return {
        page: (query) => collection.page({ ...query, search: query.search?.split(' ')[0] ?? null }),
      }
    },
  },
  {
    fault: 'a search drops its operators',
    breaks: 'RS-6',
    mutate: (collection) => everyWord(collection, (word) => (word === 'AND' ? null : word)),
  },
  {
    fault: 'a search without words finds everything',
    breaks: 'RS-6',
    mutate: (collection) => ({
      page: (query) => {
        const hasWords = query.search !== null && /\w/.test(query.search)
        return collection.page({ ...query, search: hasWords ? query.search : null })
      },
    }),
  },
  {
    fault: 'the quarantine is stored after its batch',
    breaks: 'RS-9',
    mutate: (collection) => ({
      async commit({ quarantine = [], ...batch }) {
        await collection.commit({ from: batch.from, to: batch.from, documents: [], quarantine })
        await collection.commit(batch)
      },
    }),
  },
  {
    fault: 'a queue is in no order',
    breaks: 'RS-9',
    mutate: (collection) => ({
      queued: async (key) => (await collection.queued(key)).toReversed(),
    }),
  },
  {
    fault: 'skipped events are forgotten',
    breaks: 'RS-9',
    mutate: () => ({ skipped: () => Promise.resolve([]) }),
  },
  {
    fault: 'a listing marks nothing',
    breaks: 'RS-10',
    mutate: (collection) => ({
      page: async (query) => ({ ...(await collection.page(query)), quarantined: new Set<string>() }),
    }),
  },
  {
    fault: 'healed keys are not counted',
    breaks: 'RS-10',
    mutate: (collection) => ({
      changes: async (query) => ({ ...(await collection.changes(query)), healed: 0 }),
    }),
  },
  {
    fault: 'versions are forgotten',
    breaks: 'RS-7',
    mutate: (collection) => ({
      commit: (batch) => {
        const documents = batch.documents.map((one): StoredDocument => ({ ...one, version: null }))
        return collection.commit({ ...batch, documents })
      },
    }),
  },
]

function mutated(store: ReadStore, mutate: Mutate, changes?: MutateStore): ReadStore {
  return {
    ...store,
    ...changes?.(store),
    async openCollection(shape, epoch, generation) {
      const collection = await store.openCollection(shape, epoch, generation)
      return { ...collection, ...mutate(collection) }
    },
  }
}

/** The names of the rules that do not hold. */
async function broken(mutate: Mutate, changes?: MutateStore): Promise<readonly string[]> {
  const names: string[] = []
  for (const rule of rules) {
    await using plain = await openSqliteReadStore({ file: ':memory:', thread: 'caller' })
    const store = mutated(plain, mutate, changes)
    // Memory cannot reopen; what it would forget is not what these faults are about.
    const holds = await rule.check({ store, reopen: async () => store }).then(
      () => true,
      () => false,
    )
    if (!holds) names.push(rule.name)
  }
  return names
}

const storeMutants: readonly (readonly [fault: string, breaks: string, changes: MutateStore])[] = [
  ['a switch is only said to have happened', 'RS-11', () => ({ switchLive: () => Promise.resolve() })],
  [
    'the tag of a switch is forgotten',
    'RS-11',
    (store) => ({ switchLive: (pair) => store.switchLive(pair, 'x') }),
  ],
  ['what begins anew goes on', 'RS-13', () => ({ beginAnew: () => Promise.resolve() })],
  ['what is forgotten stays', 'RS-18', () => ({ forget: () => Promise.resolve() })],
  ['dropped collections stay', 'RS-12', () => ({ dropCollection: () => Promise.resolve() })],
  [
    'differences are kept quiet',
    'RS-12',
    (store) => ({ compare: async (pair) => ({ ...(await store.compare(pair)), differing: 0, sample: [] }) }),
  ],
]

describe('the suite of the read store', () => {
  test.each(storeMutants)('catches that %s', async (_, breaks, changes) => {
    expect(await broken(() => ({}), changes)).toContainEqual(expect.stringMatching(new RegExp(`^${breaks} `)))
  })

  test('holds without a fault', async () => {
    expect(await broken(() => ({}))).toEqual([])
  })

  test.each(mutants)('catches that $fault', async ({ breaks, mutate }) => {
    expect(await broken(mutate)).toContainEqual(expect.stringMatching(new RegExp(`^${breaks} `)))
  })

  test('has a mutant for every promise', () => {
    const ids = new Set(rules.map(({ name }) => name.split(' ')[0]))
    const broken = [...mutants.map(({ breaks }) => breaks), ...storeMutants.map(([, breaks]) => breaks)]
    expect(new Set(broken)).toEqual(ids)
  })
})
