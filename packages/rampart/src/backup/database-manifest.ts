// The manifest of a backup of a database: its tables as files, written when all of them are there.
import { join } from 'node:path'
import { RampartError } from '../core/index.ts'
import type { CopiedLog, CopiedTable } from '../postgres/copies/index.ts'
import type { Content } from './durable-files.ts'
import { hasMembers, isStoredLog, readManifestText, writeManifestText } from './manifest.ts'

/** A table in a backup. Its rows stand in a file, as COPY writes them. */
export interface BackedUpTable extends CopiedTable, Content {
  readonly rows: number
}

/** What a backup of a database consists of. */
export interface DatabaseManifest {
  readonly format: 2
  /** Unique among backups. */
  readonly id: string
  /** When it was begun, as ISO 8601. */
  readonly createdAt: string
  /** How far the schema of the tables was. */
  readonly step: number
  readonly tables: readonly BackedUpTable[]
  /** The logs with their last places: a backup is what each log was up to there. */
  readonly logs: readonly CopiedLog[]
}

/** The file of a table in the folder of a backup. */
export function tableFile(folder: string, table: Pick<CopiedTable, 'name'>): string {
  return join(folder, `${table.name}.copy`)
}

/** Declares a backup complete. */
export async function writeDatabaseManifest(folder: string, manifest: DatabaseManifest): Promise<void> {
  await writeManifestText(folder, manifest)
}

/** The manifest of a backup of a database. Throws `BACKUP_INVALID` when there is none that can be read. */
export async function readDatabaseManifest(folder: string): Promise<DatabaseManifest> {
  const { file, manifest } = await readManifestText(folder)
  if (isManifest(manifest)) return manifest
  const message = hasMembers(manifest, ['apps'])
    ? `${folder} is a backup of files, which no database takes. Restore it with --data.`
    : `${file} is damaged, or of a newer version of Rampart. Restore from another backup.`
  throw new RampartError('BACKUP_INVALID', message)
}

function isManifest(value: unknown): value is DatabaseManifest {
  if (!hasMembers(value, ['format', 'id', 'createdAt', 'step', 'tables', 'logs'])) return false
  const { format, id, createdAt, step, tables, logs } = value
  if (format !== 2 || typeof id !== 'string' || typeof createdAt !== 'string') return false
  if (!Number.isSafeInteger(step) || !Array.isArray(tables) || !Array.isArray(logs)) return false
  return tables.every(isTable) && logs.every((log) => hasMembers(log, ['app']) && isStoredLog(log))
}

// Names become parts of paths and of statements.
const namePattern = /^[a-z][a-z0-9_]*$/

function isTable(value: unknown): value is BackedUpTable {
  if (!hasMembers(value, ['name', 'columns', 'rows', 'bytes', 'sha256'])) return false
  const { name, columns, rows, bytes, sha256 } = value
  const names: readonly unknown[] = Array.isArray(columns) ? [name, ...columns] : []
  return (
    names.length > 1 &&
    names.every((one) => typeof one === 'string' && namePattern.test(one)) &&
    [rows, bytes].every(Number.isSafeInteger) &&
    typeof sha256 === 'string'
  )
}
