// What is recorded is what its schema accepts, and older records come back in today's shape.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { events } from '../events.ts'
import { position, streamId, streamVersion } from '../identity.ts'
import type { Json } from '../json.ts'
import type { EventRecord } from '../ports/index.ts'
import { decodeEvent, encodeEvent } from './event-codec.ts'

const renamed = (recorded: Json): Json => ({ euros: Object(recorded).amount })
const paid = events('payment', {
  Paid: {
    version: 3,
    schema: z.strictObject({ cents: z.number(), note: z.string().optional() }),
    tags: ({ cents }) => [`cents:${cents}`],
    upcast: { 1: renamed, 2: (recorded) => ({ cents: Object(recorded).euros * 100 }) },
  },
})

function recordOf(data: unknown, more: Partial<EventRecord> = {}): EventRecord {
  return {
    position: position(7),
    decider: 'payment',
    streamId: streamId('p-1'),
    version: streamVersion(2),
    type: 'Paid',
    schemaVersion: 3,
    appendId: 'a',
    appendIndex: 0,
    commandId: null,
    contentType: 'application/json',
    payload: new TextEncoder().encode(typeof data === 'string' ? data : JSON.stringify(data)),
    tags: [],
    correlationId: null,
    causationId: null,
    actor: null,
    dataSubjectId: null,
    keyId: null,
    recordedAtMs: 0,
    ...more,
  }
}

describe('encodeEvent', () => {
  test('answers with the data as a later read gives it: one zero, no absent members', () => {
    const { stored, data } = encodeEvent(paid, { type: 'Paid', data: { cents: -0, note: undefined } })
    expect(data).toStrictEqual({ cents: 0 })
    expect(stored).toMatchObject({ type: 'Paid', schemaVersion: 3, tags: ['cents:0'] })
    expect(new TextDecoder().decode(stored.payload)).toBe('{"cents":0}')
  })

  test('keeps the payloads of many events apart, long and short ones', () => {
    const notes = ['', 'ä€😀', 'x'.repeat(5000), 'y'.repeat(70_000), ...'z'.repeat(50).split('')]
    const encoded = [...notes, ...notes].map((note) =>
      encodeEvent(paid, { type: 'Paid', data: { cents: 1, note } }),
    )
    const texts = encoded.map(({ stored }) => new TextDecoder().decode(stored.payload))
    expect(texts).toEqual([...notes, ...notes].map((note) => JSON.stringify({ cents: 1, note })))
  })

  test('answers with data that is not the data it was given, so that neither changes with the other', () => {
    const given = { cents: 1 }
    const { data } = encodeEvent(paid, { type: 'Paid', data: given })
    given.cents = 2
    expect(data).toEqual({ cents: 1 })
  })

  test.each([
    ['a member too many', { cents: 1, extra: 1 }],
    ['a wrong type', { cents: '1' }],
    ['a lone surrogate', { cents: 1, note: '\ud800' }],
    ['a number that JSON lacks', { cents: Number.NaN }],
  ])('refuses %s', (_, data) => {
    const code = 'EVENT_INVALID'
    expect(() => encodeEvent(paid, { type: 'Paid', data })).toThrow(expect.objectContaining({ code }))
  })

  test('refuses an event of another aggregate, naming those there are', () => {
    expect(() => encodeEvent(paid, { type: 'Lost', data: {} })).toThrow(
      'payment has no event Lost. It has: Paid.',
    )
  })
})

describe('decodeEvent', () => {
  test('gives type, data, stream, version, position and time', () => {
    expect(decodeEvent(paid, recordOf({ cents: 5 }))).toEqual({
      type: 'Paid',
      data: { cents: 5 },
      id: 'p-1',
      version: 2,
      position: 7,
      recordedAt: '1970-01-01T00:00:00.000Z',
    })
  })

  test('upcasts step by step from any older version', () => {
    expect(decodeEvent(paid, recordOf({ amount: 2 }, { schemaVersion: 1 })).data).toEqual({ cents: 200 })
    expect(decodeEvent(paid, recordOf({ euros: 3 }, { schemaVersion: 2 })).data).toEqual({ cents: 300 })
  })

  test.each([
    ['a version of newer code', recordOf({}, { schemaVersion: 4 }), 'UPCAST_FAILED'],
    ['a version without an upcaster', recordOf({}, { schemaVersion: 0 }), 'UPCAST_FAILED'],
    ['a payload that is not JSON', recordOf('{'), 'EVENT_INVALID'],
    [
      'bytes that are not UTF-8',
      recordOf({}, { payload: new Uint8Array([0x22, 0xff, 0x22]) }),
      'EVENT_INVALID',
    ],
    ['a type that nobody defined', recordOf({}, { type: 'Lost' }), 'EVENT_TYPE_UNKNOWN'],
  ])('says what is wrong with %s', (_, record, code) => {
    expect(() => decodeEvent(paid, record)).toThrow(expect.objectContaining({ code }))
  })
})
