// Restores a backup into a data folder that nobody uses, and survives its own death at any step.
//
//   1  lock           the locks of all stores are held to the end, so that no server starts on half of it
//   2  stage          <app>/restoring/   a checked copy of the backup, in an epoch of its own, synced
//   3  note           unfinished-restore.json: from here on the restore is finished, by whoever runs it again
//   4  move aside     <app>/before-restore-…/   what was there
//   5  put in place   the staged files; then the note goes
//
// Whoever dies in 1 or 2 has changed nothing. Whoever dies later leaves the note, which keeps servers from
// starting and says how far 4 and 5 are; each of their moves can be repeated.
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { RampartError, systemRuntime, type Runtime } from '../core/index.ts'
import { beginSqliteEpochs, lockStore, type StoredLog } from '../sqlite/copies/index.ts'
import type { CopyProgress } from './back-up.ts'
import { readManifest, storeFiles, type BackedUpApp, type BackupManifest } from './manifest.ts'
import {
  copyFile,
  handlingFiles,
  makeFolderDurably,
  moveDurably,
  removeDurably,
  syncFolder,
} from './durable-files.ts'
import {
  findUnfinishedRestore,
  noteUnfinishedRestore,
  removeUnfinishedRestore,
  type UnfinishedRestore,
} from './unfinished-restore.ts'

/** What to restore, and where to. */
export interface RestoreOptions {
  /** The folder of the backup. */
  readonly from: string
  readonly dataFolder: string
  readonly runtime?: Runtime
  /** Hears of every step before it is taken. */
  readonly onProgress?: (progress: CopyProgress) => void
}

/** An app that was restored. */
export interface RestoredApp {
  readonly name: string
  /** Where its logs ended in the backup. */
  readonly logs: readonly StoredLog[]
  /** Where the files are that were there before; null when there were none. */
  readonly aside: string | null
}

/** What a restore came to. */
export interface Restored {
  /** When the backup was begun. */
  readonly createdAt: string
  readonly apps: readonly RestoredApp[]
  /** True when it finished a restore that was interrupted. */
  readonly wasUnfinished: boolean
}

const stage = 'restoring'

/**
 * Restores a backup. Throws `BACKUP_INVALID` for one that is damaged or was never finished, `STORE_LOCKED`
 * while a server has the data, and `INPUT_INVALID` while the restore of another backup is unfinished.
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  return handlingFiles(() => restoreAll(options))
}

async function restoreAll(options: RestoreOptions): Promise<Restored> {
  const { from, dataFolder } = options
  const manifest = await readManifest(from)
  await makeFolderDurably(dataFolder)
  const found = await findUnfinishedRestore(dataFolder)
  if (found !== undefined && found.backup !== manifest.id) {
    const message = `The restore of ${found.from} was interrupted. Restore that one again first.`
    throw new RampartError('INPUT_INVALID', message)
  }
  const locks: ReturnType<typeof lockStore>[] = []
  try {
    for (const { name } of manifest.apps) {
      // oxlint-disable-next-line no-await-in-loop -- a handful of folders
      await makeFolderDurably(join(dataFolder, name))
      locks.push(lockStore(join(realpathSync(join(dataFolder, name)), 'write.sqlite')))
    }
    const note = found ?? (await stageAllOrNothing(options, manifest))
    await finish(options, note)
    return {
      createdAt: manifest.createdAt,
      apps: manifest.apps.map(({ name, logs }) => ({ name, logs, aside: asideOf(options, note, name) })),
      wasUnfinished: found !== undefined,
    }
  } finally {
    for (const lock of locks) lock.release()
  }
}

async function stageAllOrNothing(
  options: RestoreOptions,
  manifest: BackupManifest,
): Promise<UnfinishedRestore> {
  try {
    return await stageAll(options, manifest)
  } catch (fault) {
    // Once the note stands, what is staged is needed to finish.
    if ((await findUnfinishedRestore(options.dataFolder)) === undefined) {
      const folders = manifest.apps.map(({ name }) => join(options.dataFolder, name, stage))
      await Promise.allSettled(folders.map(removeDurably))
    }
    throw fault
  }
}

async function stageAll(options: RestoreOptions, manifest: BackupManifest): Promise<UnfinishedRestore> {
  const { dataFolder, from, runtime = systemRuntime } = options
  for (const app of manifest.apps) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other: they share a disk
    await stageApp(options, app)
  }
  const apps = manifest.apps.map(({ name }) => name)
  const note: UnfinishedRestore = {
    backup: manifest.id,
    from,
    phase: 'moving aside',
    apps,
    aside: unusedName(dataFolder, apps, runtime),
  }
  step(options, 'notes that the restore has begun')
  await noteUnfinishedRestore(dataFolder, note)
  return note
}

async function stageApp(options: RestoreOptions, { name, files }: BackedUpApp): Promise<void> {
  const { dataFolder, from, runtime } = options
  const folder = join(dataFolder, name, stage)
  // What an interrupted restore has left here was never complete.
  await removeDurably(folder)
  await makeFolderDurably(folder)
  for (const file of files) {
    const what = `copies ${name}/${file.name}`
    const source = join(from, name, file.name)
    const onCopied = (done: number): void => options.onProgress?.({ what, done, total: file.bytes })
    // oxlint-disable-next-line no-await-in-loop -- the same
    const { bytes, sha256 } = await copyChecked(source, join(folder, file.name), onCopied)
    if (bytes !== file.bytes || sha256 !== file.sha256) throw damaged(source)
  }
  step(options, `begins an epoch of ${name}`)
  const logs = join(folder, 'write.sqlite')
  if (!existsSync(logs)) throw damaged(join(from, name, 'write.sqlite'))
  beginSqliteEpochs(logs, runtime)
  await syncFolder(folder)
}

async function copyChecked(from: string, to: string, onCopied: (bytes: number) => void) {
  if (!existsSync(from)) throw damaged(from)
  return copyFile(from, to, onCopied)
}

/** The fault of a file that was changed since. */
export function damaged(file: string): RampartError {
  const message =
    `${file} is not what the backup's manifest says: it was changed, cut or lost since. ` +
    'Nothing was restored. Use another backup.'
  return new RampartError('BACKUP_INVALID', message)
}

