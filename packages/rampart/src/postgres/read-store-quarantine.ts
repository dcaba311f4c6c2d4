// Quarantined keys of a read store on PostgreSQL: what a batch does to them, and what is known of them.
import type { Client } from 'pg'
import { position } from '../core/codec/index.ts'
import type { DocumentCollection, QuarantineChange, QueuedEvent } from '../core/ports/index.ts'
import { readSql, run, type RunQuery, type Statement } from './database.ts'
import type { CollectionTable } from './read-store-tables.ts'

const inKey = 'WHERE collection = $1 AND key = $2'
const queue: Statement = {
  name: 'queue-event',
  text: 'INSERT INTO rampart_read.queued_events VALUES ($1, $2, $3, $4, $5)',
}
const fail: Statement = {
  name: 'fail-key',
  text: `INSERT INTO rampart_read.quarantined_keys (collection, key, error, since_ms, failing)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (collection, key) DO UPDATE SET error = excluded.error, failing = excluded.failing`,
}
const recordSkip: Statement = {
  name: 'record-skip',
  text: `INSERT INTO rampart_read.skipped_events (collection, key, position, event_id, type, actor, at_ms)
    SELECT collection, key, position, event_id, type, $4, $5
    FROM rampart_read.queued_events ${inKey} AND position = $3`,
}
const dequeue: Statement = {
  name: 'dequeue-event',
  text: `DELETE FROM rampart_read.queued_events ${inKey} AND position = $3`,
}
const forgetKey: Statement = {
  name: 'forget-key',
  text: `DELETE FROM rampart_read.quarantined_keys ${inKey}`,
}
const forgetQueue: Statement = {
  name: 'forget-queue',
  text: `DELETE FROM rampart_read.queued_events ${inKey}`,
}
const countHealed: Statement = {
  name: 'count-healed',
  text: 'UPDATE rampart_read.collections SET healed = healed + 1 WHERE number = $1',
}

/** Applies changes to the quarantine of a collection, within the transaction of their batch. */
export async function changeQuarantine(
  client: Client,
  collection: number,
  changes: readonly QuarantineChange[],
): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- they build on each other
  for (const change of changes) await applyChange(client, collection, change)
}

async function applyChange(client: Client, collection: number, change: QuarantineChange): Promise<void> {
  const { key } = change
  switch (change.change) {
    case 'queue': {
      const { position: at, eventId, type } = change.event
      await run(client, queue, [collection, key, at, eventId, type])
      return
    }
    case 'fail':
      await run(client, fail, [collection, key, storableText(change.error), change.atMs, change.position])
      return
    case 'skip':
      await run(client, recordSkip, [collection, key, change.position, change.actor, change.atMs])
      await run(client, dequeue, [collection, key, change.position])
      return
    case 'heal':
      await run(client, forgetKey, [collection, key])
      await run(client, forgetQueue, [collection, key])
      await run(client, countHealed, [collection])
  }
}

// A message is for people: what no text of PostgreSQL holds is shown as the character for what is unknown.
function storableText(message: string): string {
  return message.toWellFormed().replaceAll('\0', '\ufffd')
}

const listQuarantined: Statement = { name: 'list-quarantined', text: readSql('list-quarantined') }
const listQueued: Statement = {
  name: 'list-queued',
  text: `SELECT position, event_id, type FROM rampart_read.queued_events ${inKey} ORDER BY position`,
}
const listSkipped: Statement = {
  name: 'list-skipped',
  text: `SELECT key, actor, at_ms, position, event_id, type FROM rampart_read.skipped_events
    WHERE collection = $1 ORDER BY number DESC LIMIT $2`,
}

type QuarantineReader = Pick<DocumentCollection, 'quarantined' | 'queued' | 'skipped'>

/** Of documents that commit with events: none of their keys is ever quarantined. */
const nothing: QuarantineReader = {
  quarantined: async () => [],
  queued: async () => [],
  skipped: async () => [],
}

/** The reading half: what is quarantined, what waits, and what was skipped. */
export function createQuarantineReader(
  query: RunQuery,
  { schema, number }: CollectionTable,
): QuarantineReader {
  if (schema !== 'rampart_read') return nothing
  return {
    quarantined: async () =>
      (await query(listQuarantined, [number])).map(([key, error, sinceMs, ...event]) => ({
        key: String(key),
        error: String(error),
        sinceMs: Number(sinceMs),
        failing: eventOf(event),
        queued: Number(event[3]),
      })),
    queued: async (key) => (await query(listQueued, [number, key])).map(eventOf),
    skipped: async (limit) =>
      (await query(listSkipped, [number, limit])).map(([key, actor, atMs, ...event]) => ({
        key: String(key),
        event: eventOf(event),
        actor: typeof actor === 'string' ? actor : null,
        atMs: Number(atMs),
      })),
  }
}

function eventOf([at, eventId, type]: readonly unknown[]): QueuedEvent {
  return { position: position(Number(at)), eventId: String(eventId), type: String(type) }
}
