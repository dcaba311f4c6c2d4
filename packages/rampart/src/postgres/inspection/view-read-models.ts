// Looks at the read models of an app beside the processes that write them, and holds one view of them when
// asked to.
import type { Client } from 'pg'
import type { ReadModelViews } from '../../core/inspection/index.ts'
import { run, storeFault, type RunQuery, type Statement } from '../database.ts'
import { createCollectionReader } from '../read-store-collection.ts'
import { collectionStates } from '../read-store-generations.ts'
import { numberAt } from '../rows.ts'
import { beginMoment, connectToLook } from './one-moment.ts'

const findTables: Statement = {
  name: 'find-collections',
  text: "SELECT 'there' WHERE to_regclass('rampart_read.collections') IS NOT NULL",
}
const findLive: Statement = {
  name: 'find-live',
  text: 'SELECT number FROM rampart_read.collections WHERE log = $1 AND name = $2 AND is_live',
}

/** Opens the read models of an app for looking; `undefined` where none are. Throws `STORE_UNAVAILABLE`. */
export async function openPostgresReadModelViews(
  url: string,
  app: string,
): Promise<ReadModelViews | undefined> {
  const client = await connectToLook(url)
  const query = createQuery(client, url)
  if ((await query(findTables, [])).length === 0) {
    await client.end()
    return undefined
  }
  let isHeld = false
  return {
    live: async (log, name) => {
      const [row] = await query(findLive, [`${app}:${log}`, name])
      if (row === undefined) return undefined
      const found = await collectionStates(query, `${app}:${log}`, name)
      const state = found.find((one) => one.isLive)
      if (state === undefined) return undefined
      const number = numberAt(row, 0)
      return {
        state,
        documents: createCollectionReader({
          query,
          table: { schema: 'rampart_read', number },
          shape: state.shape,
        }),
      }
    },
    holdStill: async () => {
      if (!isHeld) await client.query(beginMoment)
      isHeld = true
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}

function createQuery(client: Client, url: string): RunQuery {
  return async (statement, values) => {
    try {
      return await run(client, statement, values)
    } catch (error) {
      throw storeFault(error, url)
    }
  }
}
