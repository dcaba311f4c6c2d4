// Backs up the stores of all apps below a data folder, beside whoever is writing them.
//
// Of each app the read models are copied before the logs: a log only grows, so that the copy of it contains
// all that the copied documents were made of. The manifest comes last and makes the folder a backup.
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RampartError, systemRuntime } from '../core/index.ts'
import { copySqliteFile, copySqliteStore, type StoredLog } from '../sqlite/copies/index.ts'
import {
  storeFiles,
  writeManifest,
  type BackedUpApp,
  type BackedUpFile,
  type BackupManifest,
} from './manifest.ts'
import { contentOf, handlingFiles, makeFolderDurably, syncFolder } from './durable-files.ts'
import { requireFinished } from './finished.ts'
import { makingBackup, type BackupPlace } from './unfinished-backup.ts'

/** How far a backup or a restore is. */
export interface CopyProgress {
  /** What is done now: `copies orders/write.sqlite`. */
  readonly what: string
  /** How much of it is done, and of how much; 0 of 0 where it is done in no time. */
  readonly done: number
  readonly total: number
  /** What is counted: bytes unless said. */
  readonly unit?: 'rows'
}

/** What to back up, and where to. */
export interface BackUpOptions extends BackupPlace {
  /** Where apps keep their data, each in a folder of its own. */
  readonly dataFolder: string
  readonly onProgress?: (progress: CopyProgress) => void
}

/**
 * Backs up all apps below a data folder. Throws `INPUT_INVALID` when there is none, or when the target holds
 * something already, and the faults of the stores.
 */
export async function backUp(options: BackUpOptions): Promise<BackupManifest> {
  return handlingFiles(() => backUpAll(options))
}

async function backUpAll(options: BackUpOptions): Promise<BackupManifest> {
  const { dataFolder, to, runtime = systemRuntime } = options
  requireFinished(dataFolder)
  const names = await appsIn(dataFolder)
  if (names.length === 0) {
    const message = `There is no store of an app in ${dataFolder}. Name the folder of the data: --data DIR.`
    throw new RampartError('INPUT_INVALID', message)
  }
  return makingBackup(options, async (createdAt) => {
    const apps: BackedUpApp[] = []
    // One after the other: together they would only wait for the same disk.
    // oxlint-disable-next-line no-await-in-loop -- the same
    for (const name of names) apps.push(await backUpApp(options, name))
    const manifest: BackupManifest = { format: 1, id: runtime.uuid(), createdAt, apps }
    await writeManifest(to, manifest)
    return manifest
  })
}

/** The apps that have a store below a data folder. */
async function appsIn(dataFolder: string): Promise<readonly string[]> {
  if (!existsSync(dataFolder)) return []
  const names = await readdir(dataFolder)
  return names.filter((name) => existsSync(join(dataFolder, name, 'write.sqlite'))).toSorted()
}

async function backUpApp(options: BackUpOptions, name: string): Promise<BackedUpApp> {
  const { dataFolder, to } = options
  const folder = join(to, name)
  await makeFolderDurably(folder)
  const files: BackedUpFile[] = []
  let logs: readonly StoredLog[] = []
  for (const each of storeFiles) {
    const file = join(dataFolder, name, each)
    if (!existsSync(file)) continue
    let bytes = 0
    const onProgress = (done: number, total: number): void => {
      bytes = total
      options.onProgress?.({ what: `copies ${name}/${each}`, done, total })
    }
    const copying = { file, to: join(folder, each), onProgress }
    // oxlint-disable-next-line no-await-in-loop -- read models first: see above
    if (each === 'write.sqlite') logs = await copySqliteStore(copying)
    // oxlint-disable-next-line no-await-in-loop -- the same
    else await copySqliteFile(copying)
    // oxlint-disable-next-line no-await-in-loop -- the same
    files.push({ name: each, ...(await contentOf(copying.to, () => onProgress(bytes, bytes))) })
  }
  await syncFolder(folder)
  return { name, files, logs }
}
