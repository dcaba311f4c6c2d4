// Rules of the event store: what appends change and what they leave alone (ES-1 to ES-5).
import { sleep, systemRuntime } from '../core/index.ts'
import type { AppendRequest, EventStore } from '../core/ports/index.ts'
import {
  appended,
  appendOne,
  claim,
  countStatuses,
  event,
  expectContiguous,
  expectLog,
  logEvents,
  openShop,
  streamEvents,
  texts,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectSame, expectTrue } from './expect.ts'

// A hint may be late, but whoever waits for it wants it soon.
const hintMsMax = 2000

/** Rules about appending. */
export const appendingRules: readonly WriteRule[] = [
  { name: 'ES-1 an append to several streams is all or nothing', check: isAllOrNothing },
  { name: 'ES-1 neighbours in a batch do not touch each other', check: leavesNeighboursAlone },
  { name: 'ES-2 versions of each stream are 1, 2, 3', check: countsVersions },
  { name: 'ES-2 appends of one turn to one stream chain', check: chainsVersions },
  {
    name: 'ES-3 a stale expected version appends nothing and answers with the actual one',
    check: refusesStale,
  },
  { name: 'ES-3 writes without events are checked as well', check: refusesStaleWithoutEvents },
  { name: 'ES-3 a write holds only on top of the append that it builds on', check: buildsOnAppend },
  { name: 'ES-4 of 64 appends that race for one version, one wins', check: hasOneWinner },
  { name: 'ES-5 positions are 1, 2, 3, and appends that fail take none', check: countsPositions },
  { name: 'ES-5 a reader sees a growing prefix while others append', check: showsPrefixes },
  { name: 'ES-5 logs of one store count on their own', check: separatesLogs },
  { name: 'ES-5 who listens hears of appended events', check: tellsListeners },
]

async function buildsOnAppend(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none', [event('first')])], command: claim(1) })
  const repeated = { writes: [write('a', 1, [event('again')])], command: claim(1), ticket: 'again' }
  const other = { writes: [write('a', 1, [event('other')])], ticket: 'other' }
  const onRepeated = {
    writes: [{ ...write('a', 2, [event('on again')]), buildsOn: 'again' }],
    ticket: 'third',
  }
  const withoutEvents = { writes: [{ ...write('a', 2, []), buildsOn: 'again' }] }
  const onOther = { writes: [{ ...write('a', 2, [event('on other')]), buildsOn: 'other' }] }
  // All of them in one batch: the version that the third expects comes, but from another append.
  const results = await Promise.all(
    [repeated, other, onRepeated, withoutEvents, onOther].map((request) => log.append(request)),
  )
  const statuses = results.map(({ status }) => status)
  expectSame('what they come to', statuses, ['repeated', 'appended', 'conflict', 'conflict', 'appended'])
  await expectLog(log, ['first', 'other', 'on other'])
  const late = await log.append({ writes: [{ ...write('a', 3), buildsOn: 'other' }] })
  expectSame('on an append that is not the last', late.status, 'conflict')
}

async function isAllOrNothing(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendOne(log, 'b', 'first')
  const result = await log.append({
    writes: [write('a', 'none'), write('b', 'none'), write('c', 'none')],
    command: claim(1),
  })
  expectSame('the result', result, { status: 'conflict', write: 1, actualVersion: 1 })
  await expectLog(log, ['first'])
  expectSame('the outcome of its command', await log.findOutcome(claim(1).id), undefined)
  const whole = await appended(log, {
    writes: [
      write('a', 'none', [event('a1'), event('a2')]),
      write('b', 1, [event('b2')]),
      write('d', 'none', []),
    ],
  })
  expectSame('the versions', whole.versions, [2, 2, 0])
  await expectLog(log, ['first', 'a1', 'a2', 'b2'])
}

async function leavesNeighboursAlone(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('old', 'none')], command: claim(1) })
  const requests: readonly AppendRequest[] = [
    { writes: [write('a', 'none')] },
    { writes: [write('old', 'none', [event('conflicts')])] },
    { writes: [write('b', 'none')], command: claim(2) },
    { writes: [write('c', 'any', [event('repeats')])], command: claim(1) },
    { writes: [write('c', 'any', [event('reuses')])], command: claim(1, null, { fingerprint: 'print-2' }) },
    { writes: [write('c', 'any', [event('names nothing', { type: '' })])] },
    { writes: [write('a', 1, [event('a2')])] },
  ]
  const results = await Promise.allSettled(requests.map((request) => log.append(request)))
  const statuses = results.map((one) => (one.status === 'fulfilled' ? one.value.status : one.status))
  const expected = ['appended', 'conflict', 'appended', 'repeated', 'reused', 'rejected', 'appended']
  expectSame('the results', statuses, expected)
  expectSame('the texts', texts(await logEvents(log)).toSorted(), ['a', 'a2', 'b', 'old'])
  expectContiguous(await logEvents(log))
}

async function countsVersions(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const first = await appended(log, { writes: [write('a', 'none', [event('1'), event('2'), event('3')])] })
  const second = await appended(log, { writes: [write('a', 3, [event('4')]), write('b', 0, [event('5')])] })
  expectSame('the versions after three events', first.versions, [3])
  expectSame('the versions after another', second.versions, [4, 1])
  expectContiguous(await logEvents(log))
  const stream = await streamEvents(log, 'a')
  expectSame('the stream', [texts(stream), stream.map((one) => one.version)], [upTo(4).map(String), upTo(4)])
}

