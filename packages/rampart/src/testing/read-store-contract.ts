// The conformance suite of the read store port: its promises RS-1 to RS-7 as rules that any test runner can loop over.
import { position, systemRuntime, type Json } from '../core/index.ts'
import type {
  CollectionShape,
  DocumentCollection,
  DocumentPage,
  LogPlace,
  PageQuery,
  ReadStore,
  StoredDocument,
} from '../core/ports/index.ts'
import type { ContractRule } from './contract.ts'
import { expectFault, expectSame, expectTrue } from './expect.ts'

/** How a rule gets at the adapter. */
export interface ReadStoreHarness {
  /** An open store without collections. */
  readonly store: ReadStore
  /** Closes the store and opens what it kept; needs the capability `reopens`. */
  readonly reopen: () => Promise<ReadStore>
}

type Rule = ContractRule<ReadStoreHarness>

const shape: CollectionShape = {
  name: 'orders',
  version: 1,
  log: 'default/shop/0',
  indexes: ['status', 'customerId'],
  search: ['title', 'notes'],
}

function place(at: number, epoch = 'epoch-1'): LogPlace {
  return { epoch, position: position(at), eventId: at === 0 ? '' : `append-${at}.0` }
}

function document(key: string, at: number, data: Json, version: number | null = null): StoredDocument {
  return { key, version, position: position(at), data }
}

function open(store: ReadStore): Promise<DocumentCollection> {
  return store.openCollection(shape, 'epoch-1')
}

/** Opens a collection that contains the log up to 10, with these documents. */
async function openWith(store: ReadStore, documents: readonly StoredDocument[]): Promise<DocumentCollection> {
  const collection = await open(store)
  await collection.commit({ from: place(0), to: place(10), documents })
  return collection
}

const everything: PageQuery = { where: [], search: null, afterKey: null, limit: 100 }

function keysOf(page: Pick<DocumentPage, 'documents'>): readonly string[] {
  return page.documents.map((one) => one.key)
}

/** Every key of a listing, page by page. `beforeNext` runs between two pages. */
async function pageThrough(
  collection: DocumentCollection,
  limit: number,
  beforeNext: (lastKey: string) => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const keys: string[] = []
  let afterKey: string | null = null
  for (let pages = 0; pages < 1000; pages++) {
    const page: DocumentPage = await collection.page({ ...everything, afterKey, limit })
    keys.push(...keysOf(page))
    const last = page.documents.at(-1)
    if (!page.more || last === undefined) return keys
    afterKey = last.key
    await beforeNext(last.key)
  }
  throw new Error('A listing of few documents did not end within 1,000 pages')
}

async function search(collection: DocumentCollection, text: string): Promise<readonly string[]> {
  return keysOf(await collection.page({ ...everything, search: text }))
}

async function find(
  collection: DocumentCollection,
  ...where: readonly (readonly [string, string])[]
): Promise<readonly string[]> {
  const conditions = where.map(([index, value]) => ({ index, value }))
  return keysOf(await collection.page({ ...everything, where: conditions }))
}

