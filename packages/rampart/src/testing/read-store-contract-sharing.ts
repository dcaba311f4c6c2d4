// Rules of the read store that several processes open: what they see of a projection that another one runs.
import type { ReadStore } from '../core/ports/index.ts'
import { expectSame, expectTrue } from './expect.ts'
import {
  document,
  everything,
  keysOf,
  open,
  openWith,
  place,
  shape,
  type ReadStoreRule,
} from './read-store-contract-steps.ts'

type SharedReads = NonNullable<ReadStore['shared']>
type Look = NonNullable<Awaited<ReturnType<SharedReads['look']>>>
type Standing = Parameters<SharedReads['tell']>[2]

const { log, name } = shape
const needs = 'shared'
const standing: Standing = {
  epochs: [{ epoch: 'epoch-1', forkPosition: place(0).position }],
  stopped: null,
  upgradeStopped: null,
  beginsAnew: null,
  lag: { events: 3, seconds: 0.5 },
}

/** RS-14 to RS-17. */
export const sharingRules: readonly ReadStoreRule[] = [
  {
    name: 'RS-14 where nothing is live there is nothing to see',
    needs,
    async check({ store }) {
      expectSame('the look', await sharedOf(store).look(log, name), undefined)
    },
  },
  { name: 'RS-14 a look shows the live collection, its place and its quarantine', needs, check: shows },
  { name: 'RS-15 what was told last is seen, also after its teller has gone', needs, check: tells },
  { name: 'RS-16 the documents of a look stay those of their collection', needs, check: staysWithDocuments },
  { name: 'RS-17 whoever listens hears of commits, switches and words', needs, check: hears },
]

function sharedOf({ shared }: ReadStore): SharedReads {
  if (shared === undefined) throw new Error('The store lacks its shared part')
  return shared
}

async function lookAt(store: ReadStore): Promise<Look> {
  const look = await sharedOf(store).look(log, name)
  if (look === undefined) throw new Error('There is no live collection')
  return look
}

async function shows({ store }: { readonly store: ReadStore }): Promise<void> {
  const collection = await openWith(store, [document('a', 3, { status: 'placed' })])
  const event = { position: place(11).position, eventId: 'append-11.0', type: 'Placed' }
  const failing = { change: 'fail', key: 'a', position: event.position, error: 'no', atMs: 5 } as const
  const quarantine = [{ change: 'queue', key: 'a', event } as const, failing]
  await collection.commit({ from: place(10), to: place(11), documents: [], quarantine })
  await store.openCollection(shape, 'epoch-1', 2)
  const { live, documents, quarantinedKeys, standing: told } = await lookAt(store)
  expectSame('the live one', live, {
    version: 1,
    generation: 1,
    isLive: true,
    tag: '1',
    checkpoint: place(11),
    shape: { ...shape, indexes: shape.indexes.toSorted(), search: shape.search.toSorted() },
  })
  expectSame('the quarantined keys', quarantinedKeys, 1)
  expectSame('the word of the runner', told, undefined)
  const read = await documents.get('a')
  expectSame('the document', read.document, document('a', 3, { status: 'placed' }))
  expectTrue('it is quarantined', read.isQuarantined)
  expectSame('the listing', keysOf(await documents.page(everything)), ['a'])
}

async function tells({ store, reopen }: Parameters<ReadStoreRule['check']>[0]): Promise<void> {
  await open(store)
  await sharedOf(store).tell(log, name, { ...standing, stopped: 'a bad event' })
  await sharedOf(store).tell(log, 'other', { ...standing, lag: null })
  await sharedOf(store).tell(log, name, standing)
  const again = await reopen()
  const { ageMs, ...told } = (await lookAt(again)).standing ?? { ageMs: -1 }
  expectSame('the word', told, standing)
  expectTrue('its age is known', ageMs >= 0 && ageMs < 60_000)
}

async function staysWithDocuments({ store }: { readonly store: ReadStore }): Promise<void> {
  await openWith(store, [document('a', 3, { build: 1 })])
  const before = await lookAt(store)
  const second = await store.openCollection(shape, 'epoch-1', 2)
  await second.commit({ from: place(0), to: place(10), documents: [document('a', 3, { build: 2 })] })
  const [live, other] = [1, 2].map((generation) => ({ version: 1, generation }))
  if (live === undefined || other === undefined) return
  await store.switchLive({ log, name, live, other }, 'second')
  const after = await lookAt(store)
  expectSame('the tag', after.live.tag, 'second')
  const data = async ({ documents }: Look) => (await documents.get('a')).document?.data
  expectSame('the documents before', await data(before), { build: 1 })
  expectSame('the documents after', await data(after), { build: 2 })
  expectTrue('one object per collection', (await lookAt(store)).documents === after.documents)
}

async function hears({ store }: { readonly store: ReadStore }): Promise<void> {
  const shared = sharedOf(store)
  let heard = 0
  const end = shared.onChanged(log, name, () => void heard++)
  const hearing = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    const before = heard
    await act()
    expectTrue(`${what} is heard of`, heard > before)
  }
  const collection = await open(store)
  await hearing('a commit', () => collection.commit({ from: place(0), to: place(1), documents: [] }))
  await hearing('a word', () => shared.tell(log, name, standing))
  await hearing('a new beginning', () => store.beginAnew(shape, 'epoch-2', 2))
  end()
  const before = heard
  await shared.tell(log, name, standing)
  expectSame('what is heard after the end', heard, before)
}
