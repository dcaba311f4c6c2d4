// Plants one fault after the other into leases that keep their promises, and sees the suite catch it.
import { describe, expect, test } from 'vitest'
import { RampartError } from '../core/index.ts'
import { checkLease, checkLeaseMs, type Lease, type LeaseStore } from '../core/leases/index.ts'
import type { ReadStore } from '../core/ports/index.ts'
import { openSqliteReadStore } from '../sqlite/index.ts'
import { leaseStoreContract, type LeaseStoreHarness } from './index.ts'

interface Row {
  readonly holder: string | null
  readonly fence: number
  readonly untilMs: number
}

type Table = Map<string, Row>

/** Leases in memory, whose clock moves with every question. */
function leasesIn(table: Table): LeaseStore {
  let elapsedMs = 0
  const now = (): number => (elapsedMs += 50)
  const isHeld = ({ name, holder, fence }: Lease): boolean => {
    const row = table.get(name)
    return row?.holder === holder && row.fence === fence
  }
  return {
    async take(request) {
      checkLease(request)
      const { name, holder, leaseMs } = request
      const row = table.get(name)
      const nowMs = now()
      const isFree = row === undefined || row.holder === null || row.untilMs <= nowMs
      if (!isFree && row.holder !== holder) return undefined
      const fence = (row?.fence ?? 0) + 1
      table.set(name, { holder, fence, untilMs: nowMs + leaseMs })
      return { name, holder, fence }
    },
    async renew(lease, leaseMs) {
      checkLeaseMs(leaseMs)
      if (!isHeld(lease)) return false
      table.set(lease.name, { ...lease, untilMs: now() + leaseMs })
      return true
    },
    async giveBack(lease) {
      if (isHeld(lease)) table.set(lease.name, { ...lease, holder: null, untilMs: 0 })
    },
    async list() {
      const nowMs = now()
      const names = [...table.keys()].toSorted()
      return names.map((name) => {
        const { holder = null, fence = 0, untilMs = 0 } = table.get(name) ?? {}
        return { name, holder, fence, leftMs: Math.max(0, untilMs - nowMs) }
      })
    },
  }
}

/** A read store whose changes are refused once the fence of their lease is not the last one. */
function fenced(store: ReadStore, table: Table): ReadStore {
  const under = (lease: Lease): ReadStore => {
    const require = (): void => {
      if (table.get(lease.name)?.fence === lease.fence) return
      throw new RampartError('LEASE_LOST', `Another has the lease ${lease.name}.`)
    }
    const guarded =
      <Args extends readonly unknown[], Value>(change: (...args: Args) => Promise<Value>) =>
      async (...args: Args): Promise<Value> => {
        require()
        return change(...args)
      }
    return {
      ...store,
      openCollection: guarded(async (...asked: Parameters<ReadStore['openCollection']>) => {
        const collection = await store.openCollection(...asked)
        return { ...collection, commit: guarded(collection.commit) }
      }),
      switchLive: guarded(store.switchLive),
      dropCollection: guarded(store.dropCollection),
      beginAnew: guarded(store.beginAnew),
    }
  }
  return { ...store, leases: { ...leasesIn(table), under } }
}

interface Mutation {
  readonly leases?: (right: LeaseStore, table: Table) => Partial<LeaseStore>
  readonly readStore?: (right: ReadStore, table: Table) => ReadStore
  readonly reopened?: (table: Table) => LeaseStore
}

async function openHarness({ leases, readStore, reopened }: Mutation) {
  const table: Table = new Map()
  const store = await openSqliteReadStore({ file: ':memory:', thread: 'caller' })
  const right = leasesIn(table)
  const mutated = { ...right, ...leases?.(right, table) }
  const whole = fenced(store, table)
  return {
    leases: mutated,
    others: mutated,
    reopen: async () => reopened?.(table) ?? mutated,
    readStore: readStore?.(whole, table) ?? whole,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  } satisfies LeaseStoreHarness & AsyncDisposable
}

async function brokenRules(mutation: Mutation, promise = ''): Promise<readonly string[]> {
  const broken: string[] = []
  for (const { name, check } of leaseStoreContract) {
    if (!name.startsWith(promise)) continue
    await using harness = await openHarness(mutation)
    await check(harness).catch(() => broken.push(name))
  }
  return broken
}

