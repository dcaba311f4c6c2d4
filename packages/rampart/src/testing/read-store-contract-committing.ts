// Rules of the read store: batches and their checkpoint, and the moment that a read belongs to.
import { position } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { StoredDocument } from '../core/ports/index.ts'
import { expectFault, expectSame } from './expect.ts'
import {
  document,
  everything,
  keysOf,
  open,
  openWith,
  place,
  versioned,
  type ReadStoreRule,
} from './read-store-contract-steps.ts'

/** RS-1 to RS-3. */
export const committingRules: readonly ReadStoreRule[] = [
  {
    name: 'RS-1 a batch brings its documents and its checkpoint',
    async check({ store }) {
      const collection = await open(store)
      expectSame('the first checkpoint', await collection.checkpoint(), place(0))
      const written = [
        versioned(2, document('a', 3, { n: 1 })),
        document('b', 5, ['x', null, 1.5, 'ü\u0000']),
      ]
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
          const documents = [versioned(at, document('a', at, { at })), document('b', at, { at })]
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
      expectSame('the read', await collection.get('never'), { checkpoint: place(10), isQuarantined: false })
    },
  },
]
