// Sets of ids in a temporary file: a verification has more of them than memory.
import { DatabaseSync } from 'node:sqlite'
import type { IdSet } from '../../core/seals/index.ts'

const idCacheKib = 16 * 1024

// A database without a name lies in a temporary file that goes with it; only what the cache cannot hold is
// written.

/** An empty set, which goes when it is disposed of. */
export function createIdSet(): IdSet {
  const database = new DatabaseSync('')
  database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -${idCacheKib}`)
  database.exec('CREATE TABLE ids (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID; BEGIN')
  const insert = database.prepare('INSERT OR IGNORE INTO ids (id) VALUES (?)')
  return {
    add: (id) => Number(insert.run(id).changes) === 1,
    [Symbol.dispose]: () => database.close(),
  }
}
