// The conformance suite of the document store: its promises DS-1 to DS-9 as rules that any test runner can
// loop over.
import { position } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { AppendRequest, DocumentWrite, KeptChange } from '../core/ports/index.ts'
import { documentFindingRules } from './document-store-contract-finding.ts'
import {
  expectAtHead,
  expectDocument,
  keepNotes,
  noteShape,
  noting,
  stored,
  written,
} from './document-store-contract-steps.ts'
import {
  appended,
  claim,
  event,
  openShop,
  shopLog,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectFault, expectSame, expectTrue } from './expect.ts'

/** The rules that an event store keeps about documents; over the same harness as the rules of its events. */
export const documentStoreContract: readonly WriteRule[] = [
  { name: 'DS-1 documents are stored with the events of their append', check: storesWithEvents },
  { name: 'DS-1 an append that changes nothing leaves the documents before it', check: keepsBefore },
  { name: 'DS-2 of many that fold on one document, exactly one wins', check: hasOneWinner },
  { name: 'DS-2 appends in flight chain by their tickets, and no further than to the last', check: chains },
  { name: 'DS-2 documents of other collections and logs are others', check: separates },
  { name: 'DS-3 a read sees document, position and head of one moment', check: readsOneMoment },
  { name: 'DS-4 an append of events that says nothing about documents is refused', check: refusesSilence },
  { name: 'DS-5 documents of earlier events are built up to the head, and kept then', check: builds },
  { name: 'DS-5 a version that is kept takes the place of those before it', check: replaces },
  { name: 'DS-6 who listens knows of a change before the append is answered', check: tellsFirst },
  { name: 'DS-7 kept documents are there after the store is opened again', needs: 'reopens', check: lasts },
  ...documentFindingRules,
]

async function storesWithEvents(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  await expectDocument(notes, 'a', undefined)
  const events = [event('1'), event('2'), event('3')]
  await appended(log, noting([written(notes, 'a', { event: 2 }), written(notes, 'b')], { events }))
  await expectDocument(notes, 'a', stored('a', 3))
  await expectDocument(notes, 'b', stored('b', 1))
  const versioned = { expectedPosition: position(1), version: 7, event: null, data: { title: 'b' } }
  await appended(log, noting([written(notes, 'b', versioned)]))
  await expectDocument(notes, 'b', { ...stored('b', 1), version: 7 })
  await appended(log, noting([written(notes, 'a', { expectedPosition: position(3), data: null })]))
  await expectDocument(notes, 'a', stored('a', 5, null))
  await appended(log, noting([]))
  const loaded = await notes.load(['a', 'b', 'c'])
  expectSame('what is loaded', [...loaded.keys()].toSorted(), ['a', 'b'])
  await expectAtHead(notes, log)
}

async function keepsBefore(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  const first = { writes: [write('a', 'none')], documents: [written(notes, 'a')], command: claim(1) }
  await appended(log, first)
  const other = (): DocumentWrite =>
    written(notes, 'a', { expectedPosition: position(1), data: { title: 'other' } })
  const attempts: readonly (readonly [string, AppendRequest])[] = [
    ['conflict', { writes: [write('a', 'none')], documents: [other()] }],
    ['repeated', { writes: [write('a', 1)], documents: [other()], command: claim(1) }],
    ['repeated', { ...first, command: claim(1) }],
    [
      'reused',
      {
        writes: [write('a', 1)],
        documents: [other()],
        command: claim(1, null, { fingerprint: 'print-2' }),
      },
    ],
    [
      'outdated',
      { writes: [write('b', 'none')], documents: [other(), written(notes, 'b', { buildsOn: 'x' })] },
    ],
    ['outdated', { writes: [write('b', 'none')], documents: [written(notes, 'a'), written(notes, 'b')] }],
    ['appended', { writes: [write('c', 'none')], documents: [written(notes, 'c')] }],
  ]
  const results = await Promise.all(attempts.map(([, request]) => log.append(request)))
  expectSame(
    'the results',
    results.map(({ status }) => status),
    attempts.map(([status]) => status),
  )
  await expectDocument(notes, 'a', stored('a', 1))
  await expectDocument(notes, 'b', undefined)
  await expectDocument(notes, 'c', stored('c', 2))
}

async function hasOneWinner(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  for (const round of upTo(5)) {
    const racers = upTo(30).map((racer) => `${round}.${racer}`)
    const expectedPosition = position(round - 1)
    const results = await Promise.all(
      racers.map((title) =>
        log.append(noting([written(notes, 'a', { expectedPosition, data: { title } })], { stream: title })),
      ),
    )
    const winners = racers.filter((_, index) => results[index]?.status === 'appended')
    expectSame('how many won', winners.length, 1)
    const others = results.filter(({ status }) => status === 'outdated')
    expectSame('which document the others name', others[0], { status: 'outdated', document: 0 })
    await expectDocument(notes, 'a', stored('a', round, { title: winners[0] ?? '' }))
  }
}

async function chains(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  const chained = upTo(50).map((link) => {
    const on = link === 1 ? {} : { buildsOn: `ticket-${link - 1}` }
    const document = written(notes, 'a', { ...on, data: { title: String(link) } })
    return noting([document], { stream: String(link), ticket: `ticket-${link}` })
  })
  const results = await Promise.all(chained.map((request) => log.append(request)))
  expectTrue(
    'all are appended',
    results.every(({ status }) => status === 'appended'),
  )
  await expectDocument(notes, 'a', stored('a', 50, { title: '50' }))
  const attempts = [
    written(notes, 'a', { buildsOn: 'ticket-49', expectedPosition: position(50) }),
    written(notes, 'b', { buildsOn: 'ticket-50' }),
    written(notes, 'a', { buildsOn: 'ticket-50', event: null, version: 1 }),
  ]
  const statuses = await Promise.all(attempts.map(async (one) => (await log.append(noting([one]))).status))
  expectSame('what builds on others', statuses, ['outdated', 'outdated', 'appended'])
  await expectDocument(notes, 'a', { ...stored('a', 50), version: 1 })
}

