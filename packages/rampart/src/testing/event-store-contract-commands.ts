// Rules of the event store: one command id, one effect (ES-7).
import {
  appended,
  appendOne,
  claim,
  countStatuses,
  event,
  expectLog,
  logEvents,
  openShop,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectSame } from './expect.ts'

/** Rules about command ids. */
export const commandRules: readonly WriteRule[] = [
  { name: 'ES-7 a repeated command answers with the first outcome and has no effect', check: answersAgain },
  { name: 'ES-7 a known id with another fingerprint is a conflict of its own', check: tellsReuse },
  { name: 'ES-7 of hundreds of copies in one turn, one has an effect', check: survivesCopies },
  { name: 'ES-7 an append without events claims its id', check: claimsWithoutEvents },
  { name: 'ES-7 an outcome without events expires, one with events never does', check: expires },
  { name: 'ES-7 the outcome names the first stream and the last position', check: namesPlace },
]

async function answersAgain(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const outcome = { status: 'done', lines: [1, 'two', null], text: 'ü\u0000"' }
  const request = { writes: [write('a', 'none', [event('1'), event('2')])], command: claim(1, outcome) }
  const first = await appended(log, request)
  await appendOne(log, 'a', '3')
  harness.setClock(Date.UTC(2027, 0, 1))
  const again = await log.append(request)
  const [record] = await logEvents(log)
  const stored = {
    commandId: claim(1).id,
    fingerprint: 'print-1',
    outcome,
    version: 2,
    place: first.place,
    recordedAtMs: record?.recordedAtMs,
  }
  expectSame('the repetition', again, { status: 'repeated', outcome: stored })
  expectSame('its outcome', await log.findOutcome(claim(1).id), stored)
  expectSame('an unknown outcome', await log.findOutcome(claim(2).id), undefined)
  await expectLog(log, ['1', '2', '3'])
}

async function tellsReuse(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none')], command: claim(1) })
  await appended(log, { writes: [write('a', 1, [])], command: claim(2) })
  for (const number of [1, 2]) {
    const command = claim(number, null, { fingerprint: 'print-2' })
    const withEvents = await log.append({ writes: [write('a', 'any')], command })
    const without = await log.append({ writes: [write('a', 'any', [])], command })
    expectSame(
      'with another fingerprint',
      [withEvents, without],
      [{ status: 'reused' }, { status: 'reused' }],
    )
  }
  await expectLog(log, ['a'])
}

async function survivesCopies(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  for (const number of upTo(3)) {
    const copies = upTo(300).map((copy) => {
      const fingerprint = copy % 3 === 0 ? 'print-2' : 'print-1'
      return log.append({
        writes: [write('a', 'any', [event(`effect ${number}`)])],
        command: claim(number, copy, { fingerprint }),
      })
    })
    const results = await Promise.all(copies)
    expectSame('the results', countStatuses(results), { appended: 1, repeated: 199, reused: 100 })
    const outcomes = results.flatMap((one) => (one.status === 'repeated' ? [one.outcome.outcome] : []))
    expectSame('the outcomes that copies got', [...new Set(outcomes)], [1])
  }
  await expectLog(log, ['effect 1', 'effect 2', 'effect 3'])
}

async function claimsWithoutEvents(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendOne(log, 'a')
  const request = { writes: [write('a', 1, [])], command: claim(1, { code: 'TOO_LATE' }) }
  const first = await appended(log, request)
  await appendOne(log, 'a', 'later')
  const again = await log.append(request)
  expectSame('the status', again.status, 'repeated')
  const outcome = await log.findOutcome(claim(1).id)
  const recordedAtMs = outcome?.recordedAtMs
  const stored = { commandId: claim(1).id, fingerprint: 'print-1', outcome: { code: 'TOO_LATE' } }
  expectSame('its outcome', outcome, { ...stored, version: 1, place: first.place, recordedAtMs })
  const withEvents = await log.append({ writes: [write('a', 'any')], command: request.command })
  expectSame('the same id with events', withEvents.status, 'repeated')
  await expectLog(log, ['a', 'later'])
}

async function expires(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const startMs = Date.UTC(2026, 5, 1)
  const dayMs = 86_400_000
  harness.setClock(startMs)
  const expiresAtMs = startMs + dayMs
  await appended(log, { writes: [write('a', 'none')], command: claim(1, 'events', { expiresAtMs }) })
  await appended(log, { writes: [write('a', 1, [])], command: claim(2, 'refused', { expiresAtMs }) })
  await appended(log, { writes: [write('a', 1, [])], command: claim(3, 'no-op') })
  harness.setClock(expiresAtMs - 1)
  expectSame('before its time', (await log.findOutcome(claim(2).id))?.outcome, 'refused')
  harness.setClock(startMs + 400 * dayMs)
  expectSame('after its time', await log.findOutcome(claim(2).id), undefined)
  expectSame('with events', (await log.findOutcome(claim(1).id))?.outcome, 'events')
  expectSame('without an expiry', (await log.findOutcome(claim(3).id))?.outcome, 'no-op')
  const anew = claim(2, 'refused again', { fingerprint: 'print-2', expiresAtMs: startMs + 500 * dayMs })
  await appended(log, { writes: [write('a', 1, [])], command: anew })
  expectSame('decided anew', (await log.findOutcome(claim(2).id))?.outcome, 'refused again')
  const repeated = await log.append({ writes: [write('a', 'any')], command: claim(1, 'events') })
  expectSame('a year later', repeated.status, 'repeated')
  await expectLog(log, ['a'])
}

async function namesPlace(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none', [event('1'), event('2')])] })
  const requests = [
    { writes: [write('a', 2, []), write('b', 'none')], command: claim(1) },
    {
      writes: [write('b', 1), write('a', 2), write('c', 'none', [event('x'), event('y')])],
      command: claim(2),
    },
    { writes: [write('d', 'none', []), write('c', 'any')], command: claim(3) },
  ]
  const versions = [2, 2, 0]
  for (const [index, request] of requests.entries()) {
    const first = await appended(log, request)
    const again = await log.append(request)
    const outcome = again.status === 'repeated' ? again.outcome : undefined
    expectSame('version and place', [outcome?.version, outcome?.place], [versions[index], first.place])
    expectSame('the head', first.place, await log.head())
  }
}
