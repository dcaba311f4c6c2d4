// Rules of the read store: indexes and the search for words.
import { expectFault, expectSame } from './expect.ts'
import {
  document,
  find,
  keysOf,
  openWith,
  place,
  search,
  type ReadStoreRule,
} from './read-store-contract-steps.ts'

/** RS-6. */
export const findingRules: readonly ReadStoreRule[] = [
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
      expectSame('an operator that is missing', await search(collection, 'AND x'), [])
      expectSame('either of two', await search(collection, 'x OR near'), [])
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
