// The note of a backup that has begun: it comes before the first copy and goes after the manifest, so that
// what a killed process leaves behind is known for what it is, and is neither a backup nor data.
import { existsSync } from 'node:fs'
import { open, readdir, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isoTime } from '../core/codec/index.ts'
import { RampartError, systemRuntime, type Runtime } from '../core/index.ts'
import { makeFolderDurably, removeDurably, syncFolder } from './durable-files.ts'
import { hasManifest, isUnfinished, unfinishedNote } from './manifest.ts'

/** Where a backup is made, and by whose clock. */
export interface BackupPlace {
  /** Absent or empty. */
  readonly to: string
  readonly runtime?: Runtime
}

/**
 * Makes a backup in a folder, and removes what it has made when that fails. Throws `INPUT_INVALID` for a
 * folder that holds something.
 */
export async function makingBackup<T>(
  { to, runtime = systemRuntime }: BackupPlace,
  make: (begunAt: string) => Promise<T>,
): Promise<T> {
  await requireEmpty(to)
  const isNew = !existsSync(to)
  let isOurs = false
  try {
    await makeFolderDurably(to)
    const begunAt = isoTime(runtime.nowMs())
    await writeNote(to, begunAt)
    isOurs = true
    const made = await make(begunAt)
    await removeDurably(join(to, unfinishedNote))
    return made
  } catch (fault) {
    // Why it failed says more than why that cannot be tidied up; the note stays until all else is gone.
    await tidyUp({ to, isNew, isOurs }).catch(() => undefined)
    throw fault
  }
}

/** Throws `STORE_UNAVAILABLE` for a folder with a backup that was never finished: its copies are no data. */
export function requireNoUnfinishedBackup(folder: string): void {
  if (!isUnfinished(folder)) return
  const what = `${folder} holds what is left of a backup that was never finished, and no data.`
  throw new RampartError('STORE_UNAVAILABLE', `${what} ${removal(folder)}`)
}

async function requireEmpty(to: string): Promise<void> {
  if (!existsSync(to)) return
  const instead = 'Name a folder that is absent or empty.'
  if (!(await stat(to)).isDirectory()) throw refused(`${to} is a file. ${instead}`)
  if ((await readdir(to)).length === 0) return
  if (isUnfinished(to)) throw refused(`${to} holds a backup that was never finished. ${removal(to)}`)
  if (hasManifest(to)) throw refused(`${to} holds a backup already. ${instead}`)
  throw refused(`${to} is not an empty folder: it may hold a backup that was never finished. ${instead}`)
}

function removal(folder: string): string {
  return `Unless a process is making it just now, remove it: rm -r '${folder}'.`
}

function refused(message: string): RampartError {
  return new RampartError('INPUT_INVALID', message)
}

async function writeNote(to: string, begunAt: string): Promise<void> {
  // Of two processes one has the folder.
  const handle = await open(join(to, unfinishedNote), 'wx')
  try {
    await handle.writeFile(`${JSON.stringify({ begunAt })}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncFolder(to)
}

interface Made {
  readonly to: string
  /** Whether the folder was not there before. */
  readonly isNew: boolean
  /** Whether everything in it is of this backup. */
  readonly isOurs: boolean
}

async function tidyUp({ to, isNew, isOurs }: Made): Promise<void> {
  const names = isOurs ? await readdir(to) : []
  for (const name of names.filter((one) => one !== unfinishedNote)) {
    // oxlint-disable-next-line no-await-in-loop -- a handful, and the note last
    await removeDurably(join(to, name))
  }
  if (isOurs) await removeDurably(join(to, unfinishedNote))
  if (isNew) await rmdir(to)
}
