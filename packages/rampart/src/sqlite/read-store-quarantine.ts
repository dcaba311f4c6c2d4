// Quarantined keys of a SQLite read store: what a batch does to them, and what is known of them.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { position } from '../core/codec/index.ts'
import type { DocumentCollection, QuarantineChange, QueuedEvent } from '../core/ports/index.ts'
import { readSql } from './database.ts'
import { collectionSql } from './read-store-tables.ts'

/** Applies changes to the quarantine of a collection, within the transaction of their batch. */
export type QuarantineWriter = (collection: number, changes: readonly QuarantineChange[]) => void

/** Prepares the statements of an open database. */
export function createQuarantineWriter(database: DatabaseSync): QuarantineWriter {
  const inKey = 'WHERE collection = ? AND key = ?'
  const statements: Statements = {
    queue: database.prepare('INSERT INTO queued_events VALUES (?, ?, ?, ?, ?)'),
    fail: database.prepare(readSql('fail-key')),
    recordSkip: database.prepare(readSql('record-skip')),
    dequeue: database.prepare(`DELETE FROM queued_events ${inKey} AND position = ?`),
    forgetKey: database.prepare(`DELETE FROM quarantined_keys ${inKey}`),
    forgetQueue: database.prepare(`DELETE FROM queued_events ${inKey}`),
    countHealed: database.prepare('UPDATE collections SET healed = healed + 1 WHERE number = ?'),
  }
  return (collection, changes) => {
    for (const change of changes) applyChange(statements, collection, change)
  }
}

interface Statements {
  readonly queue: StatementSync
  readonly fail: StatementSync
  readonly recordSkip: StatementSync
  readonly dequeue: StatementSync
  readonly forgetKey: StatementSync
  readonly forgetQueue: StatementSync
  readonly countHealed: StatementSync
}

function applyChange(statements: Statements, collection: number, change: QuarantineChange): void {
  const { key } = change
  switch (change.change) {
    case 'queue': {
      const { position: at, eventId, type } = change.event
      statements.queue.run(collection, key, at, eventId, type)
      return
    }
    case 'fail':
      statements.fail.run(collection, key, change.error, change.atMs, change.position)
      return
    case 'skip':
      statements.recordSkip.run(change.actor, change.atMs, collection, key, change.position)
      statements.dequeue.run(collection, key, change.position)
      return
    case 'heal':
      statements.forgetKey.run(collection, key)
      statements.forgetQueue.run(collection, key)
      statements.countHealed.run(collection)
  }
}

type Rows = (sql: string, values: readonly (string | number)[]) => readonly (readonly unknown[])[]

/** The reading half: what is quarantined, what waits, and what was skipped. */
export function createQuarantineReader(
  rows: Rows,
  number: number,
): Pick<DocumentCollection, 'quarantined' | 'queued' | 'skipped'> {
  const of = `collection = ${number}`
  const events = 'SELECT position, event_id, type FROM queued_events'
  const queued = `${events} WHERE ${of} AND key = ? ORDER BY position`
  const skipped =
    'SELECT key, actor, at_ms, position, event_id, type FROM skipped_events ' +
    `WHERE ${of} ORDER BY number DESC LIMIT ?`
  return {
    quarantined: async () =>
      rows(collectionSql('list-quarantined', number), []).map(([key, error, sinceMs, ...event]) => ({
        key: String(key),
        error: String(error),
        sinceMs: Number(sinceMs),
        failing: eventOf(event),
        queued: Number(event[3]),
      })),
    queued: async (key) => rows(queued, [key]).map(eventOf),
    skipped: async (limit) =>
      rows(skipped, [limit]).map(([key, actor, atMs, ...event]) => ({
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
