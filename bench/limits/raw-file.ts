// The limit of any durable append: a file that grows by one write and one fdatasync per group of waiting
// callers.
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** A file to append to. */
export interface RawFile extends Disposable {
  /** Resolves once the bytes are on disk, together with those of everyone who waits at the same moment. */
  readonly append: (bytes: Uint8Array) => Promise<void>
}

/** Opens a file whose appends are grouped as a store would group them. */
export function openRawFile(folder: string): RawFile {
  const file = openSync(join(folder, 'raw'), 'a')
  let waiting: { readonly bytes: Uint8Array; readonly done: () => void }[] = []
  const flush = (): void => {
    const group = waiting
    waiting = []
    writeSync(file, Buffer.concat(group.map(({ bytes }) => bytes)))
    fdatasyncSync(file)
    for (const { done } of group) done()
  }
  return {
    append: (bytes) =>
      new Promise((resolve) => {
        waiting.push({ bytes, done: resolve })
        if (waiting.length === 1) setImmediate(flush)
      }),
    [Symbol.dispose]: () => closeSync(file),
  }
}
