// The conformance suite of the seal store: its promises SE-1 to SE-5 as rules that any test runner can loop
// over.
import { createHash } from 'node:crypto'
import { position } from '../core/codec/index.ts'
import { pageBytesMax } from '../core/checks/index.ts'
import type { AppendRequest, EventStore } from '../core/ports/index.ts'
import {
  leafOf,
  noDigest,
  sealDigest,
  sealEventsMax,
  sealsMax,
  type Seal,
  type SealedOutcome,
  type SealRange,
  type Sha256,
} from '../core/seals/index.ts'
import {
  appended,
  appendOne,
  claim,
  event,
  logEvents,
  openShop,
  shopLog,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectFault, expectSame, expectTrue } from './expect.ts'
import { appendAllKinds } from './seal-store-contract-steps.ts'

/** The rules that an event store keeps about seals; over the same harness as the rules of its events. */
export const sealStoreContract: readonly WriteRule[] = [
  { name: 'SE-1 ranges lead from position 1 to the head, each as far as a seal may reach', check: coversAll },
  { name: 'SE-1 a range ends before its payloads are too large', check: boundsBytes },
  { name: 'SE-1 a seal beyond the head is refused', check: refusesFuture },
  { name: 'SE-2 a seal that does not follow the last one is refused', check: refusesOthers },
  { name: 'SE-2 of seals given together all are stored or none', check: storesAllOrNone },
  { name: 'SE-2 what cannot be a seal is refused before it is queued', check: refusesMalformed },
  { name: 'SE-3 the root is that of RFC 6962 over all that is recorded', check: hasRoot },
  { name: 'SE-3 the leaf of an event depends on the outcome of its command', check: coversOutcome },
  {
    name: 'SE-3 who seals while he appends has the ranges that others read',
    needs: 'reopens',
    check: isSameForAll,
  },
  { name: 'SE-4 seals come back as they went in, in pages', check: comesBack },
  { name: 'SE-4 each log has its own', check: separates },
  {
    name: 'SE-5 an acknowledged seal is there after the store is opened again',
    needs: 'reopens',
    check: lasts,
  },
]

const sha256: Sha256 = (data) => createHash('sha256').update(data).digest('hex')

function sealed(range: SealRange, before: Seal | undefined, log = shopLog): Seal {
  const number = (before?.number ?? 0) + 1
  const previous = before?.digest ?? noDigest
  const seal = { ...range, number, epoch: 'epoch-1', sealedAtMs: 1000 + number, previous }
  return { ...seal, digest: sealDigest(log, seal, sha256) }
}

async function rangeAfter({ seals }: EventStore, after: number): Promise<SealRange> {
  const range = await seals.rangeAfter(position(after))
  if (range === undefined) throw new Error(`expected a range after ${after}, but there is none`)
  return range
}

/** Appends events one by one and seals each of them. */
async function sealEach(log: EventStore, count: number): Promise<readonly Seal[]> {
  const seals: Seal[] = []
  for (const number of upTo(count)) {
    await appendOne(log, 'a', `${number}`)
    seals.push(sealed(await rangeAfter(log, number - 1), seals.at(-1), log.log))
  }
  return seals
}

async function everySeal({ seals }: EventStore): Promise<readonly Seal[]> {
  return seals.list(0, 1000)
}

async function coversAll(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  expectSame('the range of an empty log', await log.seals.rangeAfter(position(0)), undefined)
  const count = 2 * sealEventsMax + 3
  for (const start of [0, 1000, 2000]) {
    const size = Math.min(1000, count - start)
    await appended(log, {
      writes: [
        write(
          'a',
          'any',
          upTo(size).map(() => event('x')),
        ),
      ],
    })
  }
  const ranges: SealRange[] = []
  for (const _ of upTo(3)) ranges.push(await rangeAfter(log, ranges.at(-1)?.last ?? 0))
  expectSame(
    'the ranges',
    ranges.map(({ first, last }) => [first, last]),
    [
      [1, sealEventsMax],
      [sealEventsMax + 1, 2 * sealEventsMax],
      [2 * sealEventsMax + 1, count],
    ],
  )
  expectSame('the range after the head', await log.seals.rangeAfter(position(count)), undefined)
}

