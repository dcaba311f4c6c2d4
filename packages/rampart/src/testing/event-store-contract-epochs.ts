// Rules of the event store: epochs, and places that a lost future is recognised by (ES-12).
import { position } from '../core/codec/index.ts'
import type { EventStore, LogPlace } from '../core/ports/index.ts'
import {
  appended,
  appendOne,
  claim,
  expectLog,
  openShop,
  shopLog,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectSame, expectTrue } from './expect.ts'

type Judgement = Awaited<ReturnType<EventStore['judge']>>

/** Rules about history. */
export const epochRules: readonly WriteRule[] = [
  { name: 'ES-12 every place that a log gave is held, from before its first event on', check: holdsItsOwn },
  {
    name: 'ES-12 a place with another event, epoch or position than the log has is not held',
    check: rejects,
  },
  { name: 'ES-12 an epoch begins at the head and shares all before it', check: beginsEpochs },
  { name: 'ES-12 a place beyond a fork is of a lost future, whatever is there by now', check: knowsForks },
  { name: 'ES-12 epochs belong to one log each', check: keepsEpochsApart },
  {
    name: 'ES-12 epochs are there when the store is opened again',
    needs: 'reopens',
    check: keepsEpochs,
  },
  {
    name: 'ES-12 the future that an older file lacks is recognised, also once the log has grown again',
    needs: 'reopens',
    check: recognisesOldFiles,
  },
]

async function judgements(log: EventStore, places: readonly LogPlace[]): Promise<readonly Judgement[]> {
  return Promise.all(places.map((place) => log.judge(place)))
}

async function appendMany(log: EventStore, count: number): Promise<readonly LogPlace[]> {
  const places: LogPlace[] = []
  for (let done = 0; done < count; done++) places.push((await appendOne(log, 'a')).place)
  return places
}

async function expectJudged(
  log: EventStore,
  places: readonly LogPlace[],
  expected: readonly Judgement[],
): Promise<void> {
  expectSame('the judgements', await judgements(log, places), expected)
}

async function holdsItsOwn(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const empty = await log.head()
  const nothing = await appended(log, { writes: [write('a', 'none', [])], command: claim(1) })
  const first = await appended(log, { writes: [write('a', 'none')], command: claim(2) })
  const many = await appended(log, { writes: [write('a', 1), write('b', 'none')], command: claim(3) })
  const again = await appended(log, { writes: [write('a', 2, [])], command: claim(4) })
  const outcomes = await Promise.all([1, 2, 3, 4].map((number) => log.findOutcome(claim(number).id)))
  const repeated = await log.append({ writes: [write('a', 'any')], command: claim(3) })
  const places = [empty, nothing.place, first.place, many.place, again.place, await log.head()]
  places.push(...outcomes.flatMap((outcome) => (outcome === undefined ? [] : [outcome.place])))
  if (repeated.status === 'repeated') places.push(repeated.outcome.place)
  for await (const { through } of log.readLog({ after: position(0), pageSize: 1 })) places.push(through)
  expectSame('places', places.length, 14)
  const held: readonly Judgement[] = places.map(() => 'held')
  await expectJudged(log, places, held)
}

async function rejects(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const empty = await log.head()
  const [, second = empty] = await appendMany(log, 3)
  const other = await harness.store.openLog('default/zoo/0')
  const elsewhere = (await appendOne(other, 'a')).place
  const places = [
    { ...second, epoch: 'never' },
    { ...empty, epoch: 'never' },
    elsewhere,
    { ...second, eventId: 'never.0' },
    { ...second, eventId: '' },
    { ...second, position: position(1) },
    { ...second, position: position(0) },
    { ...second, position: position(4) },
    { ...second, position: position(4), eventId: '' },
    { ...second, position: position(Number.MAX_SAFE_INTEGER), eventId: '' },
    { ...elsewhere, epoch: second.epoch, position: position(2 ** 43 + 1) },
  ]
  await expectJudged(log, places, [
    ...(['foreign', 'foreign', 'foreign'] as const),
    ...places.slice(3).map(() => 'replaced' as const),
  ])
}

async function beginsEpochs(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const before = await appendMany(log, 2)
  const [first] = await log.epochs()
  await log.beginEpoch()
  const second = await log.head()
  const third = await appendMany(log, 1)
  await log.beginEpoch()
  await log.beginEpoch()
  const last = await appendMany(log, 1)
  const epochs = await log.epochs()
  expectSame('the first', epochs[0], first)
  expectSame(
    'the forks',
    epochs.map(({ forkPosition }) => forkPosition),
    [0, 2, 3, 3],
  )
  expectSame('their names', new Set(epochs.map(({ epoch }) => epoch)).size, 4)
  expectSame('the epoch of the head', second.epoch, epochs[1]?.epoch)
  expectSame('the epoch of an append', last[0]?.epoch, epochs[3]?.epoch)
  const again = await openShop(harness)
  expectSame('the head of the log opened twice', await again.head(), await log.head())
  await expectJudged(again, [...before, second, ...third, ...last], ['held', 'held', 'held', 'held', 'held'])
  await expectLog(log, ['a', 'a', 'a', 'a'])
}

async function knowsForks(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const [first, second] = await appendMany(log, 2)
  await log.beginEpoch()
  const [third] = await appendMany(log, 2)
  expectTrue('three places', first !== undefined && second !== undefined && third !== undefined)
  if (first === undefined || third === undefined) return
  // The very event that is there by now is not what the first epoch had there.
  const beyond = { ...third, epoch: first.epoch }
  await expectJudged(log, [beyond, { ...beyond, eventId: 'lost.0' }], ['forked', 'forked'])
  await log.beginEpoch()
  await expectJudged(log, [beyond, third], ['forked', 'held'])
  await expectJudged(log, [{ ...third, epoch: (await log.head()).epoch }], ['held'])
}

async function keepsEpochsApart(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const other = await harness.store.openLog('default/zoo/0')
  const [place] = await appendMany(other, 1)
  await log.beginEpoch()
  expectSame('the epochs of the other log', (await other.epochs()).length, 1)
  await expectJudged(other, place === undefined ? [] : [place, await other.head()], ['held', 'held'])
}

async function keepsEpochs(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const before = await appendMany(log, 2)
  await log.beginEpoch()
  const after = await appendMany(log, 1)
  const epochs = await log.epochs()
  const again = await (await harness.reopen()).openLog(shopLog)
  expectSame('the epochs', await again.epochs(), epochs)
  await expectJudged(again, [...before, ...after], ['held', 'held', 'held'])
  expectSame('the epoch of an append', (await appendOne(again, 'a')).place.epoch, epochs[1]?.epoch)
}

async function recognisesOldFiles(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const kept = await appendMany(log, 2)
  const putBack = await harness.copy()
  const lost = await appendMany(log, 2)
  const old = await (await putBack()).openLog(shopLog)
  await expectJudged(old, [...kept, ...lost], ['held', 'held', 'replaced', 'replaced'])
  const grown = await appendMany(old, 3)
  await expectJudged(old, [...kept, ...lost], ['held', 'held', 'replaced', 'replaced'])
  await expectJudged(old, grown, ['held', 'held', 'held'])
}
