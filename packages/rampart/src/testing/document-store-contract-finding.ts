// Rules of the document store: what is found, and what cannot be a document.
import { documentLengthMax } from '../core/checks/index.ts'
import { position } from '../core/codec/index.ts'
import type { Json } from '../core/index.ts'
import type { AppendRequest, EventStore, StoredDocument } from '../core/ports/index.ts'
import { expectAtHead, keepNotes, noting, written } from './document-store-contract-steps.ts'
import {
  appended,
  openShop,
  upTo,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectFault, expectSame } from './expect.ts'

/** DS-8 and DS-9. */
export const documentFindingRules: readonly WriteRule[] = [
  { name: 'DS-8 listings, indexes, searches and changes find what is kept', check: finds },
  { name: 'DS-8 pages and changes are bounded, and ordered by bytes and positions', check: pages },
  { name: 'DS-9 what cannot be a document is refused before it is queued', check: refusesOthers },
]

async function finds(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  const data: Readonly<Record<string, Json>> = {
    a: { kind: 'red', title: 'Crème brûlée' },
    b: { kind: 'blue', title: 'creme caramel' },
    c: { kind: 1, title: 'cake' },
    d: null,
  }
  await appended(log, noting(Object.entries(data).map(([key, each]) => written(notes, key, { data: each }))))
  const find = async (where: Readonly<Record<string, string>>, search: string | null = null) => {
    const conditions = Object.entries(where).map(([index, value]) => ({ index, value }))
    const page = await notes.page({ where: conditions, search, afterKey: null, limit: 10 })
    return page.documents.map(({ key }) => key).join('')
  }
  expectSame('all', await find({}), 'abc')
  expectSame('an index', await find({ kind: 'red' }), 'a')
  expectSame('a number by its text', await find({ kind: '1' }), 'c')
  expectSame('a search', await find({}, 'CREM'), 'ab')
  expectSame('both', await find({ kind: 'blue' }, 'creme car'), 'b')
  expectSame('no word', await find({}, '"'), '')
  await expectFault('an unknown index', 'INPUT_INVALID', find({ title: 'x' }))
  await appended(
    log,
    noting([written(notes, 'b', { expectedPosition: position(1), data: { kind: 'red', title: 'x' } })]),
  )
  expectSame('an index that followed', await find({ kind: 'red' }), 'ab')
  expectSame('a search that followed', await find({}, 'creme'), 'a')
}

async function pages(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  // In UTF-16 the last two stand the other way around.
  const keys = ['Z', 'a', 'é', '\uFFFD', '🂡']
  await appended(log, noting(keys.toReversed().map((key) => written(notes, key))))
  const all = { where: [], search: null, afterKey: null, limit: 10 }
  const keysOf = (documents: readonly StoredDocument[]) => documents.map(({ key }) => key)
  expectSame('the order', keysOf((await notes.page(all)).documents), keys)
  const first = await notes.page({ ...all, limit: 2 })
  expectSame('the first page', [keysOf(first.documents), first.more], [keys.slice(0, 2), true])
  const rest = await notes.page({ ...all, afterKey: 'a', limit: 3 })
  expectSame('the rest', [keysOf(rest.documents), rest.more], [keys.slice(2), false])
  const small = await notes.page({ ...all, bytesMax: 1 })
  expectSame('a page of one byte', [keysOf(small.documents), small.more], [['Z'], true])
  await appended(log, noting([written(notes, 'a', { expectedPosition: position(1), data: null })]))
  const changed = await changedAfter(notes, { position: position(1), key: 'é' })
  expectSame('changes', keysOf(changed), ['\uFFFD', '🂡', 'a'])
  expectSame('changes of one', keysOf(await changedAfter(notes, { position: position(0), key: '' }, 'é')), [
    'é',
  ])
  await expectAtHead(notes, log)
}

async function changedAfter(
  notes: Awaited<ReturnType<EventStore['openDocuments']>>,
  after: { readonly position: ReturnType<typeof position>; readonly key: string },
  key?: string,
): Promise<readonly StoredDocument[]> {
  const query = { after, limit: 10 }
  return (await notes.changes(key === undefined ? query : { ...query, key })).documents
}

async function refusesOthers(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  const refused: readonly (readonly [string, AppendRequest])[] = [
    ['without an event', noting([written(notes, 'a')], { events: [] })],
    ['of an event that is not there', noting([written(notes, 'a', { event: 1 })])],
    ['that is new without an event', noting([written(notes, 'a', { event: null, version: 1 })])],
    ['without a key', noting([written(notes, '')])],
    ['twice', noting([written(notes, 'a'), written(notes, 'a')])],
    ['of an unknown collection', noting([written(notes, 'a', { collection: 99 })])],
    ['too long', noting([written(notes, 'a', { data: 'x'.repeat(documentLengthMax) })])],
    ['too many', noting(upTo(1001).map((number) => written(notes, String(number))))],
  ]
  for (const [what, request] of refused) {
    await expectFault(`a document ${what}`, 'INPUT_INVALID', log.append(request))
  }
  expectSame('the head', (await log.head()).position, 0)
}
