// Leaves that are kept from appends until their seals: in which order, how many, and what ends them.
import { expect, test } from 'vitest'
import { checkAppend, pageBytesMax } from '../core/checks/index.ts'
import { position, streamId, streamVersion } from '../core/codec/index.ts'
import { sealEventsMax } from '../core/seals/index.ts'
import type { CallAppend } from './append-call.ts'
import { createFreshLeaves, type FreshLeaves } from './fresh-leaves.ts'

const log = 7
const nowMs = 1000

function appendOf(events: number, payloadBytes = 2): CallAppend {
  const payload = new Uint8Array(payloadBytes).fill(32)
  const given = Array.from({ length: events }, (_, index) => ({
    type: `Noted${index}`,
    schemaVersion: 1,
    payload,
  }))
  const writes = [{ decider: 'note', id: streamId('a'), expectedVersion: 'none' as const, events: given }]
  return { checked: checkAppend({ writes }), appendId: 'prefix-1', buildsOn: [0], documents: [] }
}

interface Answer {
  /** The position of its last event. */
  readonly last: number
  readonly version?: number
  readonly recordedAtMs?: number
}

function take(
  leaves: FreshLeaves,
  append: CallAppend,
  { last, version, recordedAtMs = nowMs }: Answer,
): void {
  const drafts = leaves.draft({ number: log, nowMs }, [append])
  const events = append.checked.request.writes[0]?.events.length ?? 0
  const place = { epoch: 'e', position: position(last), eventId: 'prefix-1.0' }
  const versions = [streamVersion(version ?? events)]
  leaves.keep(log, drafts, {
    appends: [append],
    results: [{ status: 'appended', versions, place }],
    recordedAtMs,
  })
}

/** Leaves of a log that somebody seals. */
function sealed(): FreshLeaves {
  const leaves = createFreshLeaves()
  expect(leaves.after(log, 0)).toEqual([])
  return leaves
}

test('keeps nothing before somebody seals the log, and nothing of other logs', () => {
  const leaves = createFreshLeaves()
  take(leaves, appendOf(3), { last: 3 })
  expect(leaves.after(8, 0)).toEqual([])
  expect(leaves.after(log, 0)).toEqual([])
  take(leaves, appendOf(2), { last: 5 })
  expect(leaves.after(log, 3)).toHaveLength(2)
  expect(leaves.after(8, 3)).toEqual([])
})

test('gives what follows a position, and nothing where its first event is not held', () => {
  const leaves = sealed()
  take(leaves, appendOf(3), { last: 13 })
  take(leaves, appendOf(1), { last: 14 })
  const all = leaves.after(log, 10)
  expect(all).toHaveLength(4)
  expect(new Set(all).size).toBe(3)
  expect(leaves.after(log, 12)).toEqual(all.slice(2))
  expect(leaves.after(log, 9)).toEqual([])
  expect(leaves.after(log, 14)).toEqual([])
})

test('begins anew where others have appended in between, or a log goes back', () => {
  const leaves = sealed()
  take(leaves, appendOf(3), { last: 3 })
  take(leaves, appendOf(2), { last: 6 })
  expect(leaves.after(log, 0)).toEqual([])
  expect(leaves.after(log, 4)).toHaveLength(2)
  take(leaves, appendOf(2), { last: 2 })
  expect(leaves.after(log, 4)).toEqual([])
  expect(leaves.after(log, 0)).toHaveLength(2)
})

test('makes leaves anew where version or time are others than expected', () => {
  const known = new Set<string>()
  for (const answer of [{}, { version: 5 }, { recordedAtMs: 2000 }, { version: 5, recordedAtMs: 2000 }]) {
    const leaves = sealed()
    take(leaves, appendOf(1), { last: 1, ...answer })
    const [leaf = ''] = leaves.after(log, 0)
    expect(leaf).toMatch(/^[0-9a-f]{64}$/)
    known.add(leaf)
  }
  expect(known.size).toBe(4)
})

test('gives as many as a seal may cover, in the order of their positions, and then the rest', () => {
  const leaves = sealed()
  const count = 2 * sealEventsMax + 5
  for (let last = 500; last < count; last += 500) take(leaves, appendOf(500), { last })
  const left = count % 500
  take(leaves, appendOf(left), { last: count })
  const ranges = [0, sealEventsMax, 2 * sealEventsMax].map((after) => leaves.after(log, after))
  expect(ranges.map(({ length }) => length)).toEqual([sealEventsMax, sealEventsMax, 5])
  // The same events repeat every 500 positions.
  const all = ranges.flat()
  expect(all.slice(500, 1000)).toEqual(all.slice(0, 500))
  expect(all.slice(0, 2000)).toEqual([...all.slice(500, 2000), ...all.slice(0, 500)])
  expect(new Set(all.slice(0, 500)).size).toBe(500)
  // What was passed is not held any more.
  expect(leaves.after(log, 0)).toEqual([])
  take(leaves, appendOf(1), { last: count + 1 })
  expect(leaves.after(log, count)).toHaveLength(1)
})

test('ends a range before its payloads are too large', () => {
  const leaves = sealed()
  for (const last of [1, 2, 3]) take(leaves, appendOf(1, pageBytesMax / 2), { last })
  expect(leaves.after(log, 0)).toHaveLength(2)
  expect(leaves.after(log, 2)).toHaveLength(1)
})

test('forgets all of them when nobody seals for long, and begins when somebody does', () => {
  const leaves = sealed()
  const append = appendOf(1000)
  for (let last = 1000; last <= 140_000; last += 1000) take(leaves, append, { last })
  expect(leaves.draft({ number: log, nowMs }, [append])).toEqual([])
  expect(leaves.after(log, 139_000)).toEqual([])
  take(leaves, append, { last: 141_000 })
  expect(leaves.after(log, 140_000)).toHaveLength(1000)
})
