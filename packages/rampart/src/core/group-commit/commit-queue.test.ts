// How a queue hands batches to a writer that works on several at once.
import { expect, test } from 'vitest'
import { systemRuntime } from '../runtime.ts'
import type { Batch, BatchReply, Overlap } from './batch.ts'
import { createCommitQueue } from './commit-queue.ts'

/** A queue before a writer whose batches wait until they are let go. */
function heldQueue(overlap: Overlap, soon = (callback: () => void): void => callback()) {
  const replies: PromiseWithResolvers<BatchReply>[] = []
  const sizes: number[] = []
  const commit = ({ operations }: Batch): Promise<BatchReply> => {
    const reply = Promise.withResolvers<BatchReply>()
    replies.push(reply)
    sizes.push(operations.length)
    return reply.promise
  }
  const queue = createCommitQueue({
    writer: { commit, close: () => Promise.resolve(), overlap },
    runtime: { ...systemRuntime, soon },
    limits: { operationsMax: 10, bytesMax: 100 },
    file: 'a store',
    onCommitted: () => undefined,
  })
  return {
    queue,
    sizes,
    submit: () => queue.submit<'probe'>({ kind: 'probe' }, 1),
    answer: (batch: number) =>
      replies[batch]?.resolve({
        results: Array.from({ length: sizes[batch] ?? 0 }, () => null),
        fault: null,
      }),
  }
}

test('a writer of two batches gets the next one beside the first, as much of it as it takes', async () => {
  const taken: number[] = []
  const take = ({ length }: { readonly length: number }): number => {
    taken.push(length)
    return Math.min(length, 2)
  }
  const { queue, sizes, submit, answer } = heldQueue({ batchesMax: 2, isWorthwhile: () => true, take })
  const [first, second, ...others] = Array.from({ length: 5 }, submit)
  expect([sizes, taken]).toEqual([
    [1, 1],
    [1, 1],
  ])
  answer(1)
  await second
  expect([sizes, taken]).toEqual([
    [1, 1, 2],
    [1, 1, 3],
  ])
  answer(0)
  await first
  const closing = queue.close()
  expect(sizes).toEqual([1, 1, 2, 1])
  answer(2)
  answer(3)
  await Promise.all([...others, closing])
})

test('what the writer does not take yet goes when a batch is answered', async () => {
  let isFree = true
  const { sizes, submit, answer } = heldQueue({
    batchesMax: 2,
    isWorthwhile: () => true,
    take: ({ length }) => (isFree ? length : 0),
  })
  const first = submit()
  isFree = false
  const second = submit()
  expect(sizes).toEqual([1])
  isFree = true
  answer(0)
  await first
  expect(sizes).toEqual([1, 1])
  answer(1)
  await second
})

test.each([
  ['share a batch with what waits where a writer gains nothing by more', false, [1, 2]],
  ['let what waits go before them where it does', true, [1, 1, 1]],
])('callers who are answered %s', async (_, isWorthwhile, expected) => {
  let isFree = true
  const take = ({ length }: { readonly length: number }): number => (isFree ? length : 0)
  const overlap = { batchesMax: 2, isWorthwhile: () => isWorthwhile, take }
  const { sizes, submit, answer } = heldQueue(overlap, setImmediate)
  const caller = submit().then(submit)
  await new Promise(setImmediate)
  isFree = false
  const other = submit()
  await new Promise(setImmediate)
  expect(sizes).toEqual([1])
  isFree = true
  answer(0)
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  expect(sizes).toEqual(expected)
  answer(1)
  answer(2)
  await Promise.all([caller, other])
})