const commits: readonly Rule[] = [
  {
    name: 'RS-1 a batch brings its documents and its checkpoint',
    async check({ store }) {
      const collection = await open(store)
      expectSame('the first checkpoint', await collection.checkpoint(), place(0))
      const written = [document('a', 3, { n: 1 }, 2), document('b', 5, ['x', null, 1.5, 'ü\u0000'])]
      await collection.commit({ from: place(0), to: place(7), documents: written })
      expectSame('the checkpoint', await collection.checkpoint(), place(7))
      const loaded = await collection.load(['b', 'a', 'never'])
      expectSame('the keys', [...loaded.keys()].toSorted(), ['a', 'b'])
      expectSame('the documents', [loaded.get('a'), loaded.get('b')], written)
    },
  },
  {
    name: 'RS-1 a batch without documents moves the checkpoint alone',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, { n: 1 })])
      await collection.commit({ from: place(10), to: place(11), documents: [] })
      expectSame('the checkpoint', await collection.checkpoint(), place(11))
      expectSame('the documents', keysOf(await collection.page(everything)), ['a'])
    },
  },
  {
    name: 'RS-1 a batch that fails leaves nothing behind',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, { n: 1 })])
      // A document without data that can be stored makes the batch fail after its first document.
      const unfit = { ...document('b', 12, null), position: null as unknown as StoredDocument['position'] }
      const documents = [document('a', 11, { n: 2 }), unfit]
      const outcome = await collection.commit({ from: place(10), to: place(12), documents }).then(
        () => 'stored',
        () => 'failed',
      )
      expectSame('the outcome', outcome, 'failed')
      expectSame('the checkpoint', await collection.checkpoint(), place(10))
      expectSame('the document', (await collection.get('a')).document, document('a', 1, { n: 1 }))
    },
  },
  {
    name: 'RS-2 a batch that does not begin at the checkpoint is refused',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, { n: 1 })])
      const other = { ...place(10), eventId: 'append-of-another-future.0' }
      for (const from of [place(0), place(9), place(11), place(10, 'epoch-2'), other]) {
        const documents = [document('a', 12, { n: 2 })]
        const attempt = collection.commit({ from, to: place(12), documents })
        await expectFault(`a batch from ${JSON.stringify(from)}`, 'STORE_UNAVAILABLE', attempt)
      }
      expectSame('the checkpoint', await collection.checkpoint(), place(10))
      expectSame('the document', (await collection.get('a')).document, document('a', 1, { n: 1 }))
    },
  },
  {
    name: 'RS-2 of two batches from one checkpoint one is stored',
    async check({ store }) {
      const collection = await open(store)
      const attempts = [1, 2].map((n) =>
        collection.commit({ from: place(0), to: place(n), documents: [document('a', n, { n })] }),
      )
      const outcomes = await Promise.allSettled(attempts)
      const stored = outcomes.findIndex((one) => one.status === 'fulfilled') + 1
      expectSame('stored batches', outcomes.filter((one) => one.status === 'fulfilled').length, 1)
      expectSame('the checkpoint', await collection.checkpoint(), place(stored))
      expectSame('the document', (await collection.get('a')).document?.data, { n: stored })
    },
  },
  {
    name: 'RS-3 a document comes with the checkpoint of its moment',
    async check({ store }) {
      const collection = await open(store)
      const batches = 50
      const commitAll = async (): Promise<void> => {
        for (let at = 1; at <= batches; at++) {
          const documents = [document('a', at, { at }, at), document('b', at, { at })]
          await collection.commit({ from: place(at - 1), to: place(at), documents })
        }
      }
      const readAll = async (): Promise<void> => {
        for (let seen = 0; seen < batches;) {
          const { document: read, checkpoint } = await collection.get('a')
          seen = checkpoint.position
          expectSame('version at the checkpoint', read?.version ?? 0, seen)
          expectSame('data at the checkpoint', read?.data ?? { at: 0 }, { at: seen })
          const page = await collection.page(everything)
          const states = page.documents.map((one) => one.position)
          const count = page.checkpoint.position === 0 ? 0 : 2
          expectSame('a page at its checkpoint', states, Array(count).fill(page.checkpoint.position))
          seen = Math.max(seen, page.checkpoint.position)
          const changes = await collection.changes({ after: { position: position(0), key: '' }, limit: 9 })
          const newest = changes.documents.at(-1)?.position ?? 0
          expectSame('changes at their checkpoint', newest, changes.checkpoint.position)
          // Reads may answer without leaving the thread; commits must get their turn.
          await new Promise<void>((resolve) => systemRuntime.soon(resolve))
        }
      }
      await Promise.all([commitAll(), readAll()])
    },
  },
  {
    name: 'RS-3 an absent key comes with the checkpoint too',
    async check({ store }) {
      const collection = await openWith(store, [])
      expectSame('the read', await collection.get('never'), { checkpoint: place(10) })
    },
  },
]

