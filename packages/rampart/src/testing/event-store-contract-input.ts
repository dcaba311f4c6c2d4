// Rules of the event store: what is checked before anything is queued, and bounds (ES-14).
import type { CommandId, StreamId, StreamVersion } from '../core/codec/index.ts'
import { isRampartError } from '../core/index.ts'
import { appendEventsMax, nameLengthMax, payloadBytesMax, tagsMax } from '../core/checks/index.ts'
import type { AppendRequest, NewEvent, StreamWrite } from '../core/ports/index.ts'
import {
  appended,
  appendOne,
  claim,
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
import { expectFault, expectSame, expectTrue } from './expect.ts'

/** Rules about input and bounds. */
export const inputRules: readonly WriteRule[] = [
  { name: 'ES-14 bad input is refused before it is queued, and nothing is recorded', check: refusesBadInput },
  { name: 'ES-14 what lies just within the bounds is recorded', check: acceptsEdges },
  { name: 'ES-14 a flood is recorded or refused as overload, each append for itself', check: boundsFlood },
]

const tooLong = 'x'.repeat(nameLengthMax + 1)
const badNames = ['', 'a\0b', '\ud800', tooLong]
// The types forbid most of this; callers in JavaScript and casts do not.
const badIds = ['', 'a\0b', 'a\nb', '\udfff', 'x'.repeat(1025), 'é'.repeat(513), '.', '..'] as StreamId[]
const badVersions = [-1, 0.5, 2 ** 53, Number.NaN] as StreamVersion[]

function badEvents(): readonly NewEvent[] {
  return [
    ...badNames.map((type) => event('', { type })),
    ...badNames.map((tag) => event('', { tags: ['fine', tag] })),
    event('', { tags: upTo(tagsMax + 1).map(String) }),
    ...badNames.map((contentType) => event('', { contentType })),
    ...badNames.map((dataSubjectId) => event('', { dataSubjectId })),
    ...[0, -1, 1.5].map((schemaVersion) => event('', { schemaVersion })),
    event('', { payload: new Uint8Array(payloadBytesMax + 1) }),
    event('', { payload: 'text' as unknown as Uint8Array }),
  ]
}

function badWrites(): readonly StreamWrite[] {
  return [
    ...badNames.map((decider) => ({ ...write('a', 'any'), decider })),
    ...badIds.map((id) => ({ ...write('a', 'any'), id })),
    ...badVersions.map((expectedVersion) => ({ ...write('a', 'any'), expectedVersion })),
    { ...write('a', 'any'), expectedVersion: 'some' as 'any' },
    ...badEvents().map((one) => write('a', 'any', [event('fine'), one])),
    write(
      'a',
      'any',
      upTo(appendEventsMax + 1).map(() => event('')),
    ),
  ]
}

function badRequests(): readonly AppendRequest[] {
  const writes = [write('a', 'any')]
  const large = event('', { payload: new Uint8Array(payloadBytesMax) })
  const prints = ['', 'x'.repeat(65), 'a\0b']
  return [
    { writes: [] },
    { writes: [write('b', 'any'), ...writes, write('b', 'any')] },
    { writes: [write('a', 'any', [large, large])] },
    ...badWrites().map((one) => ({ writes: [write('b', 'any'), one] })),
    ...badNames.flatMap((name) => [
      { writes, actor: name },
      { writes, correlationId: name },
    ]),
    ...badNames.map((causationId) => ({ writes, causationId })),
    ...prints.map((fingerprint) => ({ writes, command: claim(1, null, { fingerprint }) })),
    { writes, command: claim(1, null, { id: 'no uuid' as CommandId }) },
    { writes, command: claim(1, null, { expiresAtMs: Number.NaN }) },
    { writes, command: { ...claim(1), outcome: undefined as unknown as null } },
  ]
}

async function refusesBadInput(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendOne(log, 'a')
  for (const [index, request] of badRequests().entries()) {
    await expectFault(`bad request ${index}`, 'INPUT_INVALID', log.append(request))
  }
  await expectFault('a bad log key', 'INPUT_INVALID', harness.store.openLog(''))
  await expectLog(log, ['a'])
}

async function acceptsEdges(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const longest = 'x'.repeat(nameLengthMax)
  await appended(log, {
    writes: [
      {
        ...write('é'.repeat(512), 'none', [
          event('1', { type: longest, tags: [longest, ...upTo(tagsMax - 1).map(String)] }),
        ]),
        decider: longest,
      },
      write('x'.repeat(1024), 'none', [event('2', { payload: new Uint8Array(payloadBytesMax).fill(1) })]),
    ],
    command: claim(1, 'x'.repeat(100_000), { fingerprint: 'f'.repeat(64) }),
    actor: longest,
    correlationId: longest,
    causationId: longest,
  })
  await appended(log, {
    writes: [
      write(
        'many',
        'none',
        upTo(appendEventsMax).map(() => event('')),
      ),
    ],
  })
  await appended(log, { writes: upTo(appendEventsMax).map((number) => write(`s${number}`, 'none')) })
  const events = await logEvents(log)
  expectSame('how many', events.length, 2 + 2 * appendEventsMax)
  expectSame('the largest', events[1]?.payload.length, payloadBytesMax)
  expectSame(
    'the longest',
    [events[0]?.type, events[0]?.actor, events[0]?.decider],
    [longest, longest, longest],
  )
  expectContiguous(events)
}

async function boundsFlood(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const flood = upTo(12_000).map((number) => appendOne(log, `s${number % 100}`, ''))
  const results = await Promise.allSettled(flood)
  const refused = results.filter((one) => one.status === 'rejected')
  for (const { reason } of refused) {
    expectTrue('what is refused is refused as overload', isRampartError(reason, 'OVERLOADED'))
  }
  const events = await logEvents(log)
  expectSame('what was acknowledged', events.length, results.length - refused.length)
  expectContiguous(events)
  await appendOne(log, 'after', 'the flood')
}