async function boundsBytes(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const large = 'x'.repeat(pageBytesMax / 2)
  for (const id of ['a', 'b', 'c']) await appendOne(log, id, large)
  expectSame('the last position of the first range', (await rangeAfter(log, 0)).last, 2)
  expectSame('the last position of the second one', (await rangeAfter(log, 2)).last, 3)
}

async function refusesFuture(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appendOne(log, 'a')
  const range = await rangeAfter(log, 0)
  const beyond = { ...range, last: position(2), marks: range.marks.repeat(2) }
  await expectFault('beyond the head', 'STORE_UNAVAILABLE', log.seals.append([sealed(beyond, undefined)]))
  expectSame('the seals', await everySeal(log), [])
  await log.seals.append([sealed(range, undefined)])
}

async function refusesOthers(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const [first, second, third] = await sealEach(log, 3)
  if (first === undefined || second === undefined || third === undefined) throw new Error('no seals')
  await expectFault('the second one first', 'STORE_UNAVAILABLE', log.seals.append([second]))
  await log.seals.append([first])
  await expectFault('one that is there', 'STORE_UNAVAILABLE', log.seals.append([first]))
  await expectFault('one too many', 'STORE_UNAVAILABLE', log.seals.append([third]))
  const others: readonly Seal[] = [
    { ...second, number: 3 },
    { ...second, first: position(1), marks: second.marks.repeat(2) },
    { ...second, previous: third.digest },
    { ...second, previous: noDigest },
  ]
  for (const other of others) {
    await expectFault(`the seal ${JSON.stringify(other)}`, 'STORE_UNAVAILABLE', log.seals.append([other]))
  }
  const racers = upTo(5).map(() => log.seals.append([second]))
  const settled = await Promise.allSettled(racers)
  expectSame(
    'of five that race, how many won',
    settled.filter(({ status }) => status === 'fulfilled').length,
    1,
  )
  expectSame('the seals', await everySeal(log), [first, second])
}

async function storesAllOrNone(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const seals = await sealEach(log, 4)
  const [first, second, , fourth] = seals
  if (first === undefined || second === undefined || fourth === undefined) throw new Error('no seals')
  await expectFault('with a gap', 'STORE_UNAVAILABLE', log.seals.append([first, second, fourth]))
  expectSame('the seals after a gap', await everySeal(log), [])
  await log.seals.append(seals)
  expectSame('the seals', await everySeal(log), seals)
}

async function refusesMalformed(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const [seal] = await sealEach(log, 1)
  if (seal === undefined) throw new Error('no seal')
  const malformed: readonly (readonly Seal[])[] = [
    [],
    upTo(sealsMax + 1).map(() => seal),
    [{ ...seal, number: 0 }],
    [{ ...seal, first: position(0) }],
    [{ ...seal, last: position(0) }],
    [{ ...seal, last: position(sealEventsMax + 1), marks: seal.marks.repeat(sealEventsMax + 1) }],
    [{ ...seal, root: 'none' }],
    [{ ...seal, digest: seal.digest.toUpperCase() }],
    [{ ...seal, marks: '' }],
    [{ ...seal, epoch: '' }],
    [{ ...seal, sealedAtMs: 1.5 }],
  ]
  for (const seals of malformed) {
    await expectFault(JSON.stringify(seals).slice(0, 200), 'INPUT_INVALID', log.seals.append(seals))
  }
  expectSame('the seals', await everySeal(log), [])
}

/** The tree of RFC 6962, written as its section 2.1 says it. */
function treeOf(leaves: readonly string[]): string {
  const [only] = leaves
  if (leaves.length === 1 && only !== undefined) return only
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  return sha256(Buffer.from(`01${treeOf(leaves.slice(0, split))}${treeOf(leaves.slice(split))}`, 'hex'))
}

