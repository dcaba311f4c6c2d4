// The conformance suite of the inbox port: its promises IN-1 to IN-7 as rules that any test runner can loop
// over.
import { claimingRules } from './command-inbox-contract-claiming.ts'
import { accept, acceptNumber, claimAll, newCommand } from './command-inbox-contract-steps.ts'
import {
  appended,
  appendOne,
  claim,
  commandNumber,
  countStatuses,
  event,
  expectLog,
  openShop,
  shopLog,
  upTo,
  write,
  type EventStoreHarness,
  type WriteRule,
} from './event-store-contract-steps.ts'
import { expectFault, expectSame } from './expect.ts'

/** The rules that an inbox keeps; left out as those of the event store are. */
export const commandInboxContract: readonly WriteRule[] = [
  { name: 'IN-1 an accepted command waits with all that it came with', check: keepsCommands },
  { name: 'IN-1 a waiting command survives the end of the store', needs: 'reopens', check: survives },
  { name: 'IN-1 a buried command leaves an outcome, and its cause for an operator', check: buries },
  { name: 'IN-2 a command stands in the inbox once', check: standsOnce },
  { name: 'IN-2 a command with an outcome is not accepted again', check: answersOutcome },
  { name: 'IN-2 bad commands are refused and change nothing', check: refusesBadCommands },
  ...claimingRules,
  { name: 'IN-5 an append that claims the id removes the command', check: removes },
  { name: 'IN-5 an append that fails leaves the command where it is', check: leaves },
  { name: 'IN-5 an append that leaves the command to the inbox changes nothing', check: leavesToInbox },
  { name: 'IN-6 the inbox of each log is bounded', check: isBounded },
]

async function keepsCommands(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  let calls = 0
  inbox.onAccepted(() => calls++)
  const command = newCommand(1, 'a', {
    data: { text: 'ü\u0000"', list: [1, null, { deep: true }] },
    expectedVersion: write('a', 3).expectedVersion as never,
    actor: 'ada',
    roles: ['clerk', 'ü"'],
    correlationId: 'correlation-1',
  })
  await accept(inbox, command)
  expectSame('found', await inbox.find(command.commandId), { ...command, attempts: 0 })
  expectSame('an unknown one', await inbox.find(commandNumber(2)), undefined)
  expectSame('claimed', await claimAll(inbox), [{ ...command, attempts: 1 }])
  expectSame('found while claimed', await inbox.find(command.commandId), { ...command, attempts: 1 })
  expectSame('how many', (await inbox.depth()).commands, 1)
  expectSame('listeners were called', calls > 0, true)
}

async function survives(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  for (const number of [1, 2, 3]) await acceptNumber(inbox, number, `s${number}`)
  await inbox.claim({ owner: 'gone', limit: 1, nowMs: 1000, leaseMs: 1_000_000 })
  await inbox.release([commandNumber(2)], 5000)
  await inbox.bury({ ...burial(3), deadLetter: true })
  const again = (await (await harness.reopen()).openLog(shopLog)).inbox
  expectSame('how many', (await again.depth()).commands, 2)
  const claimed = await claimAll(again, { nowMs: 1000 })
  // Its owner ended with the store, so nobody waits for the lease of the first.
  expectSame('due', claimed, [{ ...newCommand(1, 's1'), attempts: 2 }])
  expectSame('due later', await claimAll(again, { nowMs: 5000 }), [{ ...newCommand(2, 's2'), attempts: 1 }])
  expectSame('dead letters', (await again.deadLetters(10)).length, 1)
}

function burial(number: number) {
  const outcome = { status: 'failed', number }
  const expiresAtMs = Date.UTC(2030, 0, 1)
  return {
    commandId: commandNumber(number),
    cause: `cause ${number}`,
    outcome,
    expiresAtMs,
    deadLetter: true,
  }
}

async function buries(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  const nowMs = Date.UTC(2026, 3, 1)
  harness.setClock(nowMs)
  await appendOne(log, 'a')
  for (const number of [1, 2, 3]) await acceptNumber(inbox, number, 'a')
  await claimAll(inbox)
  for (const number of [1, 2]) await inbox.bury(burial(number))
  await inbox.bury({ ...burial(3), deadLetter: false })
  await inbox.bury(burial(4))
  const letters = [2, 1].map((number) => ({
    ...newCommand(number, 'a'),
    attempts: 1,
    cause: `cause ${number}`,
    buriedAtMs: nowMs,
  }))
  expectSame('dead letters', await inbox.deadLetters(10), letters)
  expectSame('the newest', await inbox.deadLetters(1), letters.slice(0, 1))
  for (const number of [1, 2, 3]) {
    const outcome = await log.findOutcome(commandNumber(number))
    const { version, place, recordedAtMs } = outcome ?? {}
    expectSame('the outcome', outcome?.outcome, { status: 'failed', number })
    expectSame('its place', [version, place, recordedAtMs], [1, await log.head(), nowMs])
  }
  expectSame('of an unknown one', await log.findOutcome(commandNumber(4)), undefined)
  expectSame('what waits', await inbox.depth(), { commands: 0, nextDueMs: null })
  harness.setClock(Date.UTC(2031, 0, 1))
  expectSame('after its time', await log.findOutcome(commandNumber(1)), undefined)
  await expectLog(log, ['a'])
}

