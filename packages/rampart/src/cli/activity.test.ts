// How commands are printed while a server works.
import { expect, test } from 'vitest'
import { systemRuntime, type Runtime } from '../core/index.ts'
import { createCommandPrinter, printsCommands, type WatchedCommand } from './activity.ts'

const placed: WatchedCommand = {
  type: 'PlaceOrder',
  stream: 'order-536365',
  events: ['OrderPlaced'],
  position: 812,
  readModels: ['orders', 'customers'],
  behind: [],
  code: null,
  elapsedMs: 3.14,
}

function printed(commands: readonly WatchedCommand[]): readonly string[] {
  const lines: string[] = []
  const timers: (() => void)[] = []
  const runtime: Runtime = {
    ...systemRuntime,
    setTimer(_, callback) {
      timers.push(callback)
      return { cancel() {} }
    },
  }
  const print = createCommandPrinter((line) => void lines.push(line), runtime)
  for (const command of commands) print(command)
  for (const fire of timers) fire()
  return lines
}

test('one line tells a command, its events, their place and the read models', () => {
  const events = ['OrderPlaced', 'StockReserved', 'MailQueued', 'CustomerSeen', 'DaySold']
  expect(
    printed([
      placed,
      { ...placed, events, readModels: [], behind: ['customers'] },
      { ...placed, events: [], position: null, readModels: [], code: 'ORDER_EXISTS' },
      { ...placed, events: [], position: null, readModels: [] },
    ]),
  ).toEqual([
    'PlaceOrder order-536365 → OrderPlaced @812 → orders, customers 3.1 ms',
    'PlaceOrder order-536365 → OrderPlaced, StockReserved, MailQueued and 2 more @812 → not yet in ' +
      'customers 3.1 ms',
    'PlaceOrder order-536365 → ORDER_EXISTS 3.1 ms',
    'PlaceOrder order-536365 → nothing to record 3.1 ms',
  ])
})

test('a flood is counted, not printed', () => {
  const lines = printed(Array.from({ length: 1234 }, () => placed))
  expect([lines.length, lines.at(-1)]).toEqual([51, '… and 1184 more commands'])
})

test('a terminal gets lines, elsewhere they are asked for', () => {
  expect([printsCommands(undefined, true), printsCommands('', false)]).toEqual([true, false])
  expect([printsCommands('faults', true), printsCommands('commands', false)]).toEqual([false, true])
  expect(() => printsCommands('all', true)).toThrow(
    'RAMPART_LOG is "all". Set it to commands, faults, or nothing for commands on a terminal and faults ' +
      'elsewhere.',
  )
})
