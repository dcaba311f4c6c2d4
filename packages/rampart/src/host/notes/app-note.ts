// The note beside the data of an app that says which module it was loaded from, so that a verification can
// fold its events without being told.
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const name = 'app.json'

/** Leaves the note, in place of an older one. */
export async function leaveAppNote(folder: string, module: string): Promise<void> {
  if ((await findAppNote(folder)) === module) return
  const file = join(folder, name)
  // Whoever reads meanwhile gets the older note or the whole one.
  await writeFile(`${file}.tmp`, `${JSON.stringify({ module })}\n`)
  await rename(`${file}.tmp`, file)
}

/** The module that is noted in the folder of an app; `undefined` when there is no note that can be read. */
export async function findAppNote(folder: string): Promise<string | undefined> {
  try {
    const note: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'))
    const module: unknown =
      typeof note === 'object' && note !== null ? Reflect.get(note, 'module') : undefined
    return typeof module === 'string' ? module : undefined
  } catch {
    // The app was never served from a module, which is no fault.
    return undefined
  }
}