const unfenced: Mutation['readStore'] = (store) => {
  const under = (): ReadStore => store
  return { ...store, ...(store.leases === undefined ? {} : { leases: { ...store.leases, under } }) }
}

/** Refuses late commits, and nothing else. */
const fencesCommits: Mutation['readStore'] = (store) => {
  const { leases } = store
  if (leases === undefined) return store
  const under = (lease: Lease): ReadStore => ({
    ...store,
    openCollection: leases.under(lease).openCollection,
  })
  return { ...store, leases: { ...leases, under } }
}

const mutants: readonly (readonly [promise: string, what: string, mutation: Mutation])[] = [
  [
    'LE-1',
    'gives it to everyone',
    {
      leases: ({ take, giveBack }, table) => ({
        take: async (asked) => (table.delete(asked.name), take(asked)),
        giveBack,
      }),
    },
  ],
  [
    'LE-1',
    'gives it back to who had it first',
    {
      leases: ({ take }) => {
        let first: Lease | undefined
        return {
          take: async (asked) => {
            if (first?.holder === asked.holder) return first
            const lease = await take(asked)
            first ??= lease
            return lease
          },
        }
      },
    },
  ],
  [
    'LE-2',
    'counts no fences',
    {
      leases: ({ take }) => ({
        take: async (asked) => ((await take(asked)) ? { ...asked, fence: 1 } : undefined),
      }),
    },
  ],
  [
    'LE-2',
    'forgets the fence with what is given back',
    { leases: (_, table) => ({ giveBack: async ({ name }) => void table.delete(name) }) },
  ],
  ['LE-2', 'begins anew when it is opened', { reopened: () => leasesIn(new Map()) }],
  ['LE-3', 'renews whatever it is asked', { leases: () => ({ renew: async () => true }) }],
  [
    'LE-3',
    'renews with the next fence',
    {
      leases: ({ renew }, table) => ({
        renew: async (lease, leaseMs) => {
          const isRenewed = await renew(lease, leaseMs)
          const row = table.get(lease.name)
          if (isRenewed && row !== undefined) table.set(lease.name, { ...row, fence: row.fence + 1 })
          return isRenewed
        },
      }),
    },
  ],
  [
    'LE-3',
    'says that it renewed, and did not',
    { leases: ({ renew }) => ({ renew: (lease) => renew(lease, 1) }) },
  ],
  ['LE-4', 'keeps what is given back', { leases: () => ({ giveBack: async () => {} }) }],
  [
    'LE-4',
    'takes the lease of another back',
    {
      leases: (_, table) => ({
        giveBack: async (lease) => void table.set(lease.name, { ...lease, holder: null, untilMs: 0 }),
      }),
    },
  ],
  ['LE-5', 'never looks at the fence', { readStore: unfenced }],
  ['LE-5', 'looks at the fence of commits only', { readStore: fencesCommits }],
  [
    'LE-6',
    'takes every name',
    {
      leases: ({ take }) => ({
        take: (asked) => take({ ...asked, name: asked.name.slice(0, 9).replace('\0', '') || 'x' }),
      }),
    },
  ],
  [
    'LE-6',
    'renews for as long as it is asked',
    { leases: ({ renew }) => ({ renew: (lease) => renew(lease, 1) }) },
  ],
  [
    'LE-7',
    'has one lease for all',
    { leases: ({ take }) => ({ take: (asked) => take({ ...asked, name: 'one' }) }) },
  ],
  [
    'LE-7',
    'lists only what somebody has',
    { leases: ({ list }) => ({ list: async () => (await list()).filter(({ holder }) => holder !== null) }) },
  ],
  [
    'LE-7',
    'does not know how long they last',
    {
      leases: ({ list }) => ({ list: async () => (await list()).map((state) => ({ ...state, leftMs: 1 })) }),
    },
  ],
]

describe('leases that', () => {
  test('keep all their promises break no rule', async () => {
    expect(await brokenRules({})).toEqual([])
  })

  test.each(mutants)('break %s when their store %s', async (promise, _, mutation) => {
    expect(await brokenRules(mutation, `${promise} `)).not.toEqual([])
  })
})
