// The limit of a store on SQLite: the rows that the store would write, grouped into transactions, and no
// checks.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Tables of events and streams without a store around them. */
export interface BareTable extends Disposable {
  /** Resolves once the row is durable, together with those of everyone who waits at the same moment. */
  readonly append: (append: Append) => Promise<void>
}

/** An event of a stream, of which the caller knows the number and the version. */
export interface Append {
  readonly stream: number
  readonly version: number
  /** What a new stream is called. */
  readonly name: string
  readonly payload: Uint8Array
}

interface Row extends Append {
  readonly done: () => void
}

/**
 * Opens tables with the columns and indexes of the store and with its settings. The column of the outcome
 * stays empty.
 */
export function openBareTable(folder: string): BareTable {
  const database = new DatabaseSync(join(folder, 'bare.sqlite'))
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
    PRAGMA wal_autocheckpoint = 4000;
    CREATE TABLE streams (
      number INTEGER PRIMARY KEY, log INTEGER NOT NULL, decider TEXT NOT NULL, id TEXT NOT NULL,
      UNIQUE (log, decider, id)
    ) STRICT;
    CREATE TABLE events (
      place INTEGER PRIMARY KEY, stream INTEGER NOT NULL, version INTEGER NOT NULL, type INTEGER NOT NULL,
      schema_version INTEGER NOT NULL, append_id TEXT NOT NULL, append_index INTEGER NOT NULL,
      recorded_at_ms INTEGER NOT NULL, command_key BLOB, content_type TEXT, tags TEXT, correlation_id TEXT,
      causation_id TEXT, actor TEXT, data_subject_id TEXT, key_id TEXT, fingerprint TEXT,
      append_events INTEGER, outcome_version INTEGER, outcome TEXT, payload BLOB NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_by_stream ON events (stream, version);
    CREATE UNIQUE INDEX events_by_command ON events (command_key)
    WHERE append_index = 0 AND command_key IS NOT NULL;
  `)
  const insertStream = database.prepare(`INSERT INTO streams VALUES (?, 1, 'account', ?)`)
  const insertEvent = database.prepare(`
    INSERT INTO events (
      place, stream, version, type, schema_version, append_id, append_index, recorded_at_ms, command_key,
      fingerprint, outcome_version, payload
    ) VALUES (?, ?, ?, 1, 1, ?, 0, ?, ?, 'q83vEjRWeJq83vEjRWeJqw', ?, ?)
  `)
  let sequence = 0
  const insert = ({ stream, version, name, payload }: Row): void => {
    const place = ++sequence
    if (version === 1) insertStream.run(stream, name)
    const appendId = `ohsmflbhd3k-${place.toString(36)}`
    insertEvent.run(place, stream, version, appendId, Date.now(), timeOrderedId(place), version, payload)
  }
  let waiting: Row[] = []
  const flush = (): void => {
    const group = waiting
    waiting = []
    database.exec('BEGIN IMMEDIATE')
    for (const row of group) insert(row)
    database.exec('COMMIT')
    for (const { done } of group) done()
  }
  return {
    append: (append) =>
      new Promise((done) => {
        waiting.push({ ...append, done })
        if (waiting.length === 1) setImmediate(flush)
      }),
    [Symbol.dispose]: () => database.close(),
  }
}

/** Eighteen bytes that sort by the order in which they are made, as keys of time-ordered UUIDs do. */
function timeOrderedId(sequence: number): Uint8Array {
  const id = Buffer.alloc(18)
  id.writeUIntBE(sequence, 0, 6)
  id.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), 12)
  return id
}
