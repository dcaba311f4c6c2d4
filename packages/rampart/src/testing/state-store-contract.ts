// The conformance suite of the state store: its promises SS-1 to SS-6 as rules that any test runner can loop
// over.
import { streamId, streamVersion } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import { stateLengthMax } from '../core/checks/index.ts'
import type { AppendRequest, EventStore, StoredState, StreamWrite } from '../core/ports/index.ts'
import {
  appended,
  claim,
  event,
  openShop,
  shopLog,
  streamEvents,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectFault, expectSame, expectTrue } from './expect.ts'

/** The rules that an event store keeps about states; over the same harness as the rules of its events. */
export const stateStoreContract: readonly WriteRule[] = [
  {
    name: 'SS-1 a state is stored with its events and with a refusal that has none',
    check: storesWithAppend,
  },
  { name: 'SS-1 an append that changes nothing leaves the state before it', check: keepsStateBefore },
  { name: 'SS-1 of many that race at one version, the state is that of the winner', check: keepsWinner },
  { name: 'SS-2 a state has the version that its stream has after the append', check: hasVersionOfStream },
  { name: 'SS-2 a reader beside the writer never sees a state ahead of its stream', check: isNeverAhead },
  { name: 'SS-3 appends of one batch chain, and the last state stays', check: chains },
  { name: 'SS-3 streams of other ids, deciders and logs have states of their own', check: separates },
  { name: 'SS-4 a state comes back as it went in', check: comesBack },
  {
    name: 'SS-5 an acknowledged state is there after the store is opened again',
    needs: 'reopens',
    check: lasts,
  },
  { name: 'SS-6 a state that cannot be one is refused before it is queued', check: refusesOthers },
]

type NewState = NonNullable<StreamWrite['state']>

function stateOf(text: string, more: Partial<NewState> = {}): NewState {
  return { stateVersion: 1, text: JSON.stringify(text), digest: 'digest', ...more }
}

/** A write with the state after it. */
function stateful(bare: StreamWrite, text: string): StreamWrite {
  return { ...bare, state: stateOf(text) }
}

function load(log: EventStore, id: string): Promise<StoredState | undefined> {
  return log.loadState('note', streamId(id))
}

async function expectState(
  log: EventStore,
  id: string,
  { version, text }: { readonly version: number; readonly text: string },
): Promise<void> {
  expectSame(`the state of ${id}`, await load(log, id), { version, ...stateOf(text) })
}

async function storesWithAppend(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  expectSame('a stream that is not there', await load(log, 'a'), undefined)
  await appended(log, { writes: [stateful(write('a', 'none'), 'one'), write('b', 'none')] })
  await expectState(log, 'a', { version: 1, text: 'one' })
  expectSame('a stream without a state', await load(log, 'b'), undefined)
  await appended(log, { writes: [stateful(write('b', 1, []), 'b')], command: claim(1) })
  await expectState(log, 'b', { version: 1, text: 'b' })
}

async function keepsStateBefore(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [stateful(write('a', 'none'), 'first')], command: claim(1) })
  const attempts: readonly (readonly [string, AppendRequest])[] = [
    ['conflict', { writes: [stateful(write('a', 'none'), 'stale')] }],
    ['conflict', { writes: [stateful(write('a', 7, []), 'ahead')] }],
    ['conflict', { writes: [stateful(write('a', 1), 'neighbour'), write('b', 3)] }],
    ['repeated', { writes: [stateful(write('a', 1), 'again')], command: claim(1) }],
    ['repeated', { writes: [stateful(write('a', 1, []), 'again')], command: claim(1) }],
    [
      'reused',
      { writes: [stateful(write('a', 1), 'other')], command: claim(1, null, { fingerprint: 'print-2' }) },
    ],
  ]
  const results = await Promise.all(attempts.map(([, request]) => log.append(request)))
  expectSame(
    'the results',
    results.map(({ status }) => status),
    attempts.map(([status]) => status),
  )
  await expectState(log, 'a', { version: 1, text: 'first' })
}

async function keepsWinner(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  for (const round of upTo(5)) {
    const racers = upTo(40).map((racer) => `${round}.${racer}`)
    const results = await Promise.all(
      racers.map((racer) => log.append({ writes: [stateful(write('a', round - 1), racer)] })),
    )
    const winners = racers.filter((_, index) => results[index]?.status === 'appended')
    expectSame('how many won', winners.length, 1)
    await expectState(log, 'a', { version: round, text: winners[0] ?? '' })
  }
}

