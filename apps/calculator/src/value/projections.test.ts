// What the read model of values says after some events.
import type { DecidedEvent, Json, Recorded } from 'rampart'
import { expect, test } from 'vitest'
import { valueEvents } from './events.ts'
import { values } from './projections.ts'

const { ValueCreated, ValueUpdated } = valueEvents.make

function fold(events: readonly DecidedEvent[]): Json {
  return events.reduce<Json>((document, event, index) => {
    const place = { id: 'v', version: index + 1, position: index + 1, recordedAt: '2026-01-01T00:00:00.000Z' }
    const recorded: Recorded = { ...event, ...place }
    return values.on[event.type]?.(document, recorded, 'v') ?? null
  }, values.initial)
}

const created = ValueCreated({ value: 2 })
const added = ValueUpdated({ operation: 'ADD', value: 2, result: 4 })

test('shows the result of the last event', () => {
  expect(fold([created])).toEqual({ value: 2 })
  expect(fold([created, added])).toEqual({ value: 4 })
})

test('shows the same when an event comes twice', () => {
  expect(fold([created, created, added, added])).toEqual({ value: 4 })
})