// In byte order of UTF-8, which differs from the order of UTF-16 that JavaScript sorts by.
const orderedKeys = ['A', 'B:1/2', 'a', 'a b', 'ab', 'é', 'ﬁ', '\u{1f600}']

const listings: readonly Rule[] = [
  {
    name: 'RS-4 pages come in byte order of their keys',
    async check({ store }) {
      const shuffled = orderedKeys.toReversed().map((key) => document(key, 1, { key }))
      const collection = await openWith(store, shuffled)
      for (const limit of [1, 3, 8, 100]) {
        expectSame(`pages of ${limit}`, await pageThrough(collection, limit), orderedKeys)
      }
      const exact = await collection.page({ ...everything, limit: orderedKeys.length })
      expectSame('whether more follow', exact.more, false)
    },
  },
  {
    name: 'RS-4 paging meets each key once while others come and go',
    async check({ store }) {
      const throughout = Array.from({ length: 30 }, (_, index) => `k${String(index).padStart(2, '0')}`)
      const collection = await openWith(
        store,
        throughout.map((key) => document(key, 1, { n: 0 })),
      )
      let at = 10
      const seen = await pageThrough(collection, 4, async (lastKey) => {
        // One key before the cursor, one behind it, and a change of a document that was listed already.
        const documents = [`${lastKey}-before`, `j${at}`].map((key) => document(key, at + 1, { n: 1 }))
        documents.push(document(lastKey, at + 1, { n: 2 }), document(`j${at - 1}`, at + 1, null))
        await collection.commit({ from: place(at), to: place(at + 1), documents })
        at += 1
      })
      expectSame('keys met twice', seen.length - new Set(seen).size, 0)
      expectSame(
        'keys that were there throughout',
        seen.filter((key) => throughout.includes(key)),
        throughout,
      )
      expectSame('keys in order', seen, seen.toSorted())
    },
  },
  {
    name: 'RS-4 deleted documents are in no page',
    async check({ store }) {
      const documents = ['a', 'b', 'c'].map((key) => document(key, 1, { status: 'placed', title: 'mug' }))
      const collection = await openWith(store, documents)
      await collection.commit({ from: place(10), to: place(11), documents: [document('b', 11, null, 4)] })
      expectSame('the listing', keysOf(await collection.page(everything)), ['a', 'c'])
      expectSame('by index', await find(collection, ['status', 'placed']), ['a', 'c'])
      expectSame('by search', await search(collection, 'mug'), ['a', 'c'])
      expectSame('the deleted one', (await collection.get('b')).document, document('b', 11, null, 4))
    },
  },
  {
    name: 'RS-5 changes come by position and key, each document once in its latest state',
    async check({ store }) {
      const collection = await open(store)
      const first = [document('b', 2, 1), document('a', 2, 2), document('c', 1, 3)]
      await collection.commit({ from: place(0), to: place(5), documents: first })
      const second = [document('c', 8, 4), document('a', 7, null)]
      await collection.commit({ from: place(5), to: place(9), documents: second })
      const expected = [document('b', 2, 1), document('a', 7, null), document('c', 8, 4)]
      const start = { position: position(0), key: '' }
      const all = await collection.changes({ after: start, limit: 10 })
      expectSame('all changes', all, { documents: expected, checkpoint: place(9) })
      const [one] = expected
      const rest = await collection.changes({
        after: { position: position(2), key: one?.key ?? '' },
        limit: 1,
      })
      expectSame('the one after the first', rest.documents, [expected[1]])
      const ofKey = await collection.changes({ after: start, limit: 10, key: 'c' })
      expectSame('the changes of one key', ofKey.documents, [expected[2]])
      const later = { position: position(8), key: 'c' }
      expectSame('after the last', (await collection.changes({ after: later, limit: 10 })).documents, [])
    },
  },
  {
    name: 'RS-5 documents that one position changed are told apart by their keys',
    async check({ store }) {
      const collection = await openWith(
        store,
        ['a', 'b', 'c'].map((key) => document(key, 4, key)),
      )
      const after = { position: position(4), key: 'a' }
      expectSame('after a', keysOf(await collection.changes({ after, limit: 1 })), ['b'])
      expectSame('the others', keysOf(await collection.changes({ after, limit: 5 })), ['b', 'c'])
    },
  },
]

