// Rules of the read store: collections of one projection beside each other, and which of them is live.
import type { DocumentCollection, ReadStore, StoredDocument } from '../core/ports/index.ts'
import { expectFault, expectSame } from './expect.ts'
import {
  document,
  openWith,
  pageThrough,
  place,
  search,
  shape,
  versioned,
  type ReadStoreRule,
} from './read-store-contract-steps.ts'

const { log, name } = shape
const live = { version: 1, generation: 1 }
const other = { version: 1, generation: 2 }
const pair: Parameters<ReadStore['compare']>[0] = { log, name, live, other }

/** Opens the second generation, which contains the log up to a place. */
async function openOther(
  store: ReadStore,
  at: number,
  documents: readonly StoredDocument[],
): Promise<DocumentCollection> {
  const collection = await store.openCollection(shape, 'epoch-1', other.generation)
  if (at > 0) await collection.commit({ from: place(0), to: place(at), documents })
  return collection
}

async function liveOf(store: ReadStore): Promise<readonly unknown[]> {
  const states = await store.collections(log, name)
  return states
    .filter(({ isLive }) => isLive)
    .map(({ version, generation, tag }) => [version, generation, tag])
}

/** RS-11 to RS-13, and RS-18. */
export const generationRules: readonly ReadStoreRule[] = [
  {
    name: 'RS-11 the first collection is live until another takes its place',
    async check({ store }) {
      expectSame('before', await store.collections(log, name), [])
      await openWith(store, [])
      expectSame('the first', await liveOf(store), [[1, 1, '1']])
      await openOther(store, 10, [])
      await store.openCollection({ ...shape, version: 2 }, 'epoch-1')
      expectSame('with others beside it', await liveOf(store), [[1, 1, '1']])
      await store.switchLive(pair, '1.2')
      expectSame('after the switch', await liveOf(store), [[1, 2, '1.2']])
      const states = await store.collections(log, name)
      expectSame(
        'all of them',
        states.map((one) => [one.version, one.generation, one.checkpoint.position, one.tag]),
        [
          [1, 1, 10, '1'],
          [1, 2, 10, '1.2'],
          [2, 1, 0, null],
        ],
      )
      expectSame('their shape', states[0]?.shape.indexes.toSorted(), shape.indexes.toSorted())
    },
  },
  {
    name: 'RS-11 a switch to documents that are behind is refused',
    async check({ store }) {
      await openWith(store, [])
      await openOther(store, 9, [])
      await expectFault('a switch', 'STORE_UNAVAILABLE', store.switchLive(pair, 'x'))
      const turned = { ...pair, live: other, other: live }
      await expectFault('a switch from what is not live', 'STORE_UNAVAILABLE', store.switchLive(turned, 'x'))
      expectSame('the live one', await liveOf(store), [[1, 1, '1']])
    },
  },
  {
    name: 'RS-11 what is live is live after opening again',
    needs: 'reopens',
    async check({ store, reopen }) {
      await openWith(store, [])
      await openOther(store, 10, [])
      await store.switchLive(pair, 'x')
      expectSame('the live one', await liveOf(await reopen()), [[1, 2, 'x']])
    },
  },
  {
    name: 'RS-12 generations keep their documents apart, and one that is dropped is gone',
    async check({ store }) {
      const first = await openWith(store, [document('a', 1, 1)])
      const second = await openOther(store, 10, [document('a', 1, 2)])
      expectSame('the first', (await first.get('a')).document?.data, 1)
      expectSame('the second', (await second.get('a')).document?.data, 2)
      await expectFault('dropping the live one', 'STORE_UNAVAILABLE', store.dropCollection(log, name, live))
      await store.dropCollection(log, name, other)
      await store.dropCollection(log, name, other)
      expectSame('what is left', (await store.collections(log, name)).length, 1)
      const again = await openOther(store, 0, [])
      expectSame(
        'anew',
        [(await again.checkpoint()).position, (await again.get('a')).document],
        [0, undefined],
      )
      expectSame('the first after', (await first.get('a')).document?.data, 1)
    },
  },
  {
    name: 'RS-12 a comparison counts documents and names keys that differ',
    async check({ store }) {
      const same = [document('a', 1, { n: 1 }), versioned(2, document('b', 2, null))]
      const first = [
        ...same,
        document('c', 3, 1),
        document('d', 3, 1),
        document('e', 3, 1),
        versioned(1, document('f', 3, 1)),
      ]
      const second = [
        ...same,
        document('c', 3, 2),
        document('e', 4, 1),
        versioned(2, document('f', 3, 1)),
        document('g', 3, 1),
      ]
      const collection = await openWith(store, first)
      const built = await openOther(store, 10, second)
      expectSame('the comparison', await store.compare(pair), {
        documents: [5, 5],
        differing: 4,
        sample: ['c', 'd', 'f', 'g'],
        isSame: false,
      })
      const event = { position: place(3).position, eventId: 'e', type: 'T' }
      const setAside = (of: DocumentCollection, key: string) =>
        of.commit({
          from: place(10),
          to: place(10),
          documents: [],
          quarantine: [
            { change: 'queue', key, event },
            { change: 'fail', key, position: event.position, error: 'x', atMs: 1 },
          ],
        })
      await setAside(collection, 'c')
      expectSame('without what is set aside', (await store.compare(pair)).sample, ['d', 'f', 'g'])
      await setAside(built, 'c')
      expectSame('without what both set aside', (await store.compare(pair)).sample, ['d', 'f', 'g'])
      await setAside(built, 'a')
      expectSame('with what the other sets aside', (await store.compare(pair)).sample, ['a', 'd', 'f', 'g'])
    },
  },
  {
    name: 'RS-12 collections with the same documents are the same',
    async check({ store }) {
      await openWith(store, [document('a', 1, { n: 1 })])
      await openOther(store, 10, [document('a', 1, { n: 1 })])
      const expected = { documents: [1, 1], differing: 0, sample: [], isSame: true }
      expectSame('the comparison', await store.compare(pair), expected)
    },
  },
  {
    name: 'RS-13 a projection that begins anew has one empty collection, which is live',
    async check({ store }) {
      const event = { position: place(3).position, eventId: 'e', type: 'T' }
      const quarantine = [
        { change: 'queue', key: 'c', event },
        { change: 'fail', key: 'c', position: event.position, error: 'x', atMs: 1 },
      ] as const
      const collection = await openWith(store, [document('a', 1, { status: 'x', title: 'word' })])
      await collection.commit({ from: place(10), to: place(10), documents: [], quarantine })
      await openOther(store, 10, [document('b', 1, 1)])
      const unharmed = await store.openCollection({ ...shape, name: 'else' }, 'epoch-1')
      await unharmed.commit({ from: place(0), to: place(5), documents: [document('a', 1, 1)] })
      await store.beginAnew(shape, 'epoch-2', 3)
      const states = await store.collections(log, name)
      const told = states.map((one) => [one.version, one.generation, one.isLive, one.tag, one.checkpoint])
      expectSame('what is left', told, [[1, 3, true, '1.3', place(0, 'epoch-2')]])
      const anew = await store.openCollection(shape, 'epoch-3', 3)
      expectSame('its documents', await pageThrough(anew, 10), [])
      expectSame('its words', await search(anew, 'word'), [])
      expectSame('its quarantine', await anew.quarantined(), [])
      await anew.commit({ from: place(0, 'epoch-2'), to: place(1, 'epoch-2'), documents: [] })
      expectSame('the other projection', await pageThrough(unharmed, 10), ['a'])
    },
  },
  {
    name: 'RS-13 a projection without collections begins anew, too',
    async check({ store }) {
      await store.beginAnew({ ...shape, version: 4 }, 'epoch-1', 1)
      expectSame('the live one', await liveOf(store), [[4, 1, '4']])
    },
  },
  {
    name: 'RS-18 a projection that is forgotten leaves nothing behind, and others stay',
    async check({ store }) {
      expectSame('names before', await store.names(log), [])
      await openWith(store, [document('a', 1, 1)])
      await openOther(store, 10, [document('a', 1, 2)])
      await store.openCollection({ ...shape, name: 'orders/1of2' }, 'epoch-1')
      await store.openCollection({ ...shape, log: 'default/else/0', name: 'elsewhere' }, 'epoch-1')
      expectSame('names', (await store.names(log)).toSorted(), ['orders', 'orders/1of2'])
      await store.forget(log, name)
      await store.forget(log, 'never there')
      expectSame('names after', await store.names(log), ['orders/1of2'])
      expectSame('collections after', await store.collections(log, name), [])
      const again = await store.openCollection(shape, 'epoch-1')
      expectSame('a new one', (await again.get('a')).document, undefined)
    },
  },
]