async function separates(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const other = await harness.store.openLog(`${shopLog}-other`)
  const notes = await keepNotes(log)
  const memos = await log.openDocuments({ ...noteShape, name: 'memos' })
  await memos.keep()
  const others = await keepNotes(other)
  await appended(log, noting([written(notes, 'a'), written(memos, 'a', { data: 'memo' })]))
  await appended(
    other,
    noting([written(others, 'a', { event: 1, data: 'other' })], { events: [event('x'), event('x')] }),
  )
  await expectDocument(notes, 'a', stored('a', 1))
  await expectDocument(memos, 'a', stored('a', 1, 'memo'))
  await expectDocument(others, 'a', stored('a', 2, 'other'))
  await expectAtHead(others, other)
}

async function readsOneMoment(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  const last = 100
  const writing = async (): Promise<void> => {
    for (const at of upTo(last)) {
      const expectedPosition = position(at - 1)
      await appended(log, noting([written(notes, 'a', { expectedPosition, data: at })]))
    }
  }
  const reading = async (): Promise<void> => {
    for (let at = 0; at < last;) {
      const { document, checkpoint } = await notes.get('a')
      expectTrue('the head does not go back', checkpoint.position >= at)
      at = checkpoint.position
      expectSame('document and head', [document?.position ?? 0, document?.data ?? 0], [at, at])
      await new Promise<void>((resolve) => systemRuntime.soon(resolve))
    }
  }
  await Promise.all([writing(), reading()])
}

async function refusesSilence(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none')] })
  const other = await harness.store.openLog(`${shopLog}-other`)
  await keepNotes(other)
  await appended(log, { writes: [write('b', 'none')] })
  await expectFault('silence', 'INPUT_INVALID', other.append({ writes: [write('a', 'none')] }))
  await appended(other, { writes: [write('a', 'none', [])], command: claim(1) })
  await appended(other, { writes: [write('a', 'none')], documents: [] })
}

async function builds(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none')] })
  const one = await log.head()
  await appended(log, { writes: [write('b', 'none')] })
  const notes = await log.openDocuments(noteShape)
  const start = await notes.checkpoint()
  expectSame('the first checkpoint', [start.position, start.eventId], [0, ''])
  await expectFault('keeping what is not built', 'STORE_UNAVAILABLE', notes.keep())
  await notes.commit({ from: start, to: one, documents: [stored('a', 1)] })
  await expectFault(
    'the same once more',
    'STORE_UNAVAILABLE',
    notes.commit({ from: start, to: one, documents: [stored('x', 1)] }),
  )
  await expectFault('keeping half of it', 'STORE_UNAVAILABLE', notes.keep())
  await notes.commit({ from: one, to: await log.head(), documents: [stored('b', 2)] })
  await notes.keep()
  await appended(log, noting([written(notes, 'a', { expectedPosition: position(1), data: 3 })]))
  const head = await log.head()
  await expectFault(
    'building what is kept',
    'INPUT_INVALID',
    notes.commit({ from: head, to: head, documents: [] }),
  )
  await expectDocument(notes, 'a', stored('a', 3, 3))
  await expectDocument(notes, 'b', stored('b', 2))
  await expectDocument(notes, 'x', undefined)
}

async function replaces(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  await appended(log, noting([written(notes, 'a')]))
  const changed = log.openDocuments({ ...noteShape, indexes: [] })
  await expectFault('another shape', 'DEFINITION_INVALID', changed)
  const next = await log.openDocuments({ ...noteShape, version: 2, indexes: [] })
  const start = await next.checkpoint()
  await next.commit({ from: start, to: await log.head(), documents: [stored('a', 1, 'two')] })
  await next.keep()
  await appended(log, noting([written(next, 'b')]))
  await expectDocument(next, 'a', stored('a', 1, 'two'))
  const again = await log.openDocuments(noteShape)
  expectSame('where the version before stands', (await again.checkpoint()).position, 0)
  await expectDocument(again, 'a', undefined)
}

async function tellsFirst(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const notes = await keepNotes(log)
  let told: KeptChange | undefined
  const end = notes.onChanged((change) => {
    told = change
  })
  const { place } = await appended(log, noting([written(notes, 'a'), written(notes, 'b')]))
  expectSame('the place', told?.place, place)
  expectSame('the keys', [...(told?.keys ?? [])].toSorted(), ['a', 'b'])
  const { place: later } = await appended(log, noting([]))
  expectSame('a place without keys', [told?.place, told?.keys.size], [later, 0])
  end()
  await appended(log, noting([]))
  expectSame('the place after the end', told?.place, later)
}

async function lasts(harness: EventStoreHarness): Promise<void> {
  const before = await openShop(harness)
  const notes = await keepNotes(before)
  await appended(before, noting([written(notes, 'a')]))
  const head = await before.head()
  const log = await openShop({ store: await harness.reopen() })
  const again = await log.openDocuments(noteShape)
  await expectDocument(again, 'a', stored('a', 1))
  expectSame('where it stands', await again.checkpoint(), head)
  // Nobody has said yet that it is kept.
  await appended(log, { writes: [write('b', 'none')] })
  expectSame('where it still stands', await again.checkpoint(), head)
  await expectFault('keeping what lacks an event', 'STORE_UNAVAILABLE', again.keep())
}
