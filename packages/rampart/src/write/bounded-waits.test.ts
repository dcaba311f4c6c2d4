// Waits end when what they wait for comes, when they run out, or soon after the process begins to drain.
import { expect, test } from 'vitest'
import { simulatedRuntime } from '../testing/simulated-runtime.ts'
import { BoundedWaits, type Awaited } from './bounded-waits.ts'

const never = new Promise<string>(() => {})
const ends = {
  late: (name: string) => Promise.resolve(`${name} late`),
  failed: (name: string) => (name === 'f' ? Promise.resolve('f after all') : undefined),
}

function awaitedOf(promise: Promise<string>): Awaited<string> {
  return {
    tell: (hearer) =>
      void promise.then(
        (value) => hearer.resolve(value),
        (fault: unknown) => hearer.reject(fault),
      ),
  }
}

function waits() {
  const runtime = simulatedRuntime(1)
  const bounded = new BoundedWaits(runtime, ends)
  const told: string[] = []
  const wait = (name: string, waitMs: number, awaited: Promise<string> = never): void => {
    void bounded.within(waitMs, name, awaitedOf(awaited)).then(
      (value) => told.push(`${value} at ${runtime.elapsedMs()}`),
      (fault: Error) => told.push(`${name} ${fault.message} at ${runtime.elapsedMs()}`),
    )
  }
  return { runtime, bounded, told, wait }
}

test('each of many waits runs out at its own time, whatever came of those before it', async () => {
  const { runtime, told, wait } = waits()
  const first = Promise.withResolvers<string>()
  wait('a', 1000, first.promise)
  await runtime.advance(300)
  wait('b', 1000)
  wait('c', 500)
  await runtime.advance(100)
  first.resolve('a came')
  wait('d', 1000, Promise.reject(new Error('failed')))
  wait('f', 1000, Promise.reject(new Error('failed')))
  await runtime.advance(100)
  wait('e', 1000)
  await runtime.advance(5000)
  expect(told).toEqual([
    'a came at 400',
    'd failed at 400',
    'f after all at 400',
    'c late at 800',
    'b late at 1300',
    'e late at 1500',
  ])
})

test('waits in progress end three seconds after a drain begins at the latest', async () => {
  const { runtime, bounded, told, wait } = waits()
  wait('long', 60_000)
  wait('short', 1000)
  bounded.cutShort()
  await runtime.advance(60_000)
  expect(told).toEqual(['short late at 1000', 'long late at 3000'])
})

test('no timer goes on when nothing waits', async () => {
  const timers = new Set<object>()
  const simulated = simulatedRuntime(1)
  const counting = {
    ...simulated,
    setTimer(delayMs: number, callback: () => void) {
      const timer = simulated.setTimer(delayMs, callback)
      const counted = { cancel: () => (timers.delete(counted), timer.cancel()) }
      timers.add(counted)
      return counted
    },
  }
  const bounded = new BoundedWaits(counting, ends)
  const atOnce = awaitedOf(Promise.resolve('at once'))
  await Promise.all([1, 2, 2].map((waitMs) => bounded.within(waitMs, 'a', atOnce)))
  expect(timers.size).toBe(0)
})

test('what is answered instead has a bound, too', async () => {
  const runtime = simulatedRuntime(1)
  const silent = new BoundedWaits(runtime, { late: () => never, failed: () => undefined })
  const faults: unknown[] = []
  silent.within(2000, 'a', awaitedOf(never)).catch((fault: unknown) => faults.push(fault))
  silent.answered(never).catch((fault: unknown) => faults.push(fault))
  await runtime.advance(9_999)
  expect(faults).toEqual([])
  await runtime.advance(1)
  expect(faults).toHaveLength(1)
  await runtime.advance(2000)
  const unknown = { code: 'OUTCOME_UNKNOWN', effect: 'unknown' }
  expect(faults).toMatchObject([unknown, unknown])
  expect(await silent.answered(Promise.resolve('soon'))).toBe('soon')
})
