// Backs up what commands change in a database, beside the processes that write it: a file per table, and a
// manifest that comes last and makes the folder a backup.
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { systemRuntime } from '../core/index.ts'
import type { openDatabaseCopy } from '../postgres/copies/index.ts'
import type { CopyProgress } from './back-up.ts'
import {
  tableFile,
  writeDatabaseManifest,
  type BackedUpTable,
  type DatabaseManifest,
} from './database-manifest.ts'
import { handlingFiles, syncFolder } from './durable-files.ts'
import { makingBackup, type BackupPlace } from './unfinished-backup.ts'

type DatabaseCopy = Awaited<ReturnType<typeof openDatabaseCopy>>

/** What to back up, and where to. */
export interface DatabaseBackUpOptions extends BackupPlace {
  /** `postgres://user:password@host:port/database`, of a user who may read all tables. */
  readonly url: string
  readonly onProgress?: (progress: CopyProgress) => void
}

/** Backs up the logs of all apps in a database. Throws `INPUT_INVALID`, and the faults of the store. */
export async function backUpDatabase(options: DatabaseBackUpOptions): Promise<DatabaseManifest> {
  return handlingFiles(async () => {
    // The driver is an optional peer.
    const { openDatabaseCopy } = await import('../postgres/copies/index.ts')
    return makingBackup(options, async (createdAt) => {
      await using copy = await openDatabaseCopy(options.url)
      return await writeAll(copy, createdAt, options)
    })
  })
}

async function writeAll(
  copy: DatabaseCopy,
  createdAt: string,
  options: DatabaseBackUpOptions,
): Promise<DatabaseManifest> {
  const { to, runtime = systemRuntime } = options
  const tables: BackedUpTable[] = []
  for (const table of copy.tables) {
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    tables.push(await writeTable(copy, table, options))
  }
  await syncFolder(to)
  const { step, logs } = copy
  const manifest: DatabaseManifest = { format: 2, id: runtime.uuid(), createdAt, step, tables, logs }
  await writeDatabaseManifest(to, manifest)
  return manifest
}

async function writeTable(
  copy: DatabaseCopy,
  table: DatabaseCopy['tables'][number],
  { to, onProgress }: DatabaseBackUpOptions,
): Promise<BackedUpTable> {
  const { name, columns, rowsExpected } = table
  const hash = createHash('sha256')
  const handle = await open(tableFile(to, table), 'w')
  let rows = 0
  let bytes = 0
  const show = (total: number): void =>
    onProgress?.({ what: `copies ${name}`, done: rows, total, unit: 'rows' })
  try {
    for await (const part of copy.rowsOf(table)) {
      hash.update(part.bytes)
      await handle.writeFile(part.bytes)
      rows += part.rows
      bytes += part.bytes.length
      show(Math.max(rows, rowsExpected))
    }
    show(rows)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return { name, columns, rows, bytes, sha256: hash.digest('hex') }
}
