// Rules of the event store: what comes back, in which pages, and how a read ends (ES-5, ES-9, ES-10).
import { position, streamVersion } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import { pageBytesMax } from '../core/checks/index.ts'
import { eventId, type EventFilter, type EventStore, type StreamQuery } from '../core/ports/index.ts'
import {
  appended,
  appendOne,
  claim,
  commandNumber,
  event,
  logEvents,
  logPages,
  openShop,
  streamEvents,
  texts,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectSame, expectTrue } from './expect.ts'

/** Rules about reading. */
export const readingRules: readonly WriteRule[] = [
  { name: 'ES-9 bytes come back as they went in', check: keepsBytes },
  { name: 'ES-9 metadata come back as they went in', check: keepsMetadata },
  { name: 'ES-9 ids, types and tags keep every character', check: keepsNames },
  { name: 'ES-9 a stream is read from, to, forward, backward and up to a limit', check: readsStretches },
  { name: 'ES-9 pages end at their size and at their bytes, and miss nothing', check: pages },
  { name: 'ES-5 a filtered read picks what matches and says how far it looked', check: filters },
  { name: 'ES-5 a read after the head answers with one empty page', check: answersAtHead },
  { name: 'ES-10 an aborted read rejects with the reason of its signal', check: aborts },
  { name: 'ES-10 a timer can abort a read of many pages', check: abortsByTimer },
]

async function keepsBytes(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const payloads = [
    Uint8Array.from(upTo(256).map((number) => number - 1)),
    new Uint8Array(),
    Uint8Array.from([0xff, 0xfe, 0xc3, 0x28, 0, 0xed, 0xa0, 0x80]),
    new Uint8Array(1024 * 1024).fill(7),
    new TextEncoder().encode('{"big":"9007199254740993","nothing":"\\u0000","clef":"𝄞"}'),
    new Uint8Array(10).subarray(3, 5),
  ]
  const events = payloads.map((payload) => event('', { payload }))
  const sent = payloads.map((payload) => [...payload.slice(0, 300), payload.length])
  await Promise.all(
    events.map((one, index) => appended(log, { writes: [write(`s${index}`, 'none', [one])] })),
  )
  await appended(log, { writes: [write('all', 'none', events)] })
  const read = (await logEvents(log)).map(({ payload }) => [...payload.slice(0, 300), payload.length])
  expectSame('the log', read, [...sent, ...sent])
  const stream = await streamEvents(log, 'all', { direction: 'backward' })
  const backward = stream.map(({ payload }) => [...payload.slice(0, 300), payload.length])
  expectSame('the stream', backward, sent.toReversed())
}

const full = {
  schemaVersion: 7,
  contentType: 'application/cbor',
  tags: ['order:1', 'email:ada@example.org'],
  dataSubjectId: 'subject-1',
  keyId: 'key-1',
}
const bare = {
  decider: 'note',
  schemaVersion: 1,
  contentType: 'application/json',
  tags: [],
  dataSubjectId: null,
  keyId: null,
  correlationId: null,
  causationId: null,
  actor: null,
}
const origin = { correlationId: 'correlation-1', causationId: commandNumber(1), actor: 'ada' }

async function keepsMetadata(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const nowMs = Date.UTC(2026, 2, 1, 12)
  harness.setClock(nowMs)
  await appended(log, {
    writes: [write('a', 'none', [event('1', full), event('2', { type: 'Other' })]), write('b', 'none')],
    command: claim(1),
    ...origin,
  })
  await appended(log, { writes: [write('c', 'none')], correlationId: 'correlation-2' })
  await appended(log, { writes: [write('d', 'none')], command: claim(2) })
  const events = await logEvents(log)
  const rest = { ...bare, type: 'Noted', recordedAtMs: nowMs, version: 1, appendIndex: 0 }
  const first = { ...rest, ...origin, commandId: commandNumber(1) }
  const expected = [
    { ...first, ...full, streamId: 'a' },
    { ...first, type: 'Other', streamId: 'a', version: 2, appendIndex: 1 },
    { ...first, streamId: 'b', appendIndex: 2 },
    { ...rest, streamId: 'c', commandId: null, correlationId: 'correlation-2' },
    { ...rest, streamId: 'd', commandId: commandNumber(2) },
  ]
  for (const [index, record] of events.entries()) {
    const { appendId: _, payload: __, position: at, ...seen } = record
    expectSame(`the event at ${at}`, seen, expected[index])
  }
  expectSame('append ids', new Set(events.map((one) => one.appendId)).size, 3)
  expectSame('event ids', new Set(events.map(eventId)).size, 5)
}

