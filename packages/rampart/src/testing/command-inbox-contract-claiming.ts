// Rules of the inbox: who gets which command, in which order, how often and how many (IN-3, IN-4, IN-7).
import { accept, acceptNumber, claimAll, claimNumbers, newCommand } from './command-inbox-contract-steps.ts'
import {
  appended,
  claim,
  commandNumber,
  openShop,
  shopLog,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectSame, expectTrue } from './expect.ts'

/** Rules about claiming. */
export const claimingRules: readonly WriteRule[] = [
  { name: 'IN-3 commands are claimed in the order of their acceptance', check: claimsInOrder },
  { name: 'IN-3 a command held by another owner keeps back those behind it in its stream', check: keepsBack },
  { name: 'IN-3 a command that waits for its next attempt keeps back those behind it', check: waitsForRetry },
  { name: 'IN-3 a lease that has run out lets others take over', check: takesOver },
  { name: 'IN-3 of two owners that claim at once, each command has one', check: dividesCommands },
  { name: 'IN-3 the depth says when a claim can succeed next', check: saysWhen },
  { name: 'IN-4 each claim counts as an attempt', check: countsAttempts },
  {
    name: 'IN-4 an attempt counts also when its owner ends with the store',
    needs: 'reopens',
    check: countsLost,
  },
  { name: 'IN-4 a release takes back claims that were no attempts', check: takesBack },
  { name: 'IN-4 a release by an owner leaves what another holds', check: releasesItsOwn },
  { name: 'IN-7 a claim ends before its data is too large, but for its first command', check: endsInTime },
]

async function claimsInOrder(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  for (const number of [3, 1, 2, 5, 4]) await acceptNumber(inbox, number, number < 4 ? 'a' : `s${number}`)
  expectSame('the first two', await claimNumbers(inbox, { limit: 2 }), [3, 1])
  expectSame('the rest', await claimNumbers(inbox), [2, 5, 4])
  expectSame('nothing is left', await claimNumbers(inbox), [])
}

async function keepsBack(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  for (const number of [1, 2, 3]) await acceptNumber(inbox, number, number === 3 ? 'b' : 'a')
  expectSame('the first', await claimNumbers(inbox, { limit: 1 }), [1])
  expectSame('another owner', await claimNumbers(inbox, { owner: 'worker-2' }), [3])
  await appended(log, { writes: [write('a', 'any')], command: claim(1) })
  expectSame('after its outcome', await claimNumbers(inbox, { owner: 'worker-2' }), [2])
}

async function waitsForRetry(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  for (const number of [1, 2, 3]) await acceptNumber(inbox, number, number === 3 ? 'b' : 'a')
  await claimAll(inbox)
  await inbox.release(upTo(3).map(commandNumber), 1000)
  await inbox.release([commandNumber(1)], 5000)
  expectSame('before its time', await claimNumbers(inbox), [3])
  expectSame('at its time', await claimNumbers(inbox, { nowMs: 5000 }), [1, 2])
}

async function takesOver(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  for (const number of [1, 2]) await acceptNumber(inbox, number, 'a')
  expectSame('the first', await claimNumbers(inbox, { leaseMs: 100, limit: 1 }), [1])
  const other = { owner: 'worker-2', leaseMs: 100 }
  expectSame('within the lease', await claimNumbers(inbox, { ...other, nowMs: 1099 }), [])
  expectSame('after the lease', await claimNumbers(inbox, { ...other, nowMs: 1100 }), [1, 2])
  expectSame('the first owner', await claimNumbers(inbox, { nowMs: 1150 }), [])
}

async function dividesCommands(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  const all = upTo(20)
  for (const number of all) await acceptNumber(inbox, number, `s${number % 10}`)
  const claims = upTo(8).map((number) => claimNumbers(inbox, { owner: `worker-${number}`, limit: 3 }))
  const handed = (await Promise.all(claims)).flat()
  expectSame('each has one owner', new Set(handed).size, handed.length)
  expectTrue(
    'the first ten are handed out',
    upTo(10).every((number) => handed.includes(number)),
  )
}

