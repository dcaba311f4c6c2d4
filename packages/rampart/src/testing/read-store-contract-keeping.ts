// Rules of the read store: what is there after opening again, and what is kept apart.
import { expectFault, expectSame, expectTrue } from './expect.ts'
import {
  document,
  find,
  open,
  openWith,
  place,
  search,
  shape,
  versioned,
  type ReadStoreRule,
} from './read-store-contract-steps.ts'

/** RS-7. */
export const keepingRules: readonly ReadStoreRule[] = [
  {
    name: 'RS-7 what was committed is there after opening again',
    needs: 'reopens',
    async check({ store, reopen }) {
      await openWith(store, [
        versioned(2, document('a', 3, { status: 'placed', title: 'mug' })),
        versioned(1, document('b', 4, null)),
      ])
      // The epoch of the log is taken from the checkpoint, once there is one.
      const collection = await (await reopen()).openCollection(shape, 'epoch-2')
      expectSame('the checkpoint', await collection.checkpoint(), place(10))
      expectSame('the read', await collection.get('a'), {
        document: versioned(2, document('a', 3, { status: 'placed', title: 'mug' })),
        checkpoint: place(10),
        isQuarantined: false,
      })
      expectSame(
        'the deleted one',
        (await collection.get('b')).document,
        versioned(1, document('b', 4, null)),
      )
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
      expectSame('the second version', (await second.get('a')).document, undefined)
      expectSame('its checkpoint', await second.checkpoint(), place(0))
      expectSame('the other log', (await other.get('a')).document, undefined)
      expectSame('its checkpoint', await other.checkpoint(), place(0, 'epoch-9'))
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
