// Compares a schema of a database with what its steps make of it, in a schema beside it that no other session
// ever sees: nothing of it is committed.
import type { Client } from 'pg'
import { columnsIn } from '../../core/rows/index.ts'
import type { Damage } from '../../core/seals/index.ts'
import { readSql, run, type RunQuery, type Statement } from '../database.ts'
import { documentsSchema, readSchema, stepOf, type DatabaseSchema } from '../migrations.ts'
import { createKeptSql, createTableSql } from '../read-store-tables.ts'
import { numberAt, textAt, type Row } from '../rows.ts'
import { changedRights, grantsIn, rightsIn } from './changed-rights.ts'

const expectedName = 'rampart_expected'

/** What was changed in a schema; nothing is, where it is not there. Errors come as they are thrown. */
export async function schemaChanges(client: Client, schema: DatabaseSchema): Promise<readonly Damage[]> {
  const first = await differencesIn(client, schema)
  if (first.length === 0) return []
  // Collections come and go meanwhile, each with its tables.
  const again = await differencesIn(client, schema)
  return again.filter(({ what }) => first.some((one) => one.what === what))
}

const findSchema: Statement = {
  name: 'find-schema',
  text: 'SELECT nspname FROM pg_namespace WHERE nspname = $1',
}

async function differencesIn(client: Client, schema: DatabaseSchema): Promise<readonly Damage[]> {
  const query: RunQuery = (statement, values) => run(client, statement, values)
  const { name } = schema
  if ((await query(findSchema, [name])).length === 0) return []
  const step = await stepOf(query, schema)
  await client.query('BEGIN')
  try {
    await createExpected(client, schema, step)
    for (const sql of await collectionsSql(query, schema, step)) {
      // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
      await client.query(inExpected(schema, sql))
    }
    const objects = differences(name, await objectsOf(query, expectedName), await objectsOf(query, name))
    const rights = changedRights(name, await grantsIn(query, expectedName), await rightsIn(query, name))
    return [...objects, ...rights]
  } finally {
    // A connection that is lost has rolled back by itself.
    await client.query('ROLLBACK').catch(() => undefined)
  }
}

function inExpected({ name }: DatabaseSchema, sql: string): string {
  return sql.replaceAll(new RegExp(String.raw`\b${name}\b`, 'g'), expectedName)
}

// A trigger could change what is written, and without a unique index a command id could have two effects.
async function createExpected(client: Client, schema: DatabaseSchema, taken: number): Promise<void> {
  await client.query(`CREATE SCHEMA ${expectedName}`)
  await client.query(`CREATE TABLE ${expectedName}.schema_steps (step integer PRIMARY KEY)`)
  for (const step of schema.steps.slice(0, taken)) {
    // oxlint-disable-next-line no-await-in-loop -- each stands on the one before
    await client.query(inExpected(schema, readSql(step)))
  }
}

async function collectionsSql(
  query: RunQuery,
  { name }: DatabaseSchema,
  step: number,
): Promise<readonly string[]> {
  const isOfDocuments = name === readSchema.name || name === documentsSchema.name
  if (!isOfDocuments || step === 0) return []
  const list = { name: `shapes-in-${name}`, text: `SELECT number, shape FROM ${name}.collections` }
  return (await query(list, [])).flatMap((row) => collectionSql(name, row))
}

// Where a collection is not described, its tables do not belong there.
function collectionSql(schema: string, row: Row): readonly string[] {
  try {
    const [number, columns] = [numberAt(row, 0), columnsIn(textAt(row, 1))]
    if (schema === documentsSchema.name) return [createKeptSql(number, columns)]
    return [createTableSql({ schema: 'rampart_read', number }, columns)]
  } catch {
    return []
  }
}

async function objectsOf(query: RunQuery, schema: string): Promise<Objects> {
  const rows = await query({ name: 'list-objects', text: readSql('list-objects') }, [schema])
  return new Map(rows.map((row) => [textAt(row, 0).replaceAll(`${schema}.`, ''), textAt(row, 1)] as const))
}

type Objects = ReadonlyMap<string, string>

function differences(schema: string, expected: Objects, actual: Objects): readonly Damage[] {
  const names = [...new Set([...expected.keys(), ...actual.keys()])]
  return names
    .filter((name) => expected.get(name) !== actual.get(name))
    .map((name) => {
      if (!actual.has(name)) return `the ${name} is missing in ${schema}`
      return expected.has(name)
        ? `the ${name} was changed in ${schema}`
        : `the ${name} does not belong in ${schema}`
    })
    .toSorted()
    .map((what) => ({ code: 'SCHEMA_CHANGED', what }))
}
