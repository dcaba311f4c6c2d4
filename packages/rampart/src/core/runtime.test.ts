// The machine's own time and ids keep what the rest relies on.
import { expect, test, vi } from 'vitest'
import { isUuid } from './identity.ts'
import { sleep, systemRuntime } from './runtime.ts'

test('ids are different, well-formed, and sort by the time they were made', async () => {
  const first = systemRuntime.uuid()
  await sleep(systemRuntime, 2)
  const ids = Array.from({ length: 5000 }, () => systemRuntime.uuid())
  expect(new Set(ids).size).toBe(5000)
  expect(ids.every((id) => isUuid(id) && id[14] === '7' && '89ab'.includes(id[19] ?? ''))).toBe(true)
  expect(ids.every((id) => id > first)).toBe(true)
})

test('ids sort in the order in which they are made, however many and whatever the clock does', () => {
  const ids = Array.from({ length: 20_000 }, () => systemRuntime.uuid())
  const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000)
  for (let count = 0; count < 10_000; count++) ids.push(systemRuntime.uuid())
  now.mockRestore()
  expect(ids.toSorted()).toEqual(ids)
  expect(ids.every((id) => isUuid(id) && id[14] === '7' && '89ab'.includes(id[19] ?? ''))).toBe(true)
})

test('a sleep ends early, with the reason, when its signal aborts', async () => {
  const stop = new AbortController()
  const sleeping = sleep(systemRuntime, 60_000, stop.signal)
  stop.abort(new Error('enough'))
  await expect(sleeping).rejects.toThrow('enough')
  await expect(sleep(systemRuntime, 60_000, stop.signal)).rejects.toThrow('enough')
})

test('a timer that is cancelled never fires, and a long delay does not fire at once', async () => {
  let fired = 0
  systemRuntime.setTimer(1, () => fired++).cancel()
  const long = systemRuntime.setTimer(2 ** 40, () => fired++)
  await sleep(systemRuntime, 10)
  long.cancel()
  expect(fired).toBe(0)
})
