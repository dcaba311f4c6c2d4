// The age of what a read model lacks stays sane when the wall clock jumps.
import { expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { createLagGauge } from './lag.ts'
import { append, make, openShop } from './test/shop.ts'

const hourMs = 3_600_000

test.each([
  ['forward', hourMs],
  ['back', -hourMs],
])('a clock that jumps an hour %s changes no lag by more than what has passed', async (_, jumpMs) => {
  await using shop = await openShop()
  let [passedMs, aheadMs] = [0, 0]
  const nowMs = (): number => systemRuntime.nowMs() + passedMs + aheadMs
  const runtime = { ...systemRuntime, nowMs, elapsedMs: () => passedMs }
  const place = await shop.log.head()
  const lag = createLagGauge({ store: shop.log, reached: () => place, runtime })
  const lagAfter = async (ms: number): Promise<number> => {
    passedMs += ms
    return (await lag()).seconds
  }
  expect(await lagAfter(0)).toBe(0)
  await append(shop.log, make.placed('1'))
  aheadMs = jumpMs
  expect(await lagAfter(2000)).toBe(jumpMs > 0 ? 2 : 0)
  expect(await lagAfter(3000)).toBe(jumpMs > 0 ? 5 : 3)
  aheadMs = 0
  expect(await lagAfter(1000)).toBeCloseTo(6, 0)
})

test('what was missing before the first look is as old as the log says', async () => {
  await using shop = await openShop()
  const place = await shop.log.head()
  await append(shop.log, make.placed('1'))
  const runtime = { ...systemRuntime, nowMs: () => systemRuntime.nowMs() + hourMs }
  const lag = createLagGauge({ store: shop.log, reached: () => place, runtime })
  expect((await lag()).seconds).toBeCloseTo(3600, 0)
})