async function standsOnce(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  const copies = upTo(100).map((copy) =>
    inbox.accept(newCommand(1, 'a', { fingerprint: copy % 2 === 0 ? 'print-2' : 'print-1' })),
  )
  const results = await Promise.all(copies)
  expectSame('copies of one turn', countStatuses(results), { accepted: 1, waiting: 49, reused: 50 })
  await claimAll(inbox)
  const again = await inbox.accept(newCommand(1, 'elsewhere'))
  expectSame('later', again, { status: 'waiting', command: { ...newCommand(1, 'a'), attempts: 1 } })
  const other = await log.append({
    writes: [write('a', 'any')],
    command: claim(1, null, { fingerprint: 'print-2' }),
  })
  expectSame('an append with another fingerprint', other, { status: 'reused' })
  expectSame('how many', (await inbox.depth()).commands, 1)
  await expectLog(log, [])
}

async function answersOutcome(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  await appended(log, { writes: [write('a', 'none')], command: claim(1, 'with events') })
  await appended(log, { writes: [write('a', 1, [])], command: claim(2, 'without') })
  for (const number of [1, 2]) {
    const outcome = await log.findOutcome(commandNumber(number))
    const same = await inbox.accept(newCommand(number, 'a'))
    expectSame('the same', same, { status: 'repeated', outcome })
    const other = await inbox.accept(newCommand(number, 'a', { fingerprint: 'print-2' }))
    expectSame('another fingerprint', other, { status: 'reused' })
  }
  expectSame('how many', (await inbox.depth()).commands, 0)
}

async function refusesBadCommands(harness: EventStoreHarness): Promise<void> {
  const { inbox } = await openShop(harness)
  const bad = [
    { commandId: 'no uuid' as never },
    { fingerprint: '' },
    { decider: 'a\0b' },
    { streamId: '\ud800' as never },
    { type: '' },
    { data: undefined as never },
    { expectedVersion: -1 as never },
    { actor: '' },
    { roles: [''] },
    { correlationId: '\0' },
    { receivedAtMs: Number.NaN },
  ]
  for (const [index, fault] of bad.entries()) {
    const attempt = inbox.accept(newCommand(1, 'a', fault))
    await expectFault(`bad command ${index}`, 'INPUT_INVALID', attempt)
  }
  await expectFault('a bad burial', 'INPUT_INVALID', inbox.bury({ ...burial(1), cause: '' }))
  expectSame('how many', (await inbox.depth()).commands, 0)
}

async function removes(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  for (const number of [1, 2, 3]) await acceptNumber(inbox, number, 'a')
  await claimAll(inbox)
  await appended(log, { writes: [write('a', 'none')], command: claim(1) })
  await appended(log, { writes: [write('a', 1, [])], command: claim(2, 'refused') })
  expectSame('the first', await inbox.find(commandNumber(1)), undefined)
  expectSame('the second', await inbox.find(commandNumber(2)), undefined)
  expectSame('how many', (await inbox.depth()).commands, 1)
  await appended(log, { writes: [write('a', 1, [event('others')])], command: claim(4) })
  expectSame('after an append of another', (await inbox.depth()).commands, 1)
}

async function leaves(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  await appendOne(log, 'a')
  await acceptNumber(inbox, 1, 'a')
  await claimAll(inbox)
  const conflict = await log.append({ writes: [write('a', 'none')], command: claim(1) })
  expectSame('a conflict', conflict.status, 'conflict')
  const without = await log.append({ writes: [write('a', 'none', [])], command: claim(1) })
  expectSame('a conflict without events', without.status, 'conflict')
  expectSame('found', (await inbox.find(commandNumber(1)))?.attempts, 1)
}

async function leavesToInbox(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  await acceptNumber(inbox, 1, 'a')
  const command = { ...claim(1), leavesToInbox: true }
  const withEvents = await log.append({ writes: [write('a', 'none')], command })
  const without = await log.append({ writes: [write('a', 'none', [])], command })
  const answers = [withEvents.status, without.status]
  expectSame('while the command waits', answers, ['waiting', 'waiting'])
  expectSame('the command', (await inbox.find(commandNumber(1)))?.attempts, 0)
  expectSame('the log', (await log.head()).position, 0)
  const other = { ...command, fingerprint: 'print-2' }
  const reused = await log.append({ writes: [write('a', 'none')], command: other })
  expectSame('with another fingerprint', reused.status, 'reused')
  await appended(log, { writes: [write('a', 'none')], command: claim(1) })
  const after = await log.append({ writes: [write('a', 'any')], command })
  expectSame('once it has an outcome', after.status, 'repeated')
  await appended(log, { writes: [write('b', 'none')], command: { ...claim(2), leavesToInbox: true } })
}

async function isBounded(harness: EventStoreHarness): Promise<void> {
  const log = await openShop(harness)
  const { inbox } = log
  const max = harness.inboxCommandsMax
  const results = await Promise.all(upTo(max + 5).map((number) => inbox.accept(newCommand(number, 'a'))))
  expectSame('the results', countStatuses(results), { accepted: max, full: 5 })
  expectSame('a repetition', (await inbox.accept(newCommand(1, 'a'))).status, 'waiting')
  const other = await harness.store.openLog('default/billing/0')
  expectSame('of another log', (await other.inbox.accept(newCommand(1, 'a'))).status, 'accepted')
  await inbox.bury(burial(1))
  await appended(log, { writes: [write('a', 'any')], command: claim(2) })
  const next = await Promise.all(upTo(3).map((number) => inbox.accept(newCommand(max + number, 'a'))))
  expectSame('after two have left', countStatuses(next), { accepted: 2, full: 1 })
}
