// The limit of a store on SQLite: rows of the same bytes with one unique id, grouped into transactions, no
// checks.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** A table of events without a store around it. */
export interface BareTable extends Disposable {
  /** Resolves once the row is durable, together with those of everyone who waits at the same moment. */
  readonly append: (stream: number, version: number, payload: Uint8Array) => Promise<void>
}

/** Opens a table in a database with the settings of the store: WAL, `synchronous=FULL`, 64 MiB of cache. */
export function openBareTable(folder: string): BareTable {
  const database = new DatabaseSync(join(folder, 'bare.sqlite'))
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
    CREATE TABLE events (
      position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL,
      command_id BLOB, payload BLOB NOT NULL, recorded_at INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX by_stream ON events (stream, version);
    CREATE UNIQUE INDEX by_command ON events (command_id);
  `)
  const insert = database.prepare('INSERT INTO events VALUES (NULL, ?, ?, ?, ?, ?, ?)')
  let waiting: { readonly row: readonly [number, number, Uint8Array]; readonly done: () => void }[] = []
  let sequence = 0
  const flush = (): void => {
    const group = waiting
    waiting = []
    database.exec('BEGIN IMMEDIATE')
    for (const { row } of group) {
      const [stream, version, payload] = row
      insert.run(stream, version, 'MoneyDeposited', timeOrderedId(sequence++), payload, 1_700_000_000_000)
    }
    database.exec('COMMIT')
    for (const { done } of group) done()
  }
  return {
    append: (stream, version, payload) =>
      new Promise((resolve) => {
        waiting.push({ row: [stream, version, payload], done: resolve })
        if (waiting.length === 1) setImmediate(flush)
      }),
    [Symbol.dispose]: () => database.close(),
  }
}

/** Sixteen bytes that sort by the order in which they are made, as time-ordered UUIDs do. */
function timeOrderedId(sequence: number): Uint8Array {
  const id = Buffer.alloc(16)
  id.writeUIntBE(sequence, 0, 6)
  id.writeUInt32BE(Math.floor(Math.random() * 2 ** 32), 12)
  return id
}
