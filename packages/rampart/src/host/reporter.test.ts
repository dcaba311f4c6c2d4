// What a process writes of faults, however many there are.
import { expect, test } from 'vitest'
import { RampartError, systemRuntime } from '../core/index.ts'
import { createReporter } from './reporter.ts'

function openReporter() {
  let nowMs = 0
  const lines: { code: string; msg: string; leftOut?: number }[] = []
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const report = createReporter({ ...systemRuntime, elapsedMs: () => nowMs }, destination)
  return { lines, report, pass: (ms: number) => void (nowMs += ms) }
}

const away = (ms: number) => new RampartError('STORE_UNAVAILABLE', `No answer came within ${ms} ms.`)

test('faults of one kind are one line in five seconds, with how many were left out', () => {
  const { lines, report, pass } = openReporter()
  for (let index = 0; index < 1000; index++) report(away(index), `GET /reads/order/${index}`)
  expect(lines).toMatchObject([{ code: 'STORE_UNAVAILABLE', msg: 'GET /reads/order/0 failed' }])
  expect(lines[0]).not.toHaveProperty('leftOut')
  pass(5000)
  report(away(1), 'GET /reads/order/1')
  expect(lines[1]).toMatchObject({ msg: 'GET /reads/order/1 failed', leftOut: 999 })
  pass(5000)
  report(away(1), 'GET /reads/order/1')
  expect(lines[2]).not.toHaveProperty('leftOut')
})

test('faults of other kinds are written beside them', () => {
  const { lines, report } = openReporter()
  const one = new TypeError('nothing is there')
  const other = new TypeError('nothing is there')
  for (const key of ['s1', 's2'])
    report(new RampartError('KEY_QUARANTINED', `${key} cannot be folded.`), 'it')
  expect(lines.splice(0)).toHaveLength(2)
  for (const fault of [
    away(1),
    one,
    new RampartError('STORE_FULL', 'The disk is full.'),
    one,
    other,
    'words',
  ]) {
    report(fault, 'it')
  }
  const codes = ['STORE_UNAVAILABLE', 'INTERNAL', 'STORE_FULL', 'INTERNAL', 'INTERNAL']
  expect(lines.map(({ code }) => code)).toEqual(codes)
})

test('no fault is lost where there are more kinds than are remembered', () => {
  const { lines, report } = openReporter()
  for (let index = 0; index < 2000; index++) report(`fault ${index}`, 'it')
  report('fault 1999', 'it')
  expect(lines).toHaveLength(2001)
})
