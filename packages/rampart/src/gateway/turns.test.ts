// What occupies the thread takes turns: at once when alone, one by one when many come together.
import { expect, test } from 'vitest'
import { systemRuntime } from '../core/index.ts'
import { createTurns } from './turns.ts'

test('a read that comes alone does not wait', async () => {
  let rounds = 0
  const runtime = { ...systemRuntime, soon: () => void rounds++ }
  await createTurns(runtime)()
  expect(rounds).toBe(1)
})

test('reads that come together have their turn one by one, and others get theirs between', async () => {
  let elapsedMs = 0
  const turn = createTurns({ ...systemRuntime, elapsedMs: () => (elapsedMs += 10) })
  const order: string[] = []
  const reads = [0, 1, 2].map(async (number) => {
    await turn()
    order.push(`read ${number}`)
    setImmediate(() => order.push('other'))
  })
  await Promise.all(reads)
  expect(order.filter((one) => one !== 'other')).toEqual(['read 0', 'read 1', 'read 2'])
  expect(order.indexOf('other')).toBeLessThan(order.indexOf('read 2'))
})

test('hundreds that ask at one moment do not all have their turn in it', async () => {
  let elapsedMs = 0
  const turn = createTurns({ ...systemRuntime, elapsedMs: () => elapsedMs })
  let done = 0
  const reads = Array.from({ length: 300 }, async () => {
    await turn()
    elapsedMs += 1
    done++
  })
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(done).toBeGreaterThan(1)
  expect(done).toBeLessThan(10)
  await Promise.all(reads)
  expect(done).toBe(300)
})
