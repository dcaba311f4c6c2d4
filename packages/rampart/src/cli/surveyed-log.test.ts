// What is told of the parts of a projection, which stand by themselves in the store.
import { expect, test } from 'vitest'
import type { InspectedCollection, InspectedLog } from '../core/inspection/index.ts'
import { surveyedLog } from './surveyed-log.ts'

const log: InspectedLog = {
  log: 'default/shop/0',
  head: 100,
  recordedAtMs: 0,
  epochs: [],
  inbox: { commands: 0, oldestAtMs: null, running: 0, failedBefore: 0 },
  deadLetters: 0,
  sealed: null,
}

function build(name: string, position: number, quarantinedKeys = 0): InspectedCollection {
  const kind = { isLive: true, isSynchronous: false, isNamed: true }
  return { log: log.log, name, version: 1, generation: 1, ...kind, position, quarantinedKeys }
}

const told = (builds: readonly InspectedCollection[]) =>
  surveyedLog({
    log,
    builds,
    recorded: () => 0,
    health: { projections: new Map([['orders', { stopped: 'it broke', upgradeStopped: null }]]) },
    nowMs: 5000,
  }).projections

test('parts are one projection that is where the last of them is', () => {
  expect(
    told([build('orders/1of2', 100, 1), build('orders/2of2', 90, 2), build('others', 100)]),
  ).toMatchObject([
    {
      name: 'orders',
      parts: 2,
      position: 90,
      lagEvents: 10,
      lagSeconds: 5,
      quarantinedKeys: 3,
      stopped: 'it broke',
    },
    { name: 'others', parts: 1, position: 100, lagEvents: 0, stopped: null },
  ])
})

test('of two numbers of parts the one that came further is what readers get', () => {
  expect(told([build('orders', 80), build('orders/1of2', 100), build('orders/2of2', 79)])).toMatchObject([
    { parts: 1, isLive: true, isBeside: false },
    { parts: 2, isLive: false, isBeside: true },
  ])
})