async function saysWhen(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  expectSame('an empty inbox', await inbox.depth(), { commands: 0, nextDueMs: null })
  for (const number of [1, 2]) await acceptNumber(inbox, number, 'a')
  const { commands, nextDueMs } = await inbox.depth()
  expectSame('two that wait', commands, 2)
  expectTrue('they are due', nextDueMs !== null && nextDueMs <= 1000)
  await claimAll(inbox)
  expectSame('when the lease runs out', await inbox.depth(), { commands: 2, nextDueMs: 61_000 })
  await inbox.release([commandNumber(1)], 7000)
  await inbox.release([commandNumber(2)], 1000)
  expectSame('the second waits for the first', await inbox.depth(), { commands: 2, nextDueMs: 7000 })
  await claimAll(inbox, { nowMs: 7000, leaseMs: 100, limit: 1 })
  expectSame('the lease of the first', await inbox.depth(), { commands: 2, nextDueMs: 7100 })
}

async function countsAttempts(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  await acceptNumber(inbox, 1, 'a')
  for (const attempt of upTo(4)) {
    const [command] = await claimAll(inbox)
    const found = await inbox.find(commandNumber(1))
    expectSame('attempts', [command?.attempts, found?.attempts], [attempt, attempt])
    await inbox.release([commandNumber(1)], 0)
  }
}

async function countsLost(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  await acceptNumber(inbox, 1, 'a')
  await claimAll(inbox)
  const again = (await (await harness.reopen()).openLog(shopLog)).inbox
  expectSame(
    'attempts',
    (await claimAll(again)).map((command) => command.attempts),
    [2],
  )
}

async function takesBack(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  for (const number of [1, 2]) await acceptNumber(inbox, number, `s${number}`)
  const attempts = async (): Promise<readonly (number | undefined)[]> => {
    const found = await Promise.all([1, 2].map((number) => inbox.find(commandNumber(number))))
    return found.map((command) => command?.attempts)
  }
  await claimAll(inbox, { leaseMs: 100 })
  await claimAll(inbox, { nowMs: 1100 })
  await inbox.release([commandNumber(1)], 1000, { untried: 1, cause: 'no room' })
  expectSame('one of two is taken back', await attempts(), [1, 2])
  await inbox.release([commandNumber(1)], 1000, { untried: 1 })
  expectSame('nothing of one that nobody holds', await attempts(), [1, 2])
  await claimAll(inbox)
  await inbox.release([1, 2].map(commandNumber), 1000, { untried: 2 })
  expectSame('two of each', await attempts(), [0, 0])
  await claimAll(inbox)
  await inbox.release([commandNumber(2)], 1000, { untried: 7 })
  expectSame('never below nought', await attempts(), [1, 0])
}

async function releasesItsOwn(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  for (const number of [1, 2]) await acceptNumber(inbox, number, `s${number}`)
  const both = [1, 2].map(commandNumber)
  await claimAll(inbox, { limit: 1 })
  await claimAll(inbox, { owner: 'worker-2' })
  await inbox.release(both, 1000, { owner: 'worker-2', untried: 1 })
  expectSame('what it held is free', await claimNumbers(inbox, { owner: 'worker-3' }), [2])
  const [first, second] = await Promise.all(both.map((id) => inbox.find(id)))
  expectSame('attempts', [first?.attempts, second?.attempts], [1, 1])
  await inbox.release(both, 1000, { owner: 'worker-1', untried: 1 })
  expectSame('so is that of the first', await claimNumbers(inbox, { owner: 'worker-4' }), [1])
}

async function endsInTime(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  const lengths = [1000, 10, 400, 500, 300]
  for (const [index, length] of lengths.entries())
    await accept(inbox, newCommand(index + 1, `s${index}`, { data: 'ü'.repeat(length / 2) }))
  const claimed = (): Promise<readonly number[]> => claimNumbers(inbox, { bytesMax: 920 })
  expectSame('the first has more', await claimed(), [1])
  expectSame('three fit together', await claimed(), [2, 3, 4])
  expectSame('the rest', await claimed(), [5])
}
