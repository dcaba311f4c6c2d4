// Looks at read models beside the process that writes them, and holds one view of them when asked to.
import { existsSync } from 'node:fs'
import type { ReadModelViews } from '../../core/inspection/index.ts'
import { openDatabase, schemaStep } from '../database.ts'
import { createReader, type Reader } from '../read-store-collection.ts'
import { collectionStates } from '../read-store-generations.ts'
import { readStoreSchema } from '../read-store-tables.ts'
import { writeSchema } from '../writer-service.ts'
import { viewCollection } from './view-collection.ts'

/** Files in which read models stand: one of their own, or that of the events that they commit with. */
const schemas = { reads: readStoreSchema, write: writeSchema }

/** Opens a file for looking; `undefined` when it is not there or of an older schema. */
export function openSqliteReadModelViews(
  file: string,
  kind: keyof typeof schemas,
): ReadModelViews | undefined {
  const schema = schemas[kind]
  if (!existsSync(file)) return undefined
  const database = openDatabase({ file, synchronous: 'NORMAL', readOnly: true, busyTimeoutMs: 5000 })
  try {
    if (schemaStep(database, file, schema) < schema.steps.length) {
      database.close()
      return undefined
    }
  } catch (error) {
    database.close()
    throw error
  }
  // A page is one moment by itself; within a view that is held still everything is.
  const plain = createReader(database, file, () => false)
  const reader: Reader = {
    ...plain,
    atOneMoment: (read) => (database.isTransaction ? read() : plain.atOneMoment(read)),
  }
  return {
    live: async (log, name) => {
      const sql = `${collectionStates.numbers} AND is_live = 1`
      const [row] = reader.rows(sql, [log, name])
      if (row === undefined) return undefined
      const state = collectionStates.stateOf(row, log, name)
      return viewCollection(database, reader, { state, number: Number(row.at(-1)) })
    },
    // Numbers of collections are never used again, so the highest is remembered.
    isUsed: async () =>
      reader.rows("SELECT 1 FROM sqlite_sequence WHERE name = 'collections' AND seq > 0", []).length > 0,
    holdStill: async () => {
      if (!database.isTransaction) database.exec('BEGIN')
    },
    [Symbol.asyncDispose]: async () => database.close(),
  }
}
