// How progress looks on a terminal and in a log.
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { systemRuntime, type Runtime } from '../core/index.ts'
import { openProgress } from './progress.ts'

/** What is shown of 3,000 items, each of which takes `itemMs`. */
function show(options: {
  readonly isTTY: boolean
  readonly itemMs: number
  readonly unit: string
  readonly label?: string
  readonly columns?: number
}): string {
  const { isTTY, itemMs, unit, label = 'sample', columns = 100 } = options
  const stream = Object.assign(new PassThrough(), { isTTY, columns })
  let nowMs = 0
  const runtime: Runtime = { ...systemRuntime, elapsedMs: () => nowMs }
  {
    using progress = openProgress({ label, total: 2000, unit, stream, runtime })
    for (let done = 1; done <= 3000; done += 1) {
      nowMs += itemMs
      progress.advanceTo(done, 3000)
    }
  }
  return String(stream.read() ?? '')
}

test('draws a bar on a terminal, follows a total that moves, and leaves it full', () => {
  const shown = show({ isTTY: true, itemMs: 5, unit: 'events' })
  expect(shown).toMatch(/sample \[=+\] 100% 0 s left, 200 per second, 3000 of 3000 events/)
  // Modes of the terminal stay as they are, so that no signal can leave one behind.
  expect(shown).not.toContain('\u001B[?')
})

test('shows rate and time left on a terminal of 80 columns, also beside a long label', () => {
  const label = 'verify default/customer-orders/0'
  const shown = show({ isTTY: true, itemMs: 5, unit: 'events', label, columns: 80 })
  expect(shown).toContain(`${label} [======] 100% 0 s left, 200 per second, 3000 of`)
})

test('writes a line every five seconds elsewhere, with rate and time left', () => {
  expect(show({ isTTY: false, itemMs: 5, unit: 'events' }).split('\n')).toEqual([
    'sample: 1000 of 3000 events, 200 per second, 10 s left',
    'sample: 2000 of 3000 events, 200 per second, 5 s left',
    'sample: 3000 of 3000 events, 200 per second, 0 s left',
    '',
  ])
  expect(show({ isTTY: false, itemMs: 1000, unit: 'bytes' })).toContain(
    'sample: 0.0 of 0.0 MB, 0.0 per second, 50 min left\n',
  )
})

test('says nothing elsewhere about work that ends soon', () => {
  expect(show({ isTTY: false, itemMs: 1, unit: 'events' })).toBe('')
})
