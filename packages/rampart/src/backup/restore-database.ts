// Restores a backup into a database that no process uses, as one transaction: a file that is not what the
// manifest says undoes all of it.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { systemRuntime, type Runtime } from '../core/index.ts'
import type { CopiedLog, CopiedTable } from '../postgres/copies/index.ts'
import type { CopyProgress } from './back-up.ts'
import { readDatabaseManifest, tableFile, type BackedUpTable } from './database-manifest.ts'
import { handlingFiles } from './durable-files.ts'
import { damaged } from './restore.ts'

/** What to restore, and where to. */
export interface DatabaseRestoreOptions {
  /** The folder of the backup. */
  readonly from: string
  /** The database, by the URL of a user who may create schemas in it. */
  readonly url: string
  /** Whether a database that is not empty may be replaced; what is there is kept aside. */
  readonly replace: boolean
  readonly runtime?: Runtime
  readonly onProgress?: (progress: CopyProgress) => void
}

/** What a restore came to. */
export interface RestoredLogs {
  /** When the backup was begun. */
  readonly createdAt: string
  readonly logs: readonly CopiedLog[]
  /** The schema in which what was there before is kept; null when there was nothing. */
  readonly aside: string | null
}

/**
 * Restores a backup. Throws `BACKUP_INVALID` for one that is damaged or was never finished, `STORE_LOCKED`
 * while processes have the database open, and `INPUT_INVALID` for one that is not empty.
 */
export async function restoreToDatabase(options: DatabaseRestoreOptions): Promise<RestoredLogs> {
  return handlingFiles(async () => {
    const { from, url, replace, runtime = systemRuntime } = options
    const { createdAt, step, tables } = await readDatabaseManifest(from)
    // The driver is an optional peer.
    const { restoreDatabase } = await import('../postgres/copies/index.ts')
    const rowsOf = (table: CopiedTable) => contentOf(options, tables, table)
    const onStep = (what: string): void => options.onProgress?.({ what, done: 0, total: 0 })
    const restored = await restoreDatabase({ url, step, tables, rowsOf, replace, runtime, onStep })
    return { createdAt, ...restored }
  })
}

/** The file of a table; throws at its end when it is not what the manifest says. */
async function* contentOf(
  { from, onProgress }: DatabaseRestoreOptions,
  tables: readonly BackedUpTable[],
  wanted: CopiedTable,
): AsyncGenerator<Buffer> {
  const table = tables.find(({ name }) => name === wanted.name)
  const file = tableFile(from, wanted)
  if (table === undefined || !existsSync(file)) throw damaged(file)
  const hash = createHash('sha256')
  let done = 0
  // Without an encoding a file comes as buffers.
  const chunks: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: 256 * 1024 })
  for await (const chunk of chunks) {
    hash.update(chunk)
    done += chunk.length
    onProgress?.({ what: `restores ${table.name}`, done, total: table.bytes })
    yield chunk
  }
  if (done !== table.bytes || hash.digest('hex') !== table.sha256) throw damaged(file)
}
