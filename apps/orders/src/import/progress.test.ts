// How progress looks on a terminal and in a log.
import { PassThrough } from 'node:stream'
import { systemRuntime, type Runtime } from 'rampart'
import { expect, test } from 'vitest'
import { createProgress } from './progress.ts'
import { createTally } from './tally.ts'

function show(isTTY: boolean, runtime: Runtime): string {
  const stream = new PassThrough()
  // Progress only writes to its stream, and asks whether it is a terminal.
  const terminal = Object.assign(stream, { isTTY, columns: 100 }) as unknown as NodeJS.WriteStream
  const tally = createTally()
  {
    using progress = createProgress(terminal, { label: 'sample', total: 300, runtime })
    for (tally.placed = 1; tally.placed < 300; tally.placed += 1) progress.show(tally)
    progress.show(tally)
  }
  return String(stream.read())
}

test('draws a bar on a terminal and leaves it full', () => {
  const shown = show(true, systemRuntime)
  expect(shown).toMatch(/sample \[.*] 300 of 300 invoices, \d+ per second, 0s left/)
})

test('writes a line every two seconds elsewhere, and the last one', () => {
  let nowMs = 0
  const slow: Runtime = { ...systemRuntime, elapsedMs: () => (nowMs += 15) }
  expect(show(false, slow).split('\n')).toEqual([
    'sample: 300 invoices',
    'sample: 134 of 300 invoices',
    'sample: 268 of 300 invoices',
    'sample: 300 of 300 invoices',
    '',
  ])
})
