// Rules of the event store: conditions over tags that an append demands (ES-6).
import { position, type Position } from '../core/codec/index.ts'
import { matchConditionsMax, nameLengthMax, tagsMax } from '../core/checks/index.ts'
import type { AppendRequest, EventStore, MatchCondition } from '../core/ports/index.ts'
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
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectFault, expectSame } from './expect.ts'

const needs = 'dynamicConsistency'

/** Rules about conditions of appends. */
export const matchingRules: readonly WriteRule[] = [
  { name: 'ES-6 a condition that an event matches fails the append, whole', needs, check: failsWhole },
  { name: 'ES-6 a condition means any of its types and all of its tags', needs, check: readsConditions },
  { name: 'ES-6 a condition looks at what comes after its position', needs, check: looksAfter },
  { name: 'ES-6 conditions see earlier appends of their batch', needs, check: seesNeighbours },
  { name: 'ES-6 of 64 appends that race under one condition, one wins', needs, check: hasOneWinner },
  { name: 'ES-6 appends without events are checked as well', needs, check: checksWithoutEvents },
  { name: 'ES-6 a repeated command is no match of its own events', needs, check: answersRepetition },
  { name: 'ES-6 conditions are about their own log', needs, check: staysInLog },
  { name: 'ES-14 bad conditions are refused before they are queued', needs, check: refusesBad },
]

function tagged(text: string, type: string, ...tags: readonly string[]): AppendRequest {
  return { writes: [write(text, 'any', [event(text, { type, tags })])] }
}

function unless(after: number, tags: readonly string[], types?: readonly string[]): MatchCondition {
  return { tags, after: position(after), ...(types === undefined ? {} : { types }) }
}

/** Whether a condition matches, asked by an append that changes nothing. */
async function matches(log: EventStore, condition: MatchCondition): Promise<boolean> {
  const { status } = await log.append({ writes: [write('asking', 'any', [])], failIfMatch: [condition] })
  expectSame('appended or matched', ['appended', 'matched'].includes(status), true)
  return status === 'matched'
}

async function failsWhole(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, tagged('enrolled', 'Enrolled', 'course:1', 'student:1'))
  const conditions = [unless(0, ['course:2']), unless(0, ['student:1']), unless(0, ['course:1'])]
  const writes = [write('a', 'none', [event('a', { tags: ['course:3'] })]), write('b', 'none')]
  const result = await log.append({ writes, failIfMatch: conditions, command: claim(1) })
  expectSame('the result', result, { status: 'matched', condition: 1 })
  await expectLog(log, ['enrolled'])
  expectSame('the outcome of its command', await log.findOutcome(claim(1).id), undefined)
  expectSame('its tag', await matches(log, unless(0, ['course:3'])), false)
  const stale = await log.append({ writes: [write('enrolled', 'none')], failIfMatch: conditions })
  expectSame('a conflict is told first', stale, { status: 'conflict', write: 0, actualVersion: 1 })
  const fresh = await appended(log, { writes, failIfMatch: [unless(0, ['course:2'])], command: claim(1) })
  expectSame('an append that nothing matches', fresh.versions, [1, 1])
  expectSame('its tag once it is there', await matches(log, unless(0, ['course:3'])), true)
}

async function readsConditions(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, tagged('1', 'Opened', 'course:1'))
  await appended(log, tagged('2', 'Enrolled', 'course:1', 'student:1', 'student:1'))
  await appended(log, tagged('3', 'Enrolled', 'course:2', 'student:2'))
  await appended(log, tagged('4', 'Noted'))
  const expected: readonly (readonly [boolean, MatchCondition])[] = [
    [true, unless(0, ['course:1'])],
    [true, unless(0, ['course:1'], ['Opened'])],
    [true, unless(0, ['course:1'], ['Absent', 'Enrolled'])],
    [false, unless(0, ['course:2'], ['Opened'])],
    [false, unless(0, ['course:2'], ['Absent'])],
    [false, unless(0, ['course:2'], [])],
    [true, unless(0, ['student:1', 'course:1'])],
    [true, unless(0, ['course:1', 'course:1'])],
    [false, unless(0, ['student:2', 'course:1'])],
    [false, unless(0, ['student:1', 'course:1'], ['Opened'])],
    [false, unless(0, ['course:1', 'absent'])],
    [false, unless(0, ['course'])],
    [false, unless(0, ['Course:1'])],
  ]
  for (const [matched, condition] of expected) {
    expectSame(JSON.stringify(condition), await matches(log, condition), matched)
  }
}

async function looksAfter(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendOne(log, 'other')
  await appended(log, tagged('first', 'Enrolled', 'course:1', 'student:1'))
  await appendOne(log, 'other')
  await appended(log, tagged('second', 'Enrolled', 'course:1', 'student:2'))
  for (const [after, matched] of [
    [0, true],
    [1, true],
    [2, true],
    [3, true],
    [4, false],
    [9, false],
  ] as const) {
    expectSame(`after ${after}`, await matches(log, unless(after, ['course:1'])), matched)
  }
  expectSame('all tags after 2', await matches(log, unless(2, ['course:1', 'student:1'])), false)
  const beyond = unless(Number.MAX_SAFE_INTEGER, ['course:1'])
  expectSame('after the largest position', await matches(log, beyond), false)
}

