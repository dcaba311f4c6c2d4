// Makes folders for store files, backups and notes of processes.
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder with those above it, and answers with the folders in which it made one. One level after the
 * other: asked for all at once, Node never ends below /proc, and hides why a disk refuses a folder.
 */
export function makeFolder(folder: string): readonly string[] {
  const path = resolve(folder)
  if (isFolder(path)) return []
  const above = dirname(path)
  const changed = existsSync(above) ? [] : makeFolder(above)
  try {
    mkdirSync(path)
  } catch (fault) {
    // Another process may have made it meanwhile.
    if (!isFolder(path)) throw fault
  }
  return [...changed, above]
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
