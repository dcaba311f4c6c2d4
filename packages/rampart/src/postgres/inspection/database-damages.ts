// What is wrong with the tables of a database: tables, indexes, functions or triggers that are not those of
// the schema.
import type { Client } from 'pg'
import type { Damage, Damages } from '../../core/seals/index.ts'
import { endConnection, readSql, run, sqlState, storeFault } from '../database.ts'
import { textAt } from '../rows.ts'
import { stepOf, writeSchema, type DatabaseSchema } from '../migrations.ts'
import { connectToLook } from './one-moment.ts'

const expectedName = 'rampart_expected'

/**
 * Compares the schema with what its steps make, in a schema beside it that no other session ever sees:
 * nothing of it is committed.
 */
export async function damagesOf(url: string): Promise<Damages> {
  const client = await connectToLook(url)
  try {
    await client.query('BEGIN')
    const step = await stepOf((statement, values) => run(client, statement, values), writeSchema)
    await createExpected(client, writeSchema, step)
    return {
      found: differences(await objectsOf(client, expectedName), await objectsOf(client)),
      leftOut: null,
    }
  } catch (error) {
    if (sqlState(error) !== '42501') throw storeFault(error, url)
    const leftOut =
      'tables were not compared: this user may not create the schema that they are compared with'
    return { found: [], leftOut }
  } finally {
    // The connection ends without a commit.
    await endConnection(client)
  }
}

// A trigger could change what is written, and without a unique index a command id could have two effects.
async function createExpected(client: Client, { name, steps }: DatabaseSchema, taken: number): Promise<void> {
  await client.query(`CREATE SCHEMA ${expectedName}`)
  await client.query(`CREATE TABLE ${expectedName}.schema_steps (step integer PRIMARY KEY)`)
  const inExpected = new RegExp(String.raw`\b${name}\b`, 'g')
  for (const step of steps.slice(0, taken)) {
    // oxlint-disable-next-line no-await-in-loop -- each stands on the one before
    await client.query(readSql(step).replaceAll(inExpected, expectedName))
  }
}

async function objectsOf(client: Client, schema: string = writeSchema.name) {
  const rows = await run(client, { name: 'list-objects', text: readSql('list-objects') }, [schema])
  return new Map(rows.map((row) => [textAt(row, 0).replaceAll(`${schema}.`, ''), textAt(row, 1)] as const))
}

type Objects = ReadonlyMap<string, string>

function differences(expected: Objects, actual: Objects): readonly Damage[] {
  const names = [...new Set([...expected.keys(), ...actual.keys()])]
  return names
    .filter((name) => expected.get(name) !== actual.get(name))
    .map((name) => {
      if (!actual.has(name)) return `the ${name} is missing`
      return expected.has(name) ? `the ${name} was changed` : `the ${name} does not belong there`
    })
    .toSorted()
    .map((what) => ({ code: 'SCHEMA_CHANGED', what }))
}
