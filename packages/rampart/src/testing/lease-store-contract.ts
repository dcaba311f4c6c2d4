// The conformance suite of the lease port: its promises LE-1 to LE-7 as rules that any test runner can loop
// over. The clock of a store cannot be set, so leases here are short, and who waits for one asks until it is
// free.
import { RampartError, sleep, systemRuntime } from '../core/index.ts'
import { leaseMsMax, type Lease, type LeaseStore } from '../core/leases/index.ts'
import type { ReadStore } from '../core/ports/index.ts'
import type { ContractRule } from './contract.ts'
import { expectFault, expectSame, expectTrue } from './expect.ts'
import { document, everything, open, place, shape } from './read-store-contract-steps.ts'

/** How a rule gets at the adapter. */
export interface LeaseStoreHarness {
  /** The leases of an open store, at first without any. */
  readonly leases: LeaseStore
  /** The same leases as another process has them. */
  readonly others: LeaseStore
  /** Closes the store of `leases` and opens it again. */
  readonly reopen: () => Promise<LeaseStore>
  /** The read store that the leases belong to; needs the capability `documents`. */
  readonly readStore?: ReadStore
}

/** The rules that a lease store keeps. */
export const leaseStoreContract: readonly ContractRule<LeaseStoreHarness>[] = [
  { name: 'LE-1 of many who ask at once exactly one gets it', check: hasOneHolder },
  { name: 'LE-1 one that was not renewed goes to whoever asks, and not before', check: runsOut },
  { name: 'LE-2 the fence grows with each taking', check: growsFence },
  { name: 'LE-2 the fence goes on where it was when the store is opened again', check: keepsFence },
  { name: 'LE-3 a renewal keeps others out, with the same fence', check: renews },
  { name: 'LE-3 one that was taken or given back is not renewed', check: losesForGood },
  { name: 'LE-4 one that is given back is free at once', check: isFreed },
  { name: 'LE-4 giving back what is lost changes nothing', check: ignoresLost },
  {
    name: 'LE-5 a holder that was overtaken changes nothing, and the new one does',
    needs: 'documents',
    check: fences,
  },
  {
    name: 'LE-5 nor does it create, switch, drop or empty collections',
    needs: 'documents',
    check: fencesCollections,
  },
  { name: 'LE-6 what cannot be asked is refused', check: refuses },
  { name: 'LE-7 each name has a lease of its own, and a listing tells of all of them', check: areApart },
]

const name = 'default/shop/0/orders'
const longMs = 60_000

async function taken(leases: LeaseStore, holder: string, leaseMs = longMs): Promise<Lease> {
  const lease = await leases.take({ name, holder, leaseMs })
  if (lease === undefined) throw new Error(`expected ${holder} to get the lease, but another has it`)
  return lease
}

const askEveryMs = 10
const questionsMax = 1000

/** Asks until the lease is free; it must be within seconds. */
async function takenInTime(leases: LeaseStore, holder: string): Promise<Lease> {
  for (let asked = 0; asked < questionsMax; asked++) {
    const lease = await leases.take({ name, holder, leaseMs: longMs })
    if (lease !== undefined) return lease
    await sleep(systemRuntime, askEveryMs)
  }
  throw new Error(`expected the lease to run out, but it was held for ${questionsMax} questions`)
}

async function hasOneHolder({ leases, others }: LeaseStoreHarness): Promise<void> {
  for (let round = 1; round <= 5; round++) {
    const asking = Array.from({ length: 16 }, (_, one) =>
      (one % 2 === 0 ? leases : others).take({ name, holder: `${one}`, leaseMs: longMs }),
    )
    const won = (await Promise.all(asking)).filter((lease) => lease !== undefined)
    expectSame(`the winners of round ${round}`, won.length, 1)
    const [winner] = won
    if (winner !== undefined) await leases.giveBack(winner)
  }
}

async function runsOut({ leases, others }: LeaseStoreHarness): Promise<void> {
  const first = await taken(leases, 'first')
  expectSame('the lease for another', await others.take({ name, holder: 'second', leaseMs: 300 }), undefined)
  expectSame('renewed for a moment', await leases.renew(first, 300), true)
  const second = await takenInTime(others, 'second')
  expectSame('the holder', second.holder, 'second')
  expectTrue('the fence of who overtakes is larger', second.fence > first.fence)
  expectSame('the lease for the first', await leases.take({ name, holder: 'first', leaseMs: 300 }), undefined)
}

async function growsFence({ leases, others }: LeaseStoreHarness): Promise<void> {
  let before = 0
  for (const [store, holder] of [
    [leases, 'a'],
    [others, 'b'],
    [leases, 'a'],
  ] as const) {
    const lease = await taken(store, holder)
    expectTrue(`the fence ${lease.fence} is larger than ${before}`, lease.fence > before)
    before = lease.fence
    await store.giveBack(lease)
  }
  const one = await taken(leases, 'a')
  const again = await taken(leases, 'a')
  expectTrue('whoever asks again gets the next fence', again.fence > one.fence)
  expectSame('what it had before is lost', await leases.renew(one, longMs), false)
}

async function keepsFence({ leases, reopen }: LeaseStoreHarness): Promise<void> {
  const before = await taken(leases, 'a')
  await leases.giveBack(before)
  const opened = await reopen()
  const after = await taken(opened, 'b')
  expectTrue('the fence is larger', after.fence > before.fence)
}

