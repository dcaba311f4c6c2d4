// The manifest of a backup: what is in it, written when all of it is there. Without one a folder is none.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RampartError } from '../core/index.ts'
import type { StoredLog } from '../sqlite/copies/index.ts'
import { writeDurably, type Content } from './durable-files.ts'

/** The store files of an app by name, in the order in which they are copied. */
export const storeFiles = ['reads.sqlite', 'write.sqlite'] as const

/** A store file in a backup. */
export interface BackedUpFile extends Content {
  readonly name: (typeof storeFiles)[number]
}

/** An app in a backup. */
export interface BackedUpApp {
  readonly name: string
  readonly files: readonly BackedUpFile[]
  /** The logs with their last places: a backup is what each log was up to there. */
  readonly logs: readonly StoredLog[]
}

/** What a backup consists of. */
export interface BackupManifest {
  readonly format: 1
  /** Unique among backups. */
  readonly id: string
  /** When it was begun, as ISO 8601. */
  readonly createdAt: string
  readonly apps: readonly BackedUpApp[]
}

const fileName = 'manifest.json'

/** True when a folder has a manifest, whatever is in it. */
export function hasManifest(folder: string): boolean {
  return existsSync(join(folder, fileName))
}

/** The name of the note that stands in the folder of a backup until it is whole. */
export const unfinishedNote = 'unfinished-backup.json'

/** True when a folder has what is left of a backup that was never finished. */
export function isUnfinished(folder: string): boolean {
  return existsSync(join(folder, unfinishedNote))
}

/** Declares a backup complete. */
export async function writeManifest(folder: string, manifest: BackupManifest): Promise<void> {
  await writeManifestText(folder, manifest)
}

/** The same for a manifest of any form. */
export async function writeManifestText(folder: string, manifest: object): Promise<void> {
  await writeDurably(join(folder, fileName), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** The manifest of a backup of files. Throws `BACKUP_INVALID` when there is none that can be read. */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const { file, manifest } = await readManifestText(folder)
  if (isManifest(manifest)) return manifest
  const message = hasMembers(manifest, ['tables'])
    ? `${folder} is a backup of a database, which no folder takes. Restore it with --store.`
    : `${file} is damaged, or of a newer version of Rampart. Restore from another backup.`
  throw new RampartError('BACKUP_INVALID', message)
}

/** A manifest of whatever form. Throws `BACKUP_INVALID` when there is none. */
export async function readManifestText(
  folder: string,
): Promise<{ readonly file: string; readonly manifest: unknown }> {
  if (!existsSync(folder)) throw new RampartError('INPUT_INVALID', `There is no folder ${folder}.`)
  const note = isUnfinished(folder) ? `${unfinishedNote} in it says so` : `it has no ${fileName}`
  if (isUnfinished(folder) || !hasManifest(folder)) {
    const what = `${folder} is no backup, or one that was never finished: ${note}.`
    throw new RampartError('BACKUP_INVALID', `${what} Restore from another one.`)
  }
  const file = join(folder, fileName)
  return { file, manifest: parsed(await readFile(file, 'utf8')) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is no manifest; the caller says so.
    return undefined
  }
}

function isManifest(value: unknown): value is BackupManifest {
  if (!hasMembers(value, ['format', 'id', 'createdAt', 'apps'])) return false
  const { format, id, createdAt, apps } = value
  if (format !== 1 || typeof id !== 'string' || typeof createdAt !== 'string') return false
  return Array.isArray(apps) && apps.every(isApp)
}

function isApp(value: unknown): value is BackedUpApp {
  if (!hasMembers(value, ['name', 'files', 'logs'])) return false
  const { name, files, logs } = value
  // The name becomes a folder below the data folder.
  if (typeof name !== 'string' || !/^[^/\\]+$/.test(name) || name.startsWith('.')) return false
  return Array.isArray(files) && files.every(isFile) && Array.isArray(logs) && logs.every(isStoredLog)
}

function isFile(value: unknown): value is BackedUpFile {
  if (!hasMembers(value, ['name', 'bytes', 'sha256'])) return false
  const { name, bytes, sha256 } = value
  return (
    storeFiles.some((known) => known === name) && Number.isSafeInteger(bytes) && typeof sha256 === 'string'
  )
}

/** Whether a value names a log and a place in it. */
export function isStoredLog(value: unknown): value is StoredLog {
  return hasMembers(value, ['log', 'head']) && hasMembers(value['head'], ['epoch', 'position', 'eventId'])
}

/** Whether a value is an object with all of these members. */
export function hasMembers(
  value: unknown,
  names: readonly string[],
): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && names.every((name) => Object.hasOwn(value, name))
}
