// Rules of the event store: what folds read is what the log holds (ES-5, ES-9, ES-10).
import {
  position,
  streamId,
  streamVersion,
  type FoldRecord,
  type StreamFoldRecord,
} from '../core/codec/index.ts'
import { pageBytesMax } from '../core/checks/index.ts'
import type { EventRecord, EventStore, LogPage, StreamQuery } from '../core/ports/index.ts'
import {
  appended,
  claim,
  event,
  logPages,
  openShop,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectSame, expectTrue } from './expect.ts'

/** Rules about reading to fold. */
export const foldingRules: readonly WriteRule[] = [
  { name: 'ES-9 folds read the same events as whole records have, as text', check: readsTheSame },
  { name: 'ES-9 folds of a stream read any stretch of it', check: readsStretches },
  { name: 'ES-9 folds read the same pages, whatever the sizes of their payloads', check: readsSamePages },
  { name: 'ES-5 folds of some types read what matches, and how far that was examined', check: filters },
  { name: 'ES-10 an aborted read to fold rejects with the reason of its signal', check: aborts },
]

type FoldQuery = Parameters<EventStore['readToFold']>[0]
type FoldPage = LogPage<FoldRecord>
const decoder = new TextDecoder()

async function foldPages(log: EventStore, query: Partial<FoldQuery>): Promise<readonly FoldPage[]> {
  const pages: FoldPage[] = []
  for await (const page of log.readToFold({ after: position(0), ...query })) pages.push(page)
  return pages
}

function toFold(record: EventRecord): FoldRecord {
  const { position, decider, streamId, version, type, schemaVersion, recordedAtMs } = record
  const { appendId, appendIndex, payload } = record
  const head = { position, decider, streamId, version, type, schemaVersion, recordedAtMs }
  return { ...head, appendId, appendIndex, text: decoder.decode(payload) }
}

/** The texts of a read to fold, which must have the pages of whole records. */
async function sameTexts(log: EventStore, query: Partial<FoldQuery>): Promise<readonly string[]> {
  const pages = await foldPages(log, query)
  const whole = await logPages(log, query)
  const expected = whole.map(({ events, through }) => ({ events: events.map(toFold), through }))
  expectSame(`the pages of ${JSON.stringify(query)}`, pages, expected)
  return pages.flatMap(({ events }) => events.map(({ text }) => text))
}

async function readsTheSame(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const sent = ['', '{"clef":"𝄞","umlaut":"ä","nothing":"\\u0000"}', '"\u0000"', 'x'.repeat(10_000)]
  const events = sent.map((text) => event(text, { type: 'Other', schemaVersion: 7 }))
  await appended(log, { writes: [write('é', 'none', events), write('b', 'none')], command: claim(1) })
  await appended(log, { writes: [write('b', 1)], correlationId: 'correlation', actor: 'ada' })
  expectSame('the texts', await sameTexts(log, {}), [...sent, 'b', 'b'])
  for (const direction of ['forward', 'backward'] as const) await sameStream(log, { ...note, direction })
}

const note = { decider: 'note', id: streamId('é') }

/** A stream read to fold, which must have what is folded of whole records. */
async function sameStream(log: EventStore, query: StreamQuery): Promise<readonly string[]> {
  const folded = (await streamEvents(log.readStreamToFold(query))).map(toStreamFold)
  const whole = (await streamEvents(log.readStream(query))).map(toFold).map(toStreamFold)
  expectSame(`the stream by ${JSON.stringify(query)}`, folded, whole)
  return folded.map(({ text }) => text)
}

function toStreamFold({ version, type, schemaVersion, text }: StreamFoldRecord): StreamFoldRecord {
  return { version, type, schemaVersion, text }
}

async function readsStretches(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const kinds = ['Common', 'Common', 'Rare']
  const events = upTo(1000).map((number) =>
    event(String(number), { type: kinds[number % 3] ?? '', schemaVersion: 1 + (number % 2) }),
  )
  await appended(log, { writes: [write('é', 'none', events)] })
  const large = 'x'.repeat(Math.floor(pageBytesMax / 3) + 1)
  for (const text of ['before', large, '', large, large, 'after']) {
    await appended(log, { writes: [write('b', 'any', [event('beside')]), write('é', 'any', [event(text)])] })
  }
  expectSame('all', (await sameStream(log, note)).length, 1006)
  expectSame('backward', (await sameStream(log, { ...note, direction: 'backward' })).length, 1006)
  const from = async (first: number, query: Omit<StreamQuery, 'decider' | 'id'> = {}) =>
    (await sameStream(log, { ...note, ...query, from: streamVersion(first) })).length
  expectSame('the last', await from(1006), 1)
  expectSame('behind the last', await from(1007), 0)
  expectSame('a stretch', await from(99, { to: streamVersion(201) }), 103)
  expectSame('a part up to a limit', await from(100, { limit: 101 }), 101)
  expectSame('a stretch over more than a page', await from(1, { limit: 1001 }), 1001)
  expectSame('an absent stream', await sameStream(log, { ...note, id: streamId('absent') }), [])
}

async function streamEvents<Event>(pages: AsyncIterable<readonly Event[]>): Promise<readonly Event[]> {
  const events: Event[] = []
  for await (const page of pages) events.push(...page)
  return events
}

async function readsSamePages(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, {
    writes: [
      write(
        'a',
        'none',
        upTo(25).map((number) => event(String(number))),
      ),
    ],
  })
  const large = 'x'.repeat(Math.floor(pageBytesMax / 3) + 1)
  for (const text of ['small', large, large, large, 'ä'.repeat(large.length / 2), 'small', large]) {
    await appended(log, { writes: [write('b', 'any', [event(text)])] })
  }
  expectSame('all', (await sameTexts(log, {})).length, 32)
  expectSame('small pages', (await sameTexts(log, { pageSize: 10 })).length, 32)
  expectSame('pages of one', (await sameTexts(log, { pageSize: 1 })).length, 32)
  const some = { pageSize: 3, limit: 8, after: position(20) }
  expectSame('up to a limit', (await sameTexts(log, some)).length, 8)
}

async function filters(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const kinds = ['Common', 'Common', 'Rare']
  const events = upTo(30).map((number) => event(String(number), { type: kinds[number % 3] ?? '' }))
  await appended(log, { writes: [write('a', 'none', events)] })
  expectSame('one type', (await sameTexts(log, { types: ['Rare'] })).slice(0, 3), ['2', '5', '8'])
  expectSame('all types', (await sameTexts(log, { types: ['Rare', 'Common', 'Absent'] })).length, 30)
  expectSame('an absent type', await sameTexts(log, { types: ['Absent'] }), [])
  expectSame('no type', await sameTexts(log, { types: [] }), [])
  const some = { types: ['Rare'], limit: 2, after: position(8) }
  expectSame('up to a limit', await sameTexts(log, some), ['11', '14'])
}

async function aborts(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, {
    writes: [
      write(
        'a',
        'none',
        upTo(30).map((number) => event(String(number))),
      ),
    ],
  })
  const stop = new AbortController()
  const reason = new Error('enough')
  const read = async (): Promise<void> => {
    const query = { after: position(0), pageSize: 1, signal: stop.signal }
    for await (const _ of log.readToFold(query)) stop.abort(reason)
  }
  const thrown = await read().catch((error: unknown) => error)
  expectTrue('the reason is thrown', thrown === reason)
}
