// Rules of the read store: pages and changes in their order.
import { position } from '../core/codec/index.ts'
import { expectSame } from './expect.ts'
import {
  document,
  everything,
  find,
  keysOf,
  open,
  openWith,
  pageThrough,
  place,
  search,
  versioned,
  type ReadStoreRule,
} from './read-store-contract-steps.ts'

// In byte order of UTF-8, which differs from the order of UTF-16 that JavaScript sorts by.
const orderedKeys = ['A', 'B:1/2', 'a', 'a b', 'ab', 'é', 'ﬁ', '\u{1f600}']

/** RS-4, RS-5 and RS-8. */
export const listingRules: readonly ReadStoreRule[] = [
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
      await collection.commit({
        from: place(10),
        to: place(11),
        documents: [versioned(4, document('b', 11, null))],
      })
      expectSame('the listing', keysOf(await collection.page(everything)), ['a', 'c'])
      expectSame('by index', await find(collection, ['status', 'placed']), ['a', 'c'])
      expectSame('by search', await search(collection, 'mug'), ['a', 'c'])
      expectSame(
        'the deleted one',
        (await collection.get('b')).document,
        versioned(4, document('b', 11, null)),
      )
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
      expectSame('all changes', all, { documents: expected, checkpoint: place(9), healed: 0 })
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
  {
    name: 'RS-8 a listing ends before its bytes are exceeded, says that more follow, and never ends empty',
    async check({ store }) {
      const keys = ['a', 'b', 'c', 'd']
      const collection = await openWith(
        store,
        keys.map((key, index) => document(key, index + 1, { note: 'x'.repeat(1000) })),
      )
      const start = { position: position(0), key: '' }
      for (const [bytesMax, count] of [
        [1, 1],
        [2500, 2],
        [1_000_000, 4],
      ] as const) {
        const page = await collection.page({ ...everything, bytesMax })
        expectSame(`the page within ${bytesMax}`, keysOf(page), keys.slice(0, count))
        expectSame(`whether more than ${bytesMax} follow`, page.more, count < keys.length)
        const changes = await collection.changes({ after: start, limit: 10, bytesMax })
        expectSame(`the changes within ${bytesMax}`, keysOf(changes), keys.slice(0, count))
      }
      const short = await collection.page({ ...everything, limit: 3, bytesMax: 2500 })
      expectSame('a page that two bounds could end', [keysOf(short), short.more], [['a', 'b'], true])
    },
  },
]
