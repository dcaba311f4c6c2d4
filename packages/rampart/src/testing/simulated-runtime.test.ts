// Simulated time: it passes when told, in order, and one seed is one run.
import { expect, test } from 'vitest'
import { isUuid } from '../core/codec/index.ts'
import { sleep } from '../core/index.ts'
import { simulatedRuntime } from './index.ts'

test('timers fire in the order of their time, each with what it sets off', async () => {
  const runtime = simulatedRuntime(1)
  const seen: string[] = []
  const note = (text: string) => () => seen.push(`${text}@${runtime.elapsedMs()}`)
  runtime.setTimer(20, note('late'))
  runtime.setTimer(10, () => {
    note('early')()
    runtime.setTimer(5, note('set off'))
  })
  runtime.setTimer(10, note('as early'))
  runtime.setTimer(1, note('cancelled')).cancel()
  void sleep(runtime, 12).then(note('slept'))
  await runtime.advance(100)
  expect(seen).toEqual(['early@10', 'as early@10', 'slept@12', 'set off@15', 'late@20'])
  expect(runtime.elapsedMs()).toBe(100)
})

test('a step of the wall clock fires nothing and changes no duration', async () => {
  const runtime = simulatedRuntime(1)
  const before = runtime.nowMs()
  let fired = 0
  runtime.setTimer(1000, () => fired++)
  runtime.stepClock(-3_600_000)
  await runtime.advance(10)
  expect(fired).toBe(0)
  expect(runtime.nowMs()).toBe(before - 3_600_000 + 10)
})

test('one seed gives one run, another seed another', () => {
  const draw = (seed: number): readonly unknown[] => {
    const runtime = simulatedRuntime(seed)
    return [runtime.uuid(), runtime.random(), runtime.below(1000), runtime.uuid()]
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  expect(isUuid(simulatedRuntime(9).uuid())).toBe(true)
})
