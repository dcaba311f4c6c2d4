// What is wrong with the tables of a database: tables, indexes, functions, triggers or rights that are not
// those of its schemas, and rows that no log has.
import type { Damage, Damages } from '../../core/seals/index.ts'
import { endConnection, run, storeFault } from '../database.ts'
import { documentsSchema, hostSchema, readSchema, writeSchema, type DatabaseSchema } from '../migrations.ts'
import { meaningOfFailure } from './failed-look.ts'
import { misplacedRows } from './misplaced-rows.ts'
import { connectToLook } from './one-moment.ts'
import { schemaChanges } from './schema-changes.ts'

/** What is wrong with the tables of logs, of documents that commit with them, and of processes. */
export function damagesOf(url: string): Promise<Damages> {
  return look(url, [writeSchema, documentsSchema, hostSchema], 'tables')
}

/** What is wrong with the tables of read models. */
export function readDamagesOf(url: string): Promise<Damages> {
  return look(url, [readSchema], 'tables of read models')
}

const lookMs = 600_000
/** Whoever looks waits no longer for a session that has locked a table. */
const lockMs = 3000

async function look(url: string, schemas: readonly DatabaseSchema[], what: string): Promise<Damages> {
  // A table takes as long as it has rows.
  const client = await connectToLook(url, lookMs)
  const found: Damage[] = []
  const leftOut = new Set<string>()
  const take = async (part: string, damages: () => Promise<readonly Damage[]>): Promise<void> => {
    try {
      found.push(...(await damages()))
    } catch (error) {
      const fault = storeFault(error, url)
      const meaning = meaningOfFailure(fault)
      if (meaning.kind === 'damage') found.push(meaning.damage)
      else if (meaning.kind === 'barred') leftOut.add(`${part}: this user may not (${meaning.what})`)
      else throw fault
    }
  }
  try {
    await client.query(`SET lock_timeout = ${lockMs}`)
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    for (const schema of schemas) await take(`${what} were not compared`, () => schemaChanges(client, schema))
    if (schemas.includes(writeSchema)) {
      await take('rows of no log were not looked for', () =>
        misplacedRows((...asked) => run(client, ...asked)),
      )
    }
    return { found, leftOut: leftOut.size === 0 ? null : [...leftOut].join('; ') }
  } catch (error) {
    throw storeFault(error, url)
  } finally {
    await endConnection(client)
  }
}
