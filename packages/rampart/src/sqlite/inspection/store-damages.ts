// What is wrong with a store file itself: damaged pages, and tables, indexes or triggers that are not those
// of its schema.
import { DatabaseSync } from 'node:sqlite'
import type { DatabaseSchema } from '../database.ts'

/** Says in words what is wrong with a file that has taken so many steps of its schema. */
export function damagesOf(
  database: DatabaseSync,
  { steps }: DatabaseSchema,
  step: number,
): readonly string[] {
  try {
    return [...pageDamages(database), ...schemaChanges(database, steps.slice(0, step))]
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

const damagesMax = 10

function pageDamages(database: DatabaseSync): readonly string[] {
  const rows = database.prepare(`PRAGMA quick_check(${damagesMax})`).all()
  return rows.flatMap((row) => Object.values(row).map(String)).filter((text) => text !== 'ok')
}

// A trigger could change what is written, and without a unique index a command id could have two effects.
function schemaChanges(database: DatabaseSync, steps: readonly string[]): readonly string[] {
  const model = new DatabaseSync(':memory:')
  try {
    for (const sql of steps) model.exec(sql)
    const expected = objectsOf(model)
    const actual = objectsOf(database)
    const names = [...expected.keys(), ...actual.keys()]
    const changed = [...new Set(names)].filter((name) => expected.get(name) !== actual.get(name))
    return changed.map((name) => {
      if (!actual.has(name)) return `the ${name} is missing`
      return expected.has(name) ? `the ${name} was changed` : `the ${name} does not belong there`
    })
  } finally {
    model.close()
  }
}

// Tables of documents come with projections.
const ofCollections = /^(table|index) (documents|words)_\d+/

function objectsOf(database: DatabaseSync): ReadonlyMap<string, string> {
  // Statistics of the query planner come and go, and autoindexes belong to their tables.
  const sql = "SELECT type, name, coalesce(sql, '') AS sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
  const rows = database.prepare(sql).all()
  const named = rows.map(
    (row) => [`${String(row['type'])} ${String(row['name'])}`, String(row['sql'])] as const,
  )
  return new Map(named.filter(([name]) => !ofCollections.test(name)))
}