async function keepsNames(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const ids = [
    'é',
    'e\u0301',
    'É',
    'a',
    'A',
    'a ',
    '𝄞:/%2F',
    "o'hara--;",
    '0',
    '00',
    'x'.repeat(1024),
    '日本',
  ]
  for (const id of ids) {
    const tags = [`tag ${id.slice(0, 100)}`, '"[1]"']
    await appended(log, { writes: [write(id, 'none', [event(id, { type: `T ${id.slice(0, 50)}`, tags })])] })
  }
  for (const id of ids) {
    const [first, ...others] = await streamEvents(log, id)
    expectSame(`the stream ${id}`, [first?.streamId, others.length], [id, 0])
    const types = [`T ${id.slice(0, 50)}`]
    expectSame(`by type ${id}`, texts(await logEvents(log, { types })), [id])
    expectSame(`by tag ${id}`, texts(await logEvents(log, { tags: [`tag ${id.slice(0, 100)}`] })), [id])
  }
}

async function readsStretches(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const events = (from: number, count: number) => upTo(count).map((index) => event(String(from + index)))
  await appended(log, { writes: [write('a', 'none', events(0, 999)), write('b', 'none')] })
  await appended(log, { writes: [write('a', 999, events(999, 501))] })
  const read = async (query: Partial<StreamQuery>) => {
    const found = texts(await streamEvents(log, 'a', query)).map(Number)
    return [found.length, found[0], found.at(-1)]
  }
  const at = streamVersion
  expectSame('all', await read({}), [1500, 1, 1500])
  expectSame('backward', await read({ direction: 'backward' }), [1500, 1500, 1])
  expectSame('from', await read({ from: at(1400) }), [101, 1400, 1500])
  expectSame('from and to', await read({ from: at(5), to: at(1204) }), [1200, 5, 1204])
  expectSame('limit', await read({ from: at(9), limit: 3 }), [3, 9, 11])
  expectSame('a large limit', await read({ limit: 1200 }), [1200, 1, 1200])
  expectSame(
    'backward from',
    await read({ direction: 'backward', from: at(1204), to: at(5) }),
    [1200, 1204, 5],
  )
  expectSame('the last', await read({ direction: 'backward', limit: 1 }), [1, 1500, 1500])
  expectSame('beyond the end', await read({ from: at(1501) }), [0, undefined, undefined])
  expectSame('an absent stream', await streamEvents(log, 'absent'), [])
}

async function pages(harness: EventStoreHarness): Promise<void> {
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
  const sizes = (await logPages(log, { pageSize: 10 })).map((page) => page.events.length)
  expectSame('page sizes', sizes, [10, 10, 5])
  const limited = await logPages(log, { pageSize: 10, limit: 12, after: position(3) })
  expectSame(
    'pages up to a limit',
    limited.map((page) => page.events.length),
    [10, 2],
  )
  expectSame('where a limit ends', limited.at(-1)?.through.position, 15)
  const large = new Uint8Array(Math.floor(pageBytesMax / 2) + 1)
  for (const version of upTo(3)) {
    await appended(log, { writes: [write('b', version - 1, [event('', { payload: large })])] })
  }
  const byBytes = (await logPages(log, { after: position(25) })).map((page) => page.events.length)
  expectSame('pages of large events', byBytes, [1, 1, 1])
  const stream = (await streamEvents(log, 'b')).map((one) => one.payload.length)
  expectSame('a stream of large events', stream, [large.length, large.length, large.length])
}

async function filters(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const kinds = ['Common', 'Common', 'Rare', 'Common', 'Odd']
  const noted = (number: number) =>
    event(String(number), {
      type: kinds[number % kinds.length] ?? '',
      tags: number % 2 === 0 ? ['even', `n:${number}`] : [`n:${number}`],
    })
  await appended(log, { writes: [write('a', 'none', upTo(50).map(noted))] })
  const picked = async (query: object) => texts(await logEvents(log, query)).map(Number)
  expectSame('one type', (await picked({ types: ['Rare'] })).slice(0, 3), [2, 7, 12])
  expectSame('many types', (await picked({ types: ['Rare', 'Odd', 'Absent'] })).length, 20)
  expectSame('an absent type', await picked({ types: ['Absent'] }), [])
  expectSame('no type', await picked({ types: [] }), [])
  expectSame('a tag', (await picked({ tags: ['even'] })).length, 25)
  expectSame('all of some tags', await picked({ tags: ['n:12', 'even'] }), [12])
  expectSame('tags of different events', await picked({ tags: ['n:12', 'n:13'] }), [])
  expectSame('types and tags', await picked({ types: ['Rare'], tags: ['even'], limit: 2 }), [2, 12])
  const many = ['Rare', ...upTo(2000).map((number) => `Absent ${number}`)]
  expectSame('thousands of types', (await picked({ types: many })).length, 10)
  await filtersByAny(log)
  const last = (await logPages(log, { types: ['Absent'] })).at(-1)
  expectSame('how far it looked', last?.through, await log.head())
  const page = (await logPages(log, { types: ['Rare'], limit: 1, after: position(8) })).at(-1)
  const [rare] = page?.events ?? []
  expectSame('where a limit ends', page?.through.position, rare?.position)
  expectSame('the event there', page?.through.eventId, rare && eventId(rare))
}