async function seesNeighbours(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { ...tagged('known', 'Enrolled', 'course:9'), command: claim(1) })
  const requests: readonly AppendRequest[] = [
    { writes: [write('known', 'none', [event('conflicts', { tags: ['course:1'] })])] },
    { ...tagged('repeats', 'Enrolled', 'course:1'), command: claim(1) },
    { ...tagged('a', 'Enrolled', 'course:1'), failIfMatch: [unless(0, ['course:1'])] },
    {
      ...tagged('b', 'Enrolled', 'course:2'),
      failIfMatch: [unless(1, ['course:2']), unless(1, ['course:1'])],
    },
    { ...tagged('c', 'Enrolled', 'course:2'), failIfMatch: [unless(0, ['course:2'])] },
    { ...tagged('d', 'Enrolled', 'course:3'), failIfMatch: [unless(2, ['course:1'])] },
  ]
  const results = await Promise.all(requests.map((request) => log.append(request)))
  const statuses = results.map(({ status }) => status)
  const expected = ['conflict', 'repeated', 'appended', 'matched', 'appended', 'appended']
  expectSame('the results', statuses, expected)
  await expectLog(log, ['known', 'a', 'c', 'd'])
}

async function hasOneWinner(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  for (const round of [1, 2, 3]) {
    const { position: after } = await log.head()
    const racers = upTo(64).map((number) =>
      log.append({
        ...tagged(`${round} ${number}`, 'Enrolled', 'course:1', `student:${number}`),
        failIfMatch: [unless(after, ['absent']), unless(after, ['course:1'], ['Enrolled'])],
        command: claim(round * 100 + number),
      }),
    )
    const results = await Promise.all(racers)
    expectSame('the results', countStatuses(results), { appended: 1, matched: 63 })
    const told = results.flatMap((one) => (one.status === 'matched' ? [one.condition] : []))
    expectSame('the conditions that losers were told', [...new Set(told)], [1])
  }
  expectContiguous(await logEvents(log))
  expectSame('the winners', (await logEvents(log)).length, 3)
}

async function checksWithoutEvents(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, tagged('a', 'Enrolled', 'course:1'))
  const writes = [write('refused', 'none', [])]
  const stale = { writes, failIfMatch: [unless(0, ['course:1'])], command: claim(1, 'refused') }
  expectSame('a stale refusal', await log.append(stale), { status: 'matched', condition: 0 })
  expectSame('its outcome', await log.findOutcome(claim(1).id), undefined)
  const fresh = await appended(log, { ...stale, failIfMatch: [unless(1, ['course:1'])] })
  expectSame('a fresh refusal', [fresh.versions, fresh.place], [[0], await log.head()])
  expectSame('its outcome', (await log.findOutcome(claim(1).id))?.outcome, 'refused')
}

async function answersRepetition(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const request = {
    ...tagged('a', 'Enrolled', 'course:1'),
    failIfMatch: [unless(0, ['course:1'])],
    command: claim(1, 'done'),
  }
  await appended(log, request)
  const again = await log.append(request)
  expectSame(
    'the repetition',
    [again.status, 'outcome' in again && again.outcome.outcome],
    ['repeated', 'done'],
  )
  const other = await log.append({ ...request, command: claim(1, null, { fingerprint: 'print-2' }) })
  expectSame('the same id for something else', other, { status: 'reused' })
  await expectLog(log, ['a'])
}

async function staysInLog(harness: EventStoreHarness): Promise<void> {
  const shop = await openShop(harness)
  const other = await harness.store.openLog('default/billing/0')
  await appended(other, tagged('a', 'Enrolled', 'course:1'))
  expectSame('the tag of another log', await matches(shop, unless(0, ['course:1'])), false)
  await appended(shop, tagged('b', 'Enrolled', 'course:1'))
  expectSame('the tag of the log', await matches(shop, unless(0, ['course:1'])), true)
  expectSame('after its only event', await matches(shop, unless(1, ['course:1'])), false)
}

async function refusesBad(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const many = (count: number): readonly string[] => upTo(count).map(String)
  const names = ['', 'a\0b', '\ud800', 'x'.repeat(nameLengthMax + 1)]
  const bad: readonly (readonly MatchCondition[])[] = [
    [unless(0, [])],
    ...names.flatMap((name) => [[unless(0, ['fine', name])], [unless(0, ['fine'], [name])]]),
    [unless(0, many(tagsMax + 1))],
    [unless(0, ['fine'], many(matchConditionsMax + 1))],
    many(matchConditionsMax + 1).map((tag) => unless(0, [tag])),
    ...[-1, 0.5, Number.NaN].map((after) => [{ tags: ['fine'], after: after as Position }]),
  ]
  for (const [index, failIfMatch] of bad.entries()) {
    const attempt = log.append({ writes: [write('a', 'any')], failIfMatch })
    await expectFault(`bad condition ${index}`, 'INPUT_INVALID', attempt)
  }
  const largest = many(matchConditionsMax).map((tag) => unless(0, [tag], many(matchConditionsMax)))
  await appended(log, { writes: [write('a', 'any')], failIfMatch: largest })
  await expectLog(log, ['a'])
}
