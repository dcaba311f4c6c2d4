// Rules of the event store: durability, its end, and its clock (ES-8, ES-11, ES-13).
import type { EventStore } from '../core/ports/index.ts'
import {
  appended,
  appendOne,
  claim,
  event,
  expectContiguous,
  expectLog,
  logEvents,
  logPages,
  openShop,
  shopLog,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectFault, expectSame, expectTrue } from './expect.ts'

/** Rules about opening, closing and time. */
export const lifetimeRules: readonly WriteRule[] = [
  {
    name: 'ES-8 what was acknowledged is there when the store is opened again',
    needs: 'reopens',
    check: reopens,
  },
  { name: 'ES-8 a store that is opened again goes on where it ended', needs: 'reopens', check: goesOn },
  { name: 'ES-11 a closed store refuses everything, definitely', check: refusesWhenClosed },
  { name: 'ES-11 appends in flight at the end are answered', check: answersAtEnd },
  { name: 'ES-13 the time of recording never goes backwards', check: keepsTime },
  {
    name: 'ES-13 nor does it after the store is opened again',
    needs: 'reopens',
    check: keepsTimeAfterReopening,
  },
]

async function everythingOf(log: EventStore): Promise<unknown> {
  const outcomes = await Promise.all(upTo(4).map((number) => log.findOutcome(claim(number).id)))
  return { pages: await logPages(log), head: await log.head(), epochs: await log.epochs(), outcomes }
}

async function reopens(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, {
    writes: [write('a', 'none', [event('1', { tags: ['t'] })])],
    command: claim(1, { ok: 1 }),
  })
  await appended(log, { writes: [write('a', 1, []), write('b', 'none')], command: claim(2) })
  await appended(log, { writes: [write('a', 1, [])], command: claim(3, 'refused') })
  const before = await everythingOf(log)
  const again = await (await harness.reopen()).openLog(shopLog)
  expectSame('everything', await everythingOf(again), before)
}

async function goesOn(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const other = await harness.store.openLog('default/billing/0')
  await appended(log, { writes: [write('a', 'none')], command: claim(1, 'first') })
  await appended(log, { writes: [write('a', 1, [])], command: claim(2, 'refused') })
  await appendOne(other, 'a', 'of billing')
  const reopened = await harness.reopen()
  const again = await reopened.openLog(shopLog)
  const stale = await again.append({ writes: [write('a', 'none')] })
  expectSame('a stale append', stale, { status: 'conflict', write: 0, actualVersion: 1 })
  const repeated = await again.append({ writes: [write('a', 'none')], command: claim(1) })
  const refused = await again.append({ writes: [write('a', 'any')], command: claim(2) })
  expectSame('repetitions', [repeated.status, refused.status], ['repeated', 'repeated'])
  await appended(again, { writes: [write('a', 1, [event('2')]), write('b', 'none', [event('3')])] })
  await expectLog(again, ['a', '2', '3'])
  const ids = new Set((await logEvents(again)).map((one) => one.appendId))
  expectSame('append ids', ids.size, 2)
  await expectLog(await reopened.openLog('default/billing/0'), ['of billing'])
}

async function refusesWhenClosed(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendOne(log, 'a')
  await harness.store[Symbol.asyncDispose]()
  await harness.store[Symbol.asyncDispose]()
  await expectFault('an append', 'STORE_CLOSED', appendOne(log, 'a'))
  await expectFault('opening a log', 'STORE_CLOSED', openShop(harness))
  await expectFault('a read', 'STORE_CLOSED', logEvents(log))
  await expectFault('the head', 'STORE_CLOSED', log.head())
  await expectFault('an outcome', 'STORE_CLOSED', log.findOutcome(claim(1).id))
  await expectFault('an acceptance', 'STORE_CLOSED', log.inbox.release([claim(1).id], 0))
}

async function answersAtEnd(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const inFlight = upTo(500).map((number) => appendOne(log, 'a', String(number)))
  const closed = harness.store[Symbol.asyncDispose]()
  const results = await Promise.all(inFlight)
  await closed
  expectSame('the last version', results.at(-1)?.versions, [500])
}

async function keepsTime(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const startMs = Date.UTC(2026, 6, 1)
  for (const afterMs of [0, 5000, -60_000, 1000, 6000, 6000, -1]) {
    harness.setClock(startMs + afterMs)
    await appendOne(log, 'a')
    await appended(log, { writes: [write('b', 'any'), write('c', 'any')] })
  }
  const times = (await logEvents(log)).map((one) => one.recordedAtMs - startMs)
  const expected = [0, 5000, 5000, 5000, 6000, 6000, 6000].flatMap((ms) => [ms, ms, ms])
  expectSame('the times', times, expected)
}

async function keepsTimeAfterReopening(harness: EventStoreHarness): Promise<void> {
  const startMs = Date.UTC(2026, 6, 1)
  harness.setClock(startMs)
  await appendOne(await openShop(harness), 'a')
  const again = await (await harness.reopen()).openLog(shopLog)
  harness.setClock(startMs - 1000)
  await appendOne(again, 'a')
  harness.setClock(startMs + 1)
  await appendOne(again, 'a')
  const events = await logEvents(again)
  expectSame(
    'the times',
    events.map((one) => one.recordedAtMs - startMs),
    [0, 0, 1],
  )
  expectContiguous(events)
  expectTrue('three events', events.length === 3)
}