const lookUps: readonly Rule[] = [
  {
    name: 'RS-6 an index finds exactly what has the value',
    async check({ store }) {
      const collection = await openWith(store, [
        document('a', 1, { status: 'placed', customerId: 17 }),
        document('b', 1, { status: 'Placed', customerId: '17' }),
        document('c', 1, { status: 'placed ', customerId: null }),
        document('d', 1, { customerId: true }),
        document('e', 1, 'placed'),
        document('f', 1, { status: ['placed'] }),
        document('g', 1, { status: "'; DROP TABLE collections; --%" }),
      ])
      expectSame('placed', await find(collection, ['status', 'placed']), ['a'])
      expectSame('no prefix', await find(collection, ['status', 'place']), [])
      expectSame('a number by its text', await find(collection, ['customerId', '17']), ['a', 'b'])
      expectSame('null by its text', await find(collection, ['customerId', 'null']), ['c'])
      expectSame('true by its text', await find(collection, ['customerId', 'true']), ['d'])
      expectSame('a list by its JSON', await find(collection, ['status', '["placed"]']), ['f'])
      expectSame('quotes', await find(collection, ['status', "'; DROP TABLE collections; --%"]), ['g'])
      expectSame('both', await find(collection, ['status', 'placed'], ['customerId', '17']), ['a'])
      expectSame('two values', await find(collection, ['status', 'placed'], ['status', 'Placed']), [])
    },
  },
  {
    name: 'RS-6 an index follows changes',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, { status: 'placed', title: 'red mug' })])
      const documents = [document('a', 11, { status: 'shipped', title: 'blue mug' })]
      await collection.commit({ from: place(10), to: place(11), documents })
      expectSame('the old value', await find(collection, ['status', 'placed']), [])
      expectSame('the value', await find(collection, ['status', 'shipped']), ['a'])
      expectSame('the old word', await search(collection, 'red'), [])
      expectSame('the words', await search(collection, 'mug blue'), ['a'])
    },
  },
  {
    name: 'RS-6 an index that was not declared is refused',
    async check({ store }) {
      const collection = await openWith(store, [document('a', 1, { total: 1 })])
      await expectFault('a look-up', 'INPUT_INVALID', find(collection, ['total', '1']))
    },
  },
  {
    name: 'RS-6 a search finds starts of words in any member, whatever case and accents',
    async check({ store }) {
      const collection = await openWith(store, [
        document('a', 1, { title: 'Crème BRÛLÉE set', notes: 'white' }),
        document('b', 1, { title: 'T-LIGHT holder', notes: 'Ångström, red/white' }),
        document('c', 1, { title: 'KNITTED UNION FLAG', notes: 'ΟΔΟΣ 2.5cm' }),
        document('d', 1, { other: 'creme' }),
      ])
      const cases: readonly (readonly [string, readonly string[]])[] = [
        ['creme', ['a']],
        ['CRÈ brul', ['a']],
        ['cre\u0300me', ['a']],
        ['reme', []],
        ['white', ['a', 'b']],
        ['white set', ['a']],
        ['white flag', []],
        ['light', ['b']],
        ['t-light', ['b']],
        ['angstrom', ['b']],
        ['οδοσ', ['c']],
        ['ΟΔΟ', ['c']],
        ['5cm 2', ['c']],
        ['knitted knitted KNIT', ['c']],
      ]
      for (const [text, keys] of cases) expectSame(`the search ${text}`, await search(collection, text), keys)
    },
  },
  {
    name: 'RS-6 signs in a search mean nothing',
    async check({ store }) {
      const collection = await openWith(store, [
        document('a', 1, { title: 'and or not near' }),
        document('b', 1, { title: 'x' }),
      ])
      for (const text of ['', '   ', '"', '*', '-', '()', "'; --", '"" OR ""', '^:{}']) {
        const keys = text.includes('OR') ? ['a'] : []
        expectSame(`the search ${text}`, await search(collection, text), keys)
      }
      expectSame('operators', await search(collection, 'AND "or" NOT* NEAR(not, 2)'), [])
      expectSame('operators as words', await search(collection, 'AND "or" NOT* NEAR'), ['a'])
      expectSame('a column', await search(collection, 'title:x'), [])
    },
  },
  {
    name: 'RS-6 look-up, search and cursor combine',
    async check({ store }) {
      const kinds = ['placed', 'shipped']
      const documents = Array.from({ length: 20 }, (_, index) =>
        document(`k${String(index).padStart(2, '0')}`, 1, {
          status: kinds[index % 2] ?? '',
          title: index % 3 === 0 ? 'red mug' : 'red cup',
        }),
      )
      const collection = await openWith(store, documents)
      const query = { where: [{ index: 'status', value: 'placed' }], search: 'mug re', limit: 2 }
      const first = await collection.page({ ...query, afterKey: null })
      expectSame('the first page', [keysOf(first), first.more], [['k00', 'k06'], true])
      const second = await collection.page({ ...query, afterKey: 'k06' })
      expectSame('the second page', [keysOf(second), second.more], [['k12', 'k18'], false])
    },
  },
]

