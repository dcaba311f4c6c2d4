// What is wrong with a store file itself: damaged pages, and tables, indexes or triggers that are not those
// of its schema; and rows that no log of it has.
import { DatabaseSync } from 'node:sqlite'
import { isRampartError } from '../../core/index.ts'
import { columnsIn } from '../../core/rows/index.ts'
import type { Damage } from '../../core/seals/index.ts'
import { isSqliteError, sqlite, type DatabaseSchema } from '../database.ts'
import { misplacedRows, misplacedText } from '../misplaced-rows.ts'
import { tablesOf } from '../read-store-tables.ts'
import { numberAt, prepareQuery, textAt } from '../rows.ts'

/** Says what is wrong with a file that has taken so many steps of its schema. */
export function damagesOf(
  database: DatabaseSync,
  { steps }: DatabaseSchema,
  step: number,
): readonly Damage[] {
  const looks = [
    () => pageDamages(database),
    () => schemaChanges(database, steps.slice(0, step)),
    () => rowsOutside(database),
  ]
  return looks.flatMap((look) => {
    try {
      return look()
    } catch (fault) {
      const damage = damageOf(fault)
      if (damage === undefined) throw fault
      return [damage]
    }
  })
}

const barred = [sqlite.cannotOpen, sqlite.notAllowed, sqlite.readOnly]
const damaged = [sqlite.corrupt, sqlite.notDatabase, sqlite.ioError]

/** The damage that a failed use of a store means; `undefined` when it means none. */
export function damageOf(fault: unknown): Damage | undefined {
  if (!(fault instanceof Error)) return undefined
  const what = fault.message.replace(/\.$/, '')
  if (isRampartError(fault, 'STORE_SCHEMA_NEWER')) return { code: 'SCHEMA_NEWER', what }
  const isOf = (codes: readonly number[]): boolean =>
    codes.some((code) => isSqliteError(fault, code) || isSqliteError(fault.cause, code))
  if (isOf(barred)) return { code: 'FILE_UNREADABLE', what: 'this user may not open the file' }
  if (isRampartError(fault, 'STORE_UNAVAILABLE')) return { code: 'FILE_DAMAGED', what }
  if (isOf([sqlite.missing])) return { code: 'SCHEMA_CHANGED', what: `it cannot be read: ${what}` }
  // The driver may also have met a number that no store writes.
  const isDamage = isOf(damaged) || ('code' in fault && fault.code === 'ERR_OUT_OF_RANGE')
  return isDamage ? { code: 'FILE_DAMAGED', what: `it cannot be read: ${what}` } : undefined
}

// Streams are folded from whatever names them, and nothing else looks at rows that no log has.
function rowsOutside(database: DatabaseSync): readonly Damage[] {
  const found = misplacedRows((sql) => prepareQuery(database, sql))
  return found.map((rows) => ({ code: 'ROW_MISPLACED', what: misplacedText(rows) }))
}

const damagesMax = 10

function pageDamages(database: DatabaseSync): readonly Damage[] {
  const rows = database.prepare(`PRAGMA quick_check(${damagesMax})`).all()
  const texts = rows.flatMap((row) => Object.values(row).map(String)).filter((text) => text !== 'ok')
  return texts.map((what) => ({ code: 'FILE_DAMAGED', what }))
}

// A trigger could change what is written, and without a unique index a command id could have two effects.
function schemaChanges(database: DatabaseSync, steps: readonly string[]): readonly Damage[] {
  const model = new DatabaseSync(':memory:')
  // Collections come and go with their tables, so both are looked at in one moment.
  database.exec('BEGIN')
  try {
    for (const sql of [...steps, ...collectionTables(database)]) model.exec(sql)
    const expected = objectsOf(model)
    const actual = objectsOf(database)
    const names = [...expected.keys(), ...actual.keys()]
    const changed = [...new Set(names)].filter((name) => expected.get(name) !== actual.get(name))
    const told = (name: string): string => {
      if (!actual.has(name)) return `the ${name} is missing`
      return expected.has(name) ? `the ${name} was changed` : `the ${name} does not belong there`
    }
    return changed.map((name) => ({ code: 'SCHEMA_CHANGED', what: told(name) }))
  } finally {
    // A damaged page may have ended it.
    if (database.isTransaction) database.exec('COMMIT')
    model.close()
  }
}

// Where a collection is not described, its tables do not belong there.
function collectionTables(database: DatabaseSync): readonly string[] {
  if (!objectsOf(database).has('table collections')) return []
  try {
    const rows = prepareQuery(database, 'SELECT number, shape FROM collections').all()
    return rows.flatMap((row) => tablesOf(numberAt(row, 0), columnsIn(textAt(row, 1))))
  } catch {
    return []
  }
}

// SQLite itself makes the tables of a search, each version in its own words.
const ofSearch = /^table words_\d+_/

function objectsOf(database: DatabaseSync): ReadonlyMap<string, string> {
  // Statistics of the query planner come and go, and autoindexes belong to their tables.
  const sql =
    "SELECT type, name, coalesce(sql, '') AS sql FROM sqlite_schema " +
    "WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
  const rows = database.prepare(sql).all()
  return new Map(
    rows.map((row) => {
      const name = `${String(row['type'])} ${String(row['name'])}`
      return [name, ofSearch.test(name) ? '' : String(row['sql'])]
    }),
  )
}
