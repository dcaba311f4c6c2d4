// Proves that what comes piece by piece is handed on piece by piece, to the end or to its failure.
import { describe, expect, test } from 'vitest'
import { asTheyCome } from './row-stream.ts'

/** Work that a test carries on by itself. */
function steppedWork() {
  const ended = Promise.withResolvers<void>()
  let take: (value: number) => void = () => {}
  const values = asTheyCome<number>((handOver) => {
    take = handOver
    return ended.promise
  })
  return { values, give: (...numbers: number[]) => numbers.forEach((number) => take(number)), ended }
}

async function rest(values: AsyncIterable<number>): Promise<readonly number[]> {
  const found: number[] = []
  for await (const value of values) found.push(value)
  return found
}

describe('values as they come', () => {
  test('are handed on before the work has ended, in order', async () => {
    const { values, give, ended } = steppedWork()
    const first = values.next()
    give(1, 2)
    expect(await first).toEqual({ done: false, value: 1 })
    give(3)
    ended.resolve()
    expect(await rest(values)).toEqual([2, 3])
  })

  test('come before the failure of the work', async () => {
    const { values, give, ended } = steppedWork()
    const first = values.next()
    give(1)
    ended.reject(new Error('gone'))
    expect(await first).toEqual({ done: false, value: 1 })
    await expect(values.next()).rejects.toThrow('gone')
  })

  test('may be left alone, and then nobody hears of a failure', async () => {
    const { values, give, ended } = steppedWork()
    const first = values.next()
    give(1, 2)
    await first
    expect(await values.return(undefined)).toEqual({ done: true, value: undefined })
    ended.reject(new Error('unheard'))
    expect(await rest(values)).toEqual([])
  })
})