const keeping: readonly Rule[] = [
  {
    name: 'RS-7 what was committed is there after opening again',
    needs: 'reopens',
    async check({ store, reopen }) {
      await openWith(store, [
        document('a', 3, { status: 'placed', title: 'mug' }, 2),
        document('b', 4, null, 1),
      ])
      // The epoch of the log is taken from the checkpoint, once there is one.
      const collection = await (await reopen()).openCollection(shape, 'epoch-2')
      expectSame('the checkpoint', await collection.checkpoint(), place(10))
      expectSame('the read', await collection.get('a'), {
        document: document('a', 3, { status: 'placed', title: 'mug' }, 2),
        checkpoint: place(10),
      })
      expectSame('the deleted one', (await collection.get('b')).document, document('b', 4, null, 1))
      expectSame('the listing', await find(collection, ['status', 'placed']), ['a'])
      expectSame('the search', await search(collection, 'mug'), ['a'])
      await collection.commit({ from: place(10), to: place(11), documents: [document('c', 11, 1)] })
      expectSame('the checkpoint after', await collection.checkpoint(), place(11))
    },
  },
  {
    name: 'RS-7 versions of a projection and logs keep their documents apart',
    async check({ store }) {
      const first = await openWith(store, [document('a', 1, 1)])
      const second = await store.openCollection({ ...shape, version: 2, indexes: [] }, 'epoch-1')
      const other = await store.openCollection({ ...shape, log: 'default/other/0' }, 'epoch-9')
      expectSame('the second version', await second.get('a'), { checkpoint: place(0) })
      expectSame('the other log', await other.get('a'), { checkpoint: place(0, 'epoch-9') })
      const again = await open(store)
      expectSame('the first version', (await again.get('a')).document, (await first.get('a')).document)
    },
  },
  {
    name: 'RS-7 a version that was built with another shape is refused',
    async check({ store }) {
      await open(store)
      const changes = [{ indexes: ['status'] }, { search: [] }, { indexes: ['status', 'total'] }]
      for (const change of changes) {
        const attempt = store.openCollection({ ...shape, ...change }, 'epoch-1')
        await expectFault(JSON.stringify(change), 'DEFINITION_INVALID', attempt)
      }
      const reordered = { ...shape, indexes: shape.indexes.toReversed() }
      const same = await store.openCollection(reordered, 'epoch-1')
      expectTrue('another order is the same shape', (await same.checkpoint()).position === 0)
    },
  },
]

/** Every rule of the read store port. */
export const readStoreContract: readonly Rule[] = [...commits, ...listings, ...lookUps, ...keeping]
