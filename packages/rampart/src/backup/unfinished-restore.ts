// The note of a restore that has begun to move files: while it is there, nobody may use the data, and the
// next restore goes on from it.
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RampartError } from '../core/index.ts'
import { removeDurably, writeDurably } from './durable-files.ts'

/** How far a restore is. */
export interface UnfinishedRestore {
  /** The id of the backup. */
  readonly backup: string
  /** The folder of the backup. */
  readonly from: string
  /** First the files that are there are moved aside, then the restored ones take their places. */
  readonly phase: 'moving aside' | 'putting in place'
  readonly apps: readonly string[]
  /** The name, within each app's folder, of the folder to which files are moved. */
  readonly aside: string
}

function noteIn(dataFolder: string): string {
  return join(dataFolder, 'unfinished-restore.json')
}

/** The note of a data folder; `undefined` when no restore was interrupted. */
export async function findUnfinishedRestore(dataFolder: string): Promise<UnfinishedRestore | undefined> {
  const file = noteIn(dataFolder)
  if (!existsSync(file)) return undefined
  // It was written whole, by this code, and names nothing but what is below the data folder.
  return JSON.parse(await readFile(file, 'utf8')) as UnfinishedRestore
}

/** Writes the note, in place of an older one. */
export async function noteUnfinishedRestore(dataFolder: string, note: UnfinishedRestore): Promise<void> {
  await writeDurably(noteIn(dataFolder), `${JSON.stringify(note, null, 2)}\n`)
}

/** Takes the note away. */
export async function removeUnfinishedRestore(dataFolder: string): Promise<void> {
  await removeDurably(noteIn(dataFolder))
}

/** Throws `STORE_UNAVAILABLE` while a restore into a data folder is not finished. */
export function requireNoUnfinishedRestore(dataFolder: string): void {
  const file = noteIn(dataFolder)
  if (!existsSync(file)) return
  const message =
    `A restore into ${dataFolder} was interrupted, and the files there belong to two states. ` +
    `Run rampart restore again with the backup that ${file} names: it goes on from there.`
  throw new RampartError('STORE_UNAVAILABLE', message)
}
