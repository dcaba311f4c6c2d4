// The note that a server leaves beside the data of an app that it serves: where it listens, and as whom.
// The lock of the store says whether a note still holds: whoever was killed could not take it away.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where an app is served. */
export interface RunNote {
  readonly pid: number
  /** With the prefix of the app. */
  readonly url: string
  readonly startedAtMs: number
}

const name = 'server.json'

/** Leaves a note in the folder of an app, in place of an older one. */
export async function leaveRunNote(folder: string, note: RunNote): Promise<void> {
  const file = join(folder, name)
  // Whoever reads meanwhile gets the older note or the whole one.
  await writeFile(`${file}.tmp`, `${JSON.stringify(note)}\n`)
  await rename(`${file}.tmp`, file)
}

/** Takes the note away; without effect when there is none. */
export async function removeRunNote(folder: string): Promise<void> {
  await rm(join(folder, name), { force: true })
}

/** The note in the folder of an app; `undefined` when there is none that can be read. */
export async function findRunNote(folder: string): Promise<RunNote | undefined> {
  try {
    const note: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'))
    return isRunNote(note) ? note : undefined
  } catch {
    // No server has been here, or one of another version: there is nothing to be learned from that.
    return undefined
  }
}

function isRunNote(note: unknown): note is RunNote {
  if (typeof note !== 'object' || note === null) return false
  if (!('pid' in note && 'url' in note && 'startedAtMs' in note)) return false
  const { pid, url, startedAtMs } = note
  return Number.isSafeInteger(pid) && typeof startedAtMs === 'number' && URL.canParse(String(url))
}
