// Recorded events of every version that ever was fold to the same documents for ever.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { decodeEvent } from '../../src/core/codec/index.ts'
import { events, projection, type Json } from '../../src/core/index.ts'
import type { EventRecord } from '../../src/core/ports/index.ts'

// Members that an upcaster reads are described here, because older data has no type any more.
interface PlacedV1 {
  readonly customer: string
  readonly total: string
}

const money = z.int()
const orderEvents = events('order', {
  OrderPlaced: {
    version: 4,
    schema: z.object({ customer: z.object({ name: z.string() }), pence: money, lines: z.array(z.string()) }),
    upcast: {
      1(data) {
        const { customer, total, ...rest } = data as unknown as PlacedV1
        return { ...rest, customer, pence: Math.round(Number(total) * 100) }
      },
      2: (data) => ({ ...(data as object), customer: { name: (data as { customer: string }).customer } }),
      3: (data) => ({ ...(data as object), lines: [] }),
    },
  },
  OrderCancelled: {
    version: 2,
    schema: z.object({ reason: z.string() }),
    upcast: { 1: () => ({ reason: 'unknown' }) },
  },
  OrderRenamed: { version: 1, schema: z.object({ name: z.string() }) },
})

const orders = projection('orders', {
  version: 1,
  of: orderEvents,
  key: 'stream',
  initial: { status: 'unknown', name: '', pence: 0, lines: 0 },
  on: {
    OrderPlaced: (_, { data }) => ({
      status: 'placed',
      name: data.customer.name,
      pence: data.pence,
      lines: data.lines.length,
    }),
    OrderCancelled: (order, { data }) => ({ ...order, status: `cancelled: ${data.reason}` }),
    OrderRenamed: (order, { data }) => ({ ...order, name: data.name }),
  },
})

interface Line {
  readonly type: string
  readonly schemaVersion: number
  readonly id: string
  readonly data: Json
}

async function recorded(): Promise<readonly EventRecord[]> {
  const text = await readFile(join(import.meta.dirname, 'orders.jsonl'), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      const { type, schemaVersion, id, data }: Line = JSON.parse(line)
      const payload = new TextEncoder().encode(JSON.stringify(data))
      const record = {
        type,
        schemaVersion,
        streamId: id,
        payload,
        version: 1,
        position: index + 1,
        recordedAtMs: 0,
      }
      // What decoding does not look at is left out.
      return record as unknown as EventRecord
    })
}

test('the corpus of old events folds to the same documents as when it was recorded', async () => {
  const documents = new Map<string, Json>()
  for (const record of await recorded()) {
    const event = decodeEvent(orderEvents, record)
    const handler = orders.on[event.type]
    const [key = ''] = orders.keysOf(event)
    documents.set(key, handler?.(documents.get(key) ?? orders.initial, event, key) ?? null)
  }
  const text = JSON.stringify([...documents])
  const golden = await readFile(join(import.meta.dirname, 'orders.golden.json'), 'utf8')
  // The documents first, because a difference in them says more than one in their hash.
  expect(JSON.parse(text)).toEqual(JSON.parse(golden).documents)
  expect(createHash('sha256').update(text).digest('hex')).toBe(JSON.parse(golden).sha256)
})

test('every version of every event is in the corpus', async () => {
  const seen = new Set((await recorded()).map(({ type, schemaVersion }) => `${type} ${schemaVersion}`))
  const all = Object.entries(orderEvents.definitions).flatMap(([type, { version }]) =>
    Array.from({ length: version }, (_, index) => `${type} ${index + 1}`),
  )
  expect(seen).toEqual(new Set(all))
})