/** A name that tells the time, for a folder that no app has yet. */
function unusedName(dataFolder: string, apps: readonly string[], runtime: Runtime): string {
  const time = new Date(runtime.nowMs()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  for (let count = 1; ; count++) {
    const name = `before-restore-${time}${count === 1 ? '' : `-${count}`}`
    if (apps.every((app) => !existsSync(join(dataFolder, app, name)))) return name
  }
}

/** Takes what is left of the two phases; each of their steps may have been taken before. */
async function finish(options: RestoreOptions, note: UnfinishedRestore): Promise<void> {
  const { dataFolder } = options
  if (note.phase === 'moving aside') {
    for (const app of note.apps) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other, as the drawing says
      await moveAside(options, note, app)
    }
    step(options, 'notes that the files of before are aside')
    await noteUnfinishedRestore(dataFolder, { ...note, phase: 'putting in place' })
  }
  for (const app of note.apps) {
    // oxlint-disable-next-line no-await-in-loop -- the same
    await putInPlace(options, app)
  }
  step(options, 'notes that the restore is finished')
  await removeUnfinishedRestore(dataFolder)
  // oxlint-disable-next-line no-await-in-loop -- the same
  for (const app of note.apps) await removeDurably(join(dataFolder, app, stage))
}

/** A database in use has its log of writes in files of its own; they belong together. */
const endings = ['', '-wal', '-shm']

async function moveAside(options: RestoreOptions, { aside }: UnfinishedRestore, app: string): Promise<void> {
  const folder = join(options.dataFolder, app)
  for (const name of storeFiles.flatMap((file) => endings.map((ending) => `${file}${ending}`))) {
    if (!existsSync(join(folder, name))) continue
    step(options, `moves ${app}/${name} aside`)
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as the drawing says
    await makeFolderDurably(join(folder, aside))
    // oxlint-disable-next-line no-await-in-loop -- the same
    await moveDurably(join(folder, name), join(folder, aside, name))
  }
}

async function putInPlace(options: RestoreOptions, app: string): Promise<void> {
  const folder = join(options.dataFolder, app)
  for (const name of storeFiles) {
    if (!existsSync(join(folder, stage, name))) continue
    step(options, `puts ${app}/${name} in place`)
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as the drawing says
    await moveDurably(join(folder, stage, name), join(folder, name))
  }
}

function asideOf({ dataFolder }: RestoreOptions, { aside }: UnfinishedRestore, app: string): string | null {
  const folder = join(dataFolder, app, aside)
  return existsSync(folder) ? folder : null
}

function step({ onProgress }: RestoreOptions, what: string): void {
  onProgress?.({ what, done: 0, total: 0 })
}
