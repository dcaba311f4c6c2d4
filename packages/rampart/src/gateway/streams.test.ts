// Event streams as such: heartbeats, back-pressure and ends, on a clock that tests move.
import { expect, test } from 'vitest'
import { systemRuntime, type Runtime } from '../core/index.ts'
import { anyone } from './visitor.ts'
import { createEventStreams, eventText, heartbeatMs, type StreamSource } from './streams.ts'

function createHandClock(): { readonly runtime: Runtime; readonly pass: (ms: number) => void } {
  const timers = new Set<{ readonly delayMs: number; readonly callback: () => void }>()
  const runtime: Runtime = {
    ...systemRuntime,
    setTimer(delayMs, callback) {
      const timer = { delayMs, callback }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  }
  const pass = (ms: number): void => {
    for (const timer of timers) {
      if (timer.delayMs > ms) continue
      timers.delete(timer)
      timer.callback()
    }
  }
  return { runtime, pass }
}

const silence: StreamSource = async function* (signal) {
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  yield []
}

test('a silent stream sends a comment every fifteen seconds', async () => {
  const { runtime, pass } = createHandClock()
  const streams = createEventStreams({ runtime, streamsMax: 1, reportFault: () => {} })
  const reader = streams.open(silence, anyone).body?.getReader()
  const read = async (): Promise<string> => new TextDecoder().decode((await reader?.read())?.value)
  expect(await read()).toMatch(/^retry: \d+\n\n$/)
  for (let beat = 0; beat < 3; beat++) {
    const next = read()
    await Promise.resolve()
    pass(heartbeatMs)
    expect(await next).toMatch(/^: .*\n\n$/)
  }
  await reader?.cancel()
  expect(streams.count()).toBe(0)
})

test('a client that does not read holds its source back', async () => {
  let made = 0
  const flood: StreamSource = async function* () {
    for (;;) yield [{ id: String(++made), data: 'x'.repeat(64 * 1024) }]
  }
  const streams = createEventStreams({ runtime: systemRuntime, streamsMax: 1, reportFault: () => {} })
  const reader = streams.open(flood, anyone).body?.getReader()
  for (let count = 0; count < 3; count++) await reader?.read()
  await new Promise((resolve) => systemRuntime.soon(() => resolve(undefined)))
  expect(made).toBeLessThanOrEqual(3)
  await reader?.cancel()
})

test('a source that throws ends its stream and is reported', async () => {
  const faults: unknown[] = []
  const streams = createEventStreams({
    runtime: systemRuntime,
    streamsMax: 1,
    reportFault: (one) => faults.push(one),
  })
  const broken: StreamSource = async function* () {
    yield [{ id: '1', data: 1 }]
    throw new Error('broken')
  }
  const text = await streams.open(broken, anyone).text()
  expect(text).toContain('id: 1\ndata: 1\n\n')
  expect(faults).toHaveLength(1)
  expect(streams.count()).toBe(0)
})

test('a stream ends with the token of its visitor, and sends nothing on after that', async () => {
  let nowMs = 1000
  const runtime: Runtime = { ...systemRuntime, nowMs: () => nowMs }
  const ticking: StreamSource = async function* () {
    for (let tick = 1; ; tick++) {
      if (tick === 3) nowMs = 2000
      yield [{ id: String(tick), data: tick }]
    }
  }
  const streams = createEventStreams({ runtime, streamsMax: 1, reportFault: () => {} })
  const text = await streams.open(ticking, { caller: null, untilMs: 2000 }).text()
  expect(text.match(/data: .*/g)).toEqual(['data: 1', 'data: 2'])
  expect(streams.count()).toBe(0)
})

test('an event is written as lines that end with an empty one', () => {
  expect(eventText({ id: 'a', event: 'reset', data: { text: 'two\nlines' } })).toBe(
    'event: reset\nid: a\ndata: {"text":"two\\nlines"}\n\n',
  )
})
