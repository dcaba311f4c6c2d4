// The apps whose stores stand in the folder of the data that a command looks at.
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { requireFinished } from '../backup/index.ts'
import { RampartError } from '../core/index.ts'

/** An app whose stores stand in a data folder. */
export interface AppFolder {
  readonly app: string
  readonly folder: string
  readonly writeFile: string
  readonly readFile: string
}

/**
 * The apps of a data folder, by name. Throws `INPUT_INVALID` when there are none, and `STORE_UNAVAILABLE`
 * while a restore is unfinished there.
 */
export async function appFoldersIn(data: string): Promise<readonly AppFolder[]> {
  const apps = await findAppFolders(data)
  if (apps.length > 0) return apps
  throw nothingIn(data, 'has no app with a store (<app>/write.sqlite)')
}

/** The same where there may be none any more; the folder itself must be there. */
export async function findAppFolders(data: string): Promise<readonly AppFolder[]> {
  requireFinished(data)
  const entries = await readdir(data, { withFileTypes: true }).catch((cause: unknown) => {
    throw nothingIn(data, reasonFor(cause), cause)
  })
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => appFolderOf(data, name))
  const stored = await Promise.all(folders.map(({ writeFile }) => isThere(writeFile)))
  const apps = folders.filter((_, index) => stored[index])
  return apps.toSorted((one, other) => (one.app < other.app ? -1 : 1))
}

function appFolderOf(data: string, app: string): AppFolder {
  const folder = join(data, app)
  return { app, folder, writeFile: join(folder, 'write.sqlite'), readFile: join(folder, 'reads.sqlite') }
}

function nothingIn(data: string, what: string, cause?: unknown): RampartError {
  const message = `The data folder ${data} ${what}. Name the one that the server was started with: --data.`
  return new RampartError('INPUT_INVALID', message, cause === undefined ? {} : { cause })
}

function reasonFor(fault: unknown): string {
  const code = fault instanceof Error && 'code' in fault ? fault.code : ''
  if (code === 'ENOENT') return 'is not there'
  return code === 'ENOTDIR' ? 'is a file' : 'may not be read by this user'
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