async function hasRoot(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const full = { contentType: 'text/plain', tags: ['a:1', 'ü'], dataSubjectId: 'ada', keyId: 'key-1' }
  const requests: readonly AppendRequest[] = [
    { writes: [write('a', 'none', [event('1', full), event('', { type: 'É' })])], actor: 'ada' },
    { writes: [write('b', 'none')], command: claim(1, { ok: [1, 'ü'] }) },
    { writes: [write('a', 2, []), write('b', 1, [event('2'), event('3')])], command: claim(2) },
    { writes: [write('c', 'none')], command: claim(3), correlationId: 'c', causationId: 'd' },
  ]
  for (const request of requests) await appended(log, request)
  const outcome = (events: number, version: number, text: string | null): SealedOutcome => ({
    fingerprint: 'print-1',
    events,
    version,
    outcome: text,
  })
  const outcomes = new Map([
    [3, outcome(1, 1, '{"ok":[1,"ü"]}')],
    [4, outcome(2, 2, null)],
    [6, outcome(1, 1, null)],
  ])
  const leaves = (await logEvents(log)).map((record) =>
    leafOf({ record, outcome: outcomes.get(record.position) ?? null }, sha256),
  )
  for (const after of upTo(6).map((number) => number - 1)) {
    const { root, marks } = await rangeAfter(log, after)
    const rest = leaves.slice(after)
    expectSame(`the root after ${after}`, root, treeOf(rest))
    expectSame(`the marks after ${after}`, marks, rest.map((leaf) => leaf.slice(0, 8)).join(''))
  }
}

async function coversOutcome(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  await appended(log, { writes: [write('a', 'none')], command: claim(1, 'yes') })
  const { root } = await rangeAfter(log, 0)
  const [record] = await logEvents(log)
  if (record === undefined) throw new Error('no event')
  const rootWith = (outcome: string): string =>
    leafOf({ record, outcome: { fingerprint: 'print-1', events: 1, version: 1, outcome } }, sha256)
  expectSame('the root', root, rootWith('"yes"'))
  expectTrue('another outcome has another root', root !== rootWith('"no"'))
}

async function isSameForAll(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  // From here on the store may know that somebody seals.
  expectSame('the range of an empty log', await log.seals.rangeAfter(position(0)), undefined)
  await appendAllKinds(harness, log)
  const ranges: SealRange[] = []
  for (const after of upTo(12).map((number) => number - 1)) ranges.push(await rangeAfter(log, after))
  const reopened = await (await harness.reopen()).openLog(shopLog)
  for (const range of ranges) {
    expectSame(`the range from ${range.first}`, range, await rangeAfter(reopened, range.first - 1))
  }
}

async function comesBack(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  expectSame('the newest seal of a log without any', await log.seals.last(), undefined)
  const seals = await sealEach(log, 5)
  await log.seals.append(seals.slice(0, 2))
  expectSame('the newest seal', await log.seals.last(), seals[1])
  await log.seals.append(seals.slice(2))
  expectSame('the newest seal', await log.seals.last(), seals[4])
  expectSame('two seals after the first', await log.seals.list(1, 2), seals.slice(1, 3))
  expectSame('all seals after the third', await log.seals.list(3, 1000), seals.slice(3))
  expectSame('what follows the last', await log.seals.list(5, 10), [])
}

async function separates(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const other = await harness.store.openLog(`${shopLog}-other`)
  const seals = await sealEach(log, 2)
  const others = await sealEach(other, 3)
  await Promise.all([log.seals.append(seals), other.seals.append(others)])
  expectSame('the seals', await everySeal(log), seals)
  expectSame('those of the other log', await everySeal(other), others)
  expectTrue('the same range of another log has another digest', seals[0]?.digest !== others[0]?.digest)
}

async function lasts(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const seals = await sealEach(log, 3)
  await log.seals.append(seals.slice(0, 2))
  const again = await openShop({ store: await harness.reopen() })
  expectSame('the seals', await everySeal(again), seals.slice(0, 2))
  await again.seals.append(seals.slice(2))
}