async function hasVersionOfStream(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, {
    writes: [
      stateful(write('b', 'none', [event('x'), event('x')]), 'b'),
      stateful(write('a', 'none', [event('x'), event('x'), event('x')]), 'three'),
    ],
  })
  await expectState(log, 'a', { version: 3, text: 'three' })
  await expectState(log, 'b', { version: 2, text: 'b' })
  await appended(log, { writes: [write('a', 3), stateful(write('b', 2, []), 'b')] })
  await expectState(log, 'a', { version: 3, text: 'three' })
  await appended(log, { writes: [stateful(write('a', 4, []), 'four')] })
  await expectState(log, 'a', { version: 4, text: 'four' })
}

async function isNeverAhead(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const last = 200
  const append = async (): Promise<void> => {
    for (const number of upTo(last)) {
      await appended(log, { writes: [stateful(write('a', number - 1), String(number))] })
    }
  }
  const read = async (): Promise<void> => {
    for (let version = 0; version < last;) {
      const state = await load(log, 'a')
      expectTrue('the state never goes back', (state?.version ?? 0) >= version)
      version = state?.version ?? 0
      const at = streamVersion(version)
      const events = version === 0 ? [] : await streamEvents(log, 'a', { from: at, to: at })
      expectSame(`the events at the version of the state, ${version}`, events.length, Math.min(version, 1))
      expectSame('its text', state?.text, version === 0 ? undefined : JSON.stringify(String(version)))
      await new Promise<void>((resolve) => systemRuntime.soon(resolve))
    }
  }
  await Promise.all([append(), read()])
}

async function chains(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const appends = upTo(50).map((number) =>
    log.append({ writes: [stateful(write('a', number - 1), `${number}`)] }),
  )
  const results = await Promise.all(appends)
  expectTrue(
    'all are appended',
    results.every(({ status }) => status === 'appended'),
  )
  await expectState(log, 'a', { version: 50, text: '50' })
  await appended(log, { writes: [stateful(write('a', 50), 'last')] })
  await expectState(log, 'a', { version: 51, text: 'last' })
}

async function separates(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const other = await harness.store.openLog(`${shopLog}-other`)
  await appended(log, {
    writes: [
      stateful(write('a', 'none'), 'of note'),
      { ...stateful(write('a', 'none', [event('x'), event('x')]), 'of memo'), decider: 'memo' },
      stateful(write('á', 'none'), 'of á'),
    ],
  })
  await appended(other, {
    writes: [stateful(write('a', 'none', [event('x'), event('x'), event('x')]), 'of the other log')],
  })
  await expectState(log, 'a', { version: 1, text: 'of note' })
  await expectState(log, 'á', { version: 1, text: 'of á' })
  await expectState(other, 'a', { version: 3, text: 'of the other log' })
  expectSame('memo', await log.loadState('memo', streamId('a')), { version: 2, ...stateOf('of memo') })
}

async function comesBack(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const texts = ['{ "b":1.0, "a":[1,null,"ü\\u0000\\ud800🂡"]}', '0', '""', `"${'x'.repeat(100_000)}"`]
  for (const [index, text] of texts.entries()) {
    const state = { stateVersion: index + 1, text, digest: `digest ${index}` }
    await appended(log, { writes: [{ ...write('a', index), state }] })
    expectSame('the state', await load(log, 'a'), { version: index + 1, ...state })
  }
}

async function lasts(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [stateful(write('a', 'none', [event('x'), event('x')]), 'kept')] })
  const store = await harness.reopen()
  await expectState(await openShop({ store }), 'a', { version: 2, text: 'kept' })
}

async function refusesOthers(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none')] })
  const refused: readonly (readonly [string, StreamWrite])[] = [
    ['without an expected version', { ...write('a', 'any'), state: stateOf('x') }],
    ['of a stream without events', { ...write('b', 'none', []), state: stateOf('x') }],
    ['version 0', { ...write('a', 1), state: stateOf('x', { stateVersion: 0 }) }],
    ['without a text', { ...write('a', 1), state: stateOf('x', { text: '' }) }],
    ['of half a character', { ...write('a', 1), state: stateOf('x', { text: '"\ud800"' }) }],
    ['without a digest', { ...write('a', 1), state: stateOf('x', { digest: '' }) }],
    ['of a long digest', { ...write('a', 1), state: stateOf('x', { digest: 'x'.repeat(65) }) }],
    ['too long', { ...write('a', 1), state: stateOf('x', { text: 'x'.repeat(stateLengthMax + 1) }) }],
  ]
  for (const [what, one] of refused) {
    await expectFault(`a state ${what}`, 'INPUT_INVALID', log.append({ writes: [one] }))
  }
  expectSame('the state', await load(log, 'a'), undefined)
}
