// Which batches are on their way to the database at the same moment, and when that is worthwhile.
import { describe, expect, test } from 'vitest'
import { checkAppend } from '../core/checks/index.ts'
import { position } from '../core/codec/index.ts'
import type { Operation } from '../core/group-commit/index.ts'
import type { AppendRequest } from '../core/ports/index.ts'
import { claim, event, upTo, write } from '../testing/event-store-contract-steps.ts'
import { createFlights } from './overlap.ts'
import { createPace } from './pace.ts'

const always = { isWorthwhile: () => true, begin: () => () => undefined }

function appendTo(stream: string, request: Omit<AppendRequest, 'writes'> = {}): Operation {
  const append = checkAppend({ writes: [write(stream, 'any', [event('e')])], ...request })
  return { kind: 'append', log: 1, append }
}

function appendsTo(...streams: readonly string[]): readonly Operation[] {
  return streams.map((stream) => appendTo(stream))
}

const release: Operation = {
  kind: 'release',
  log: 1,
  commandIds: [],
  retryAtMs: 0,
  cause: null,
  owner: null,
  untried: 0,
}

describe('what waits', () => {
  test('goes as two halves, the second beside the first', () => {
    const flights = createFlights(always)
    const waiting = appendsTo('a', 'b', 'c', 'd', 'e')
    expect(flights.take(waiting)).toBe(3)
    const end = flights.begin(waiting.slice(0, 3))
    expect(flights.take(waiting.slice(3))).toBe(2)
    expect(flights.take(waiting.slice(4))).toBe(0)
    end()
    expect(flights.take(waiting.slice(4))).toBe(1)
  })

  test('goes as one batch where two gain nothing', () => {
    const flights = createFlights({ ...always, isWorthwhile: () => false })
    const waiting = appendsTo('a', 'b', 'c', 'd')
    expect(flights.take(waiting)).toBe(4)
    flights.begin(waiting)
    expect(flights.take(appendsTo('e', 'f', 'g', 'h'))).toBe(0)
  })

  test('waits for an append on its way to the same stream or with the same command id', () => {
    const flights = createFlights(always)
    const first = [appendTo('a'), appendTo('b', { command: claim(1) })]
    flights.begin(first)
    expect(flights.take(appendsTo('c', 'd', 'a', 'e'))).toBe(2)
    expect(flights.take(appendsTo('a', 'c', 'd', 'e'))).toBe(0)
    expect(flights.take([appendTo('c', { command: claim(1) })])).toBe(0)
    expect(flights.take([appendTo('c', { command: claim(2) })])).toBe(1)
    const chained = createFlights(always)
    expect(chained.take(appendsTo('a', 'b', 'a', 'c'))).toBe(4)
  })

  test('has the connection to itself where it is no append, or one with a condition', () => {
    const conditional = appendTo('z', { failIfMatch: [{ tags: ['seat:1'], after: position(0) }] })
    for (const alone of [release, conditional]) {
      const flights = createFlights(always)
      expect(flights.take([alone, ...appendsTo('a', 'b')])).toBe(3)
      const end = flights.begin([...appendsTo('a', 'b')])
      expect(flights.take([alone, ...appendsTo('c', 'd')])).toBe(0)
      end()
      flights.begin([alone])
      expect(flights.take(appendsTo('c', 'd'))).toBe(0)
    }
  })
})

test('two batches are asked for in another way while two are on their way', () => {
  const asked: boolean[] = []
  const isWorthwhile = (_: number, areTwo: boolean): boolean => asked.push(areTwo) > 0
  const flights = createFlights({ ...always, isWorthwhile })
  flights.take(appendsTo('a', 'b', 'c', 'd'))
  flights.begin(appendsTo('a', 'b'))
  flights.take(appendsTo('c', 'd'))
  expect(asked).toEqual([false, true])
})

describe('two batches', () => {
  interface Times {
    /** What a call costs whatever is in it, such as the sync of its commit. */
    readonly onceMs: number
    readonly workedMs: number
    /** Between an answer and the next call. */
    readonly awayMs: number
  }

  function paceAfter(calls: number, { onceMs, workedMs, awayMs }: Times) {
    let nowMs = 0
    const pace = createPace({ elapsedMs: () => nowMs })
    for (const _ of upTo(calls)) {
      const end = pace.begin(64)
      nowMs += onceMs + workedMs
      end(workedMs)
      nowMs += awayMs
    }
    return pace
  }

  test('are worthwhile while this process takes longer for the callers than a call costs once', () => {
    const quick = paceAfter(10, { onceMs: 0.4, workedMs: 1, awayMs: 0.8 })
    expect([64, 32, 1].map((appends) => quick.isWorthwhile(appends, false))).toEqual([true, false, false])
    expect([64, 32, 1].map((appends) => quick.isWorthwhile(appends, true))).toEqual([true, true, false])
    const slowDisk = paceAfter(10, { onceMs: 8, workedMs: 1, awayMs: 0.8 })
    expect([64, 256].map((appends) => slowDisk.isWorthwhile(appends, false))).toEqual([false, false])
    const fewCallers = paceAfter(10, { onceMs: 0.4, workedMs: 1, awayMs: 0 })
    expect(fewCallers.isWorthwhile(64, true)).toBe(false)
  })

  test('are not tried before anything was measured, nor for a pause without callers', () => {
    expect(paceAfter(1, { onceMs: 0.1, workedMs: 1, awayMs: 10 }).isWorthwhile(1000, false)).toBe(false)
    const paused = paceAfter(10, { onceMs: 2, workedMs: 0.1, awayMs: 1_000_000 })
    expect(paused.isWorthwhile(64, false)).toBe(false)
  })
})
