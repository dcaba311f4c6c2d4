// Looks at the files of a store beside the process that has it open, or without one: for operators.
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { InspectedCollection, InspectedLog } from '../core/inspection/index.ts'
import { openDatabase, readSql, requireKind, storeFault, type DatabaseSchema } from './database.ts'
import { misplacedRows, misplacedText } from './misplaced-rows.ts'
import { placeOf, positionOf } from './places.ts'
import { readStoreSchema } from './read-store-tables.ts'
import { numberAt, numberOrNullAt, prepareQuery, textAt, textOrNullAt } from './rows.ts'
import { createSealReader } from './seal-rows.ts'
import { writeSchema } from './writer-service.ts'

/** A file of a store. `schema` is that of the file, `knownSchema` the newest that this version can read. */
export interface InspectedFile {
  readonly file: string
  readonly bytes: number
  /** The bytes of the journal beside it, which a checkpoint has not moved into the file yet. */
  readonly journalBytes: number
  readonly schema: number
  readonly knownSchema: number
}

/** A read store; its collections are empty when its file has another schema than today's. */
export interface InspectedReadStore extends InspectedFile {
  readonly collections: readonly InspectedCollection[]
}

/** A write store; its logs are empty when its file has another schema than today's. */
export interface InspectedStore extends InspectedReadStore {
  readonly logs: readonly InspectedLog[]
  /** What stands in it and belongs to none of its logs, in words. */
  readonly misplaced: readonly string[]
}

const busyTimeoutMs = 2000

/** Looks at a write store. Throws `STORE_UNAVAILABLE` for what cannot be read. */
export function inspectStore({
  file,
  nowMs,
}: {
  readonly file: string
  readonly nowMs: number
}): InspectedStore {
  return inspect(file, writeSchema, (database, found) => {
    if (!isToday(found)) return { ...found, logs: [], collections: [], misplaced: [] }
    const logs = prepareQuery(database, 'SELECT number, key FROM logs ORDER BY number').all()
    const inspectLog = createLogInspector(database, nowMs)
    return {
      ...found,
      logs: logs.map((row) => inspectLog(numberAt(row, 0), textAt(row, 1))),
      collections: collectionsIn(database, true),
      misplaced: misplacedRows((sql) => prepareQuery(database, sql)).map(misplacedText),
    }
  })
}

/** Looks at a read store. Throws `STORE_UNAVAILABLE` for what cannot be read. */
export function inspectReadStore(file: string): InspectedReadStore {
  return inspect(file, readStoreSchema, (database, found) => {
    if (!isToday(found)) return { ...found, collections: [] }
    return { ...found, collections: collectionsIn(database, false) }
  })
}

function collectionsIn(database: DatabaseSync, isSynchronous: boolean): readonly InspectedCollection[] {
  const rows = prepareQuery(database, readSql('inspect-collections')).all()
  return rows.map((row) => ({
    log: textAt(row, 0),
    name: textAt(row, 1),
    version: numberAt(row, 2),
    generation: numberAt(row, 3),
    isLive: numberAt(row, 4) === 1,
    isSynchronous,
    isNamed: textOrNullAt(row, 5) !== null,
    position: numberAt(row, 6),
    quarantinedKeys: numberAt(row, 8),
  }))
}

/** When the first event after a position of a log was recorded; null when there is none. */
export function recordedAfter(file: string, log: string, position: number): number | null {
  return inspect(file, writeSchema, (database) => {
    const [number] = prepareQuery(database, 'SELECT number FROM logs WHERE key = ?').get(log) ?? []
    if (typeof number !== 'number') return null
    const sql = 'SELECT recorded_at_ms FROM events WHERE place > ? AND place < ? ORDER BY place LIMIT 1'
    const row = prepareQuery(database, sql).get(placeOf(number, position), placeOf(number + 1, 0))
    return row === undefined ? null : numberAt(row, 0)
  })
}

function isToday({ schema, knownSchema }: InspectedFile): boolean {
  return schema === knownSchema
}

/** Reads a store file from one moment. Throws `STORE_UNAVAILABLE` for what cannot be read. */
export function inspect<T>(
  file: string,
  schema: DatabaseSchema,
  read: (database: DatabaseSync, found: InspectedFile) => T,
): T {
  const database = openDatabase({ file, synchronous: 'NORMAL', readOnly: true, busyTimeoutMs })
  try {
    // Everything is read from one moment, whatever is written meanwhile.
    database.exec('BEGIN')
    requireKind(database, file, schema)
    const [version] = prepareQuery(database, 'PRAGMA user_version').get() ?? []
    return read(database, {
      file,
      bytes: bytesOf(file),
      journalBytes: bytesOf(`${file}-wal`),
      schema: Number(version),
      knownSchema: schema.steps.length,
    })
  } catch (error) {
    throw storeFault(error, file)
  } finally {
    database.close()
  }
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

function createLogInspector(
  database: DatabaseSync,
  nowMs: number,
): (number: number, log: string) => InspectedLog {
  const head = prepareQuery(database, readSql('find-head'))
  const inbox = prepareQuery(database, readSql('inspect-inbox'))
  const letters = prepareQuery(database, 'SELECT count(*) FROM dead_letters WHERE log = ?')
  const sql = 'SELECT epoch, fork_position FROM epochs WHERE log = ? ORDER BY ordinal'
  const epochs = prepareQuery(database, sql)
  const seals = createSealReader(database)
  return (number, log) => {
    const last = head.get(placeOf(number, 0), placeOf(number + 1, 0))
    const [waiting = []] = inbox.allNamed({ log: number, now: nowMs })
    const seal = seals.last(number)
    return {
      log,
      head: last === undefined ? 0 : positionOf(numberAt(last, 0)),
      recordedAtMs: last === undefined ? null : numberAt(last, 3),
      epochs: epochs.all(number).map((row) => ({ epoch: textAt(row, 0), forkPosition: numberAt(row, 1) })),
      inbox: {
        commands: numberAt(waiting, 0),
        oldestAtMs: numberOrNullAt(waiting, 1),
        running: numberAt(waiting, 2),
        failedBefore: numberAt(waiting, 3),
      },
      deadLetters: numberAt(letters.get(number) ?? [], 0),
      sealed: seal === undefined ? null : { seals: seal.number, position: seal.last, atMs: seal.sealedAtMs },
    }
  }
}