async function chainsVersions(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const exact = upTo(20).map((version) => appended(log, { writes: [write('a', version - 1)] }))
  const any = upTo(20).map(() => appended(log, { writes: [write('b', 'any')] }))
  const versions = async (results: typeof exact): Promise<readonly number[]> =>
    (await Promise.all(results)).flatMap((result) => result.versions)
  expectSame('versions of the exact ones', await versions(exact), upTo(20))
  expectSame('versions of the others', await versions(any), upTo(20))
  expectContiguous(await logEvents(log))
}

async function refusesStale(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none', [event('1'), event('2')])] })
  for (const expected of ['none', 0, 1, 3] as const) {
    const result = await log.append({ writes: [write('a', expected, [event('stale')])] })
    expectSame(`at ${expected}`, result, { status: 'conflict', write: 0, actualVersion: 2 })
  }
  const absent = await log.append({ writes: [write('a', 'any'), write('b', 1)] })
  expectSame('of an absent stream', absent, { status: 'conflict', write: 1, actualVersion: 0 })
  await expectLog(log, ['1', '2'])
}

async function refusesStaleWithoutEvents(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendOne(log, 'a')
  const stale = await log.append({ writes: [write('a', 'none', [])], command: claim(1, 'refused') })
  expectSame('a stale refusal', stale, { status: 'conflict', write: 0, actualVersion: 1 })
  expectSame('its outcome', await log.findOutcome(claim(1).id), undefined)
  const fresh = await appended(log, { writes: [write('a', 1, [])], command: claim(1, 'refused') })
  expectSame('a fresh refusal', [fresh.versions, fresh.place], [[1], await log.head()])
  const bystander = await log.append({ writes: [write('b', 'any'), write('a', 0, [])] })
  expectSame('a stale bystander', bystander, { status: 'conflict', write: 1, actualVersion: 1 })
  await expectLog(log, ['a'])
}

async function hasOneWinner(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  for (const version of [0, 1]) {
    const racers = upTo(64).map((number) =>
      log.append({ writes: [write('a', version, [event(`racer ${number}`)])] }),
    )
    const results = await Promise.all(racers)
    expectSame('the results', countStatuses(results), { appended: 1, conflict: 63 })
    const told = results.filter((one) => one.status === 'conflict').map((one) => one.actualVersion)
    expectSame('the versions that losers were told', [...new Set(told)], [version + 1])
  }
  expectContiguous(await logEvents(log))
  expectSame('the winners', (await logEvents(log)).length, 2)
}

async function countsPositions(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  expectSame('the empty head', await log.head(), { ...(await log.head()), position: 0, eventId: '' })
  for (const number of upTo(5)) {
    await appended(log, { writes: [write(`s${number}`, 'none')], command: claim(number) })
    await log.append({ writes: [write(`s${number}`, 'none', [event('conflicts')])] })
    await log.append({ writes: [write('r', 'any', [event('repeats')])], command: claim(number) })
    const nothing = await appended(log, { writes: [write(`s${number}`, 1, [])] })
    expectSame('the place of an append without events', nothing.place, await log.head())
    await log.append({ writes: [] }).catch(() => undefined)
  }
  await expectLog(log, ['s1', 's2', 's3', 's4', 's5'])
  const [last] = (await logEvents(log)).toReversed()
  expectSame('the event at the head', (await log.head()).eventId, `${last?.appendId}.${last?.appendIndex}`)
}

async function showsPrefixes(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const writers = upTo(8).map((writer) => appendSeveral(log, `w${writer}`, 25))
  const progress = { isDone: false }
  const done = Promise.all(writers).then(() => {
    progress.isDone = true
  })
  for (let seen = 0; !progress.isDone;) {
    const head = await log.head()
    const events = await logEvents(log)
    expectContiguous(events)
    expectTrue('a prefix grows', events.length >= seen && events.length >= head.position)
    seen = events.length
    await Promise.race([done, appendOne(log, 'reader')])
  }
  await done
  expectContiguous(await logEvents(log))
}

async function appendSeveral(log: EventStore, id: string, times: number): Promise<void> {
  for (const version of upTo(times)) {
    const result = await appended(log, { writes: [write(id, version - 1, [event('1 of 2')])] })
    const visible = await log.head()
    expectTrue('what was acknowledged is visible', visible.position >= result.place.position)
  }
}

async function separatesLogs(harness: EventStoreHarness): Promise<void> {
  const shop = await openShop(harness)
  const other = await harness.store.openLog('default/billing/0')
  await Promise.all(
    [shop, other, shop, other, other].map((log, index) => appendOne(log, 'same id', `${log.log} ${index}`)),
  )
  await appended(shop, { writes: [write('x', 'none', [event('command of shop')])], command: claim(1) })
  await appended(other, { writes: [write('x', 'none', [event('command of billing')])], command: claim(1) })
  await expectLog(shop, ['default/shop/0 0', 'default/shop/0 2', 'command of shop'])
  const billing = ['default/billing/0 1', 'default/billing/0 3', 'default/billing/0 4', 'command of billing']
  await expectLog(other, billing)
  const places = await Promise.all([shop.head(), other.head()])
  expectTrue('their epochs differ', places[0].epoch !== places[1].epoch)
  const again = await openShop(harness)
  expectSame('a log that is opened again', await again.head(), places[0])
}

async function tellsListeners(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  let calls = 0
  const heard = new Promise<void>((resolve) => {
    log.onAppended(() => {
      calls++
      resolve()
    })
  })
  await appendOne(log, 'a')
  await Promise.race([heard, sleep(systemRuntime, hintMsMax)])
  const end = log.onAppended(() => expectTrue('an ended listener is left alone', false))
  end()
  await appendOne(log, 'b')
  expectTrue('listeners were called', calls >= 1)
}
