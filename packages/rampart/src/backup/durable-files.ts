// Files that are there after a power loss once they are said to be: copied, written and moved with a sync.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isRampartError, RampartError } from '../core/index.ts'
import { makeFolder } from '../sqlite/copies/index.ts'

/** Does what handles files, and says in a sentence why the system would not have it. */
export async function handlingFiles<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (isRampartError(cause) || !(cause instanceof Error) || !('code' in cause)) throw cause
    if (cause.code === 'ENOSPC') {
      const message = `A disk is full: ${cause.message}. Free space and run this again.`
      throw new RampartError('STORE_FULL', message, { cause })
    }
    const message = `A file could not be handled: ${cause.message}. Check the folder and its permissions.`
    throw new RampartError('STORE_UNAVAILABLE', message, { cause })
  }
}

/** What a file holds. */
export interface Content {
  readonly bytes: number
  /** In hexadecimal digits. */
  readonly sha256: string
}

/** Reads a file to its end, and says what it holds. */
export async function contentOf(file: string, onRead: () => void = () => {}): Promise<Content> {
  return readThrough(file, async () => onRead())
}

/** Copies a file in place of whatever is at `to`, and says what the copy was made of. */
export async function copyFile(
  from: string,
  to: string,
  onCopied: (bytes: number) => void,
): Promise<Content> {
  const target = await open(to, 'w')
  try {
    const content = await readThrough(from, async (chunk, bytes) => {
      await target.writeFile(chunk)
      onCopied(bytes)
    })
    await target.sync()
    return content
  } finally {
    await target.close()
  }
}

async function readThrough(
  file: string,
  take: (chunk: Buffer, bytes: number) => Promise<void>,
): Promise<Content> {
  const hash = createHash('sha256')
  let bytes = 0
  // Without an encoding a file comes as buffers.
  const chunks: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: 1024 * 1024 })
  for await (const chunk of chunks) {
    hash.update(chunk)
    bytes += chunk.length
    await take(chunk, bytes)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Writes a file whole or not at all, in place of an older one. */
export async function writeDurably(file: string, text: string): Promise<void> {
  const draft = `${file}.tmp`
  const handle = await open(draft, 'w')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await moveDurably(draft, file)
}

/** Moves a file within a file system, in place of an older one. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
  if (dirname(from) !== dirname(to)) await syncFolder(dirname(from))
}

/** Removes a file or a folder with all that is in it; without effect when it is not there. */
export async function removeDurably(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
  await syncFolder(dirname(path))
}

/** Makes a folder, with those above it, which are there after a power loss, too. */
export async function makeFolderDurably(folder: string): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- a handful
  for (const changed of makeFolder(folder)) await syncFolder(changed)
}

/** Makes what was created, moved or removed in a folder last. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows keeps folders by itself, and lets nobody open one.
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