async function renews({ leases, others }: LeaseStoreHarness): Promise<void> {
  const lease = await taken(leases, 'a', 1)
  expectSame('renewed', await leases.renew(lease, longMs), true)
  expectSame('for another', await others.take({ name, holder: 'b', leaseMs: longMs }), undefined)
  const [state] = await others.list()
  expectSame('the fence', state?.fence, lease.fence)
}

async function losesForGood({ leases, others }: LeaseStoreHarness): Promise<void> {
  const first = await taken(leases, 'a', 1)
  const second = await takenInTime(others, 'b')
  expectSame('renewed by who was overtaken', await leases.renew(first, longMs), false)
  await others.giveBack(second)
  expectSame('renewed by who gave it back', await others.renew(second, longMs), false)
  expectSame('renewed by who was overtaken', await leases.renew(first, longMs), false)
}

async function isFreed({ leases, others }: LeaseStoreHarness): Promise<void> {
  await leases.giveBack(await taken(leases, 'a'))
  await taken(others, 'b')
}

async function ignoresLost({ leases, others }: LeaseStoreHarness): Promise<void> {
  const first = await taken(leases, 'a', 1)
  const second = await takenInTime(others, 'b')
  await leases.giveBack(first)
  expectSame('for a third', await leases.take({ name, holder: 'c', leaseMs: longMs }), undefined)
  expectSame('the holder goes on', await others.renew(second, longMs), true)
}

function requireDocuments({ readStore }: LeaseStoreHarness) {
  const leases = readStore?.leases
  if (readStore !== undefined && leases !== undefined) return { readStore, under: leases.under }
  throw new RampartError('CAPABILITY_MISSING', 'These leases belong to no read store.')
}

async function fences(harness: LeaseStoreHarness): Promise<void> {
  const { readStore, under } = requireDocuments(harness)
  const stale = under(await taken(harness.leases, 'a', 1))
  const frozen = await open(stale)
  await frozen.commit({ from: place(0), to: place(1), documents: [document('1', 1, { n: 1 })] })
  const awake = await open(under(await takenInTime(harness.others, 'b')))
  const late = { from: place(1), to: place(2), documents: [document('1', 2, { n: 99 })] }
  await expectFault('a late commit', 'LEASE_LOST', frozen.commit(late))
  const event = { position: place(2).position, eventId: 'append-2.0', type: 'x' }
  const queued = { ...late, quarantine: [{ change: 'queue', key: '1', event }] } as const
  await expectFault('a late one with a quarantine', 'LEASE_LOST', frozen.commit(queued))
  const collection = await open(readStore)
  expectSame('the checkpoint', await collection.checkpoint(), place(1))
  expectSame('what is quarantined', await collection.quarantined(), [])
  await awake.commit({ from: place(1), to: place(2), documents: [document('1', 2, { n: 2 })] })
  const { documents } = await collection.page(everything)
  expectSame('the documents', documents, [document('1', 2, { n: 2 })])
}

async function fencesCollections(harness: LeaseStoreHarness): Promise<void> {
  const { readStore, under } = requireDocuments(harness)
  const stale = under(await taken(harness.leases, 'a', 1))
  await open(stale)
  await stale.openCollection(shape, 'epoch-1', 2)
  await takenInTime(harness.others, 'b')
  const { log } = shape
  const before = await readStore.collections(log, shape.name)
  const [live, other] = before
  if (live === undefined || other === undefined) throw new Error('expected two collections')
  const pair = { log, name: shape.name, live, other }
  await expectFault('a switch', 'LEASE_LOST', stale.switchLive(pair, 'late'))
  await expectFault('a drop', 'LEASE_LOST', stale.dropCollection(log, shape.name, other))
  await expectFault('a new one', 'LEASE_LOST', stale.openCollection(shape, 'epoch-1', 3))
  await expectFault('beginning anew', 'LEASE_LOST', stale.beginAnew(shape, 'epoch-1', 3))
  expectSame('the collections', await readStore.collections(log, shape.name), before)
}

async function refuses({ leases }: LeaseStoreHarness): Promise<void> {
  const right = { name, holder: 'a', leaseMs: longMs }
  const wrong = [
    { ...right, name: '' },
    { ...right, name: 'x'.repeat(1025) },
    { ...right, name: 'a\0b' },
    { ...right, holder: '' },
    { ...right, holder: 'x'.repeat(1025) },
    { ...right, leaseMs: 0 },
    { ...right, leaseMs: 1.5 },
    { ...right, leaseMs: leaseMsMax + 1 },
  ]
  for (const request of wrong) {
    await expectFault(JSON.stringify(request).slice(0, 80), 'INPUT_INVALID', leases.take(request))
  }
  expectSame('what is stored', await leases.list(), [])
  const lease = await taken(leases, 'a')
  await expectFault('an endless renewal', 'INPUT_INVALID', leases.renew(lease, leaseMsMax + 1))
}

async function areApart({ leases, others }: LeaseStoreHarness): Promise<void> {
  const first = await leases.take({ name: 'x', holder: 'a', leaseMs: longMs })
  await others.take({ name: 'y', holder: 'b', leaseMs: 30_000 })
  if (first !== undefined) await leases.giveBack(first)
  const states = await others.list()
  expectSame(
    'the leases',
    states.map(({ leftMs: _, ...state }) => state),
    [
      { name: 'x', holder: null, fence: 1 },
      { name: 'y', holder: 'b', fence: 1 },
    ],
  )
  const [freeMs = -1, heldMs = -1] = states.map(({ leftMs }) => leftMs)
  expectSame('the time of what was given back', freeMs, 0)
  expectTrue(`${heldMs} ms are left of 30,000`, heldMs > 20_000 && heldMs <= 30_000)
}