async function filtersByAny(log: EventStore): Promise<void> {
  const picked = async (anyOf: readonly EventFilter[], more: object = {}) =>
    texts(await logEvents(log, { anyOf, ...more })).map(Number)
  const filters = [
    { tags: ['n:31'] },
    { types: ['Rare'], tags: ['even'] },
    { types: ['Rare'], tags: ['n:12'] },
  ]
  expectSame('any of some filters', await picked(filters), [2, 12, 22, 31, 32, 42])
  expectSame('page by page', await picked(filters, { pageSize: 2 }), [2, 12, 22, 31, 32, 42])
  expectSame('up to a limit', await picked(filters, { pageSize: 2, limit: 3 }), [2, 12, 22])
  expectSame('from a place', await picked(filters, { after: position(22) }), [31, 32, 42])
  expectSame(
    'types without tags',
    await picked([{ types: ['Rare'] }, { tags: ['n:1'] }]).then((all) => all.length),
    11,
  )
  expectSame('everything', (await picked([{}])).length, 50)
  expectSame('no filter', await picked([]), [])
  const pages = await logPages(log, { anyOf: filters, pageSize: 2 })
  expectSame('how far any of them looked', pages.at(-1)?.through, await log.head())
  const [first] = pages
  expectSame('where a full page ends', first?.through.position, first?.events.at(-1)?.position)
}

async function answersAtHead(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  expectSame('an empty log', await logPages(log), [{ events: [], through: await log.head() }])
  await appendOne(log, 'a')
  const head = await log.head()
  expectSame('at the head', await logPages(log, { after: head.position }), [{ events: [], through: head }])
}

async function appendMany(log: EventStore, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1000) {
    const events = upTo(Math.min(left, 1000)).map((number) => event(String(number)))
    await appended(log, { writes: [write('a', 'any', events)] })
  }
}

/** The reason with which a loop over a read rejects; undefined when it ends. */
async function reasonOf(read: AsyncIterable<unknown>, eachPage: () => void): Promise<unknown> {
  try {
    for await (const _page of read) eachPage()
    return undefined
  } catch (error) {
    return error
  }
}

async function aborts(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendMany(log, 30)
  const reason = new Error('the caller has gone')
  const before = AbortSignal.abort(reason)
  let seen = 0
  const count = (): number => seen++
  const early = log.readLog({ after: position(0), signal: before })
  expectTrue('a read aborted before', (await reasonOf(early, count)) === reason)
  const { decider, id } = write('a', 'any')
  const stream = log.readStream({ decider, id, signal: before })
  expectTrue('a stream read aborted before', (await reasonOf(stream, count)) === reason)
  expectSame('pages before', seen, 0)
  const controller = new AbortController()
  const between = log.readLog({ after: position(0), pageSize: 10, signal: controller.signal })
  const seenReason = await reasonOf(between, () => {
    seen++
    controller.abort(reason)
  })
  expectTrue('a read aborted between pages', seenReason === reason)
  expectSame('pages between', seen, 1)
}

async function abortsByTimer(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendMany(log, 3000)
  const controller = new AbortController()
  const reason = new Error('out of time')
  const read = log.readLog({ after: position(0), pageSize: 1, signal: controller.signal })
  const iterator = read[Symbol.asyncIterator]()
  await iterator.next()
  // A read that never lets a timer through cannot be aborted by anything.
  systemRuntime.setTimer(0, () => controller.abort(reason))
  const seen = await reasonOf({ [Symbol.asyncIterator]: () => iterator }, () => undefined)
  expectTrue('the read was aborted', seen === reason)
}
