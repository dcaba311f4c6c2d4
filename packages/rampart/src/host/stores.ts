// Opens the stores of an app: files in its own folder, or memory that is forgotten.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RampartError, type Runtime } from '../core/index.ts'
import type { ReadStore, WriteStore } from '../core/ports/index.ts'
import { requireNoUnfinishedRestore } from '../backup/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import { openSqliteReadStore, openSqliteStore } from '../sqlite/index.ts'

/**
 * Where an app keeps its data: a folder of its own, with its logs on a server if there is one, or
 * nowhere.
 */
export type Storage =
  | { readonly dataFolder: string; readonly storeUrl?: string | undefined }
  | { readonly memory: true }

/** The stores of one app. */
export interface AppStores {
  readonly write: WriteStore
  readonly read: ReadStore
  /** Absolute; null when nothing is kept. */
  readonly folder: string | null
  readonly close: () => Promise<void>
}

/**
 * How to open them: `worker` keeps a server's event loop free of the disk, `caller` costs a program no
 * thread.
 */
export interface StoreOptions {
  readonly appName: string
  readonly storage: Storage
  readonly thread: 'worker' | 'caller'
  readonly runtime: Runtime
}

/**
 * Opens `write.sqlite` and `reads.sqlite` below `<data folder>/<app>`. Throws `SETTING_INVALID` for a
 * folder that cannot be used, and the faults of the stores, `STORE_LOCKED` for files that another process
 * has.
 */
export async function openStores({ appName, storage, thread, runtime }: StoreOptions): Promise<AppStores> {
  if ('memory' in storage) {
    const write = createMemoryStore({ runtime })
    return opened(write, await openSqliteReadStore({ file: ':memory:', thread: 'caller' }), null)
  }
  requireNoUnfinishedRestore(storage.dataFolder)
  const folder = join(storage.dataFolder, appName)
  await createFolder(folder)
  const write =
    storage.storeUrl === undefined
      ? await openSqliteStore({ file: join(folder, 'write.sqlite'), thread, runtime })
      : await openServerStore(storage.storeUrl, appName, runtime)
  try {
    return opened(write, await openSqliteReadStore({ file: join(folder, 'reads.sqlite'), thread }), folder)
  } catch (fault) {
    await write[Symbol.asyncDispose]()
    throw fault
  }
}

// The driver is an optional peer: only who names a server needs it.
async function openServerStore(url: string, namespace: string, runtime: Runtime): Promise<WriteStore> {
  const { openPostgresStore } = await import('../postgres/index.ts').catch((cause: unknown) => {
    const message =
      'RAMPART_STORE names a PostgreSQL server, and its driver is not installed. Run npm i pg@8.23.0.'
    throw new RampartError('SETTING_INVALID', message, { cause })
  })
  return openPostgresStore({ url, namespace, runtime })
}

function opened(write: WriteStore, read: ReadStore, folder: string | null): AppStores {
  const close = async (): Promise<void> => {
    await read[Symbol.asyncDispose]()
    await write[Symbol.asyncDispose]()
  }
  return { write, read, folder, close }
}

const reasonOfCode: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EEXIST: 'a file stands in its place',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file',
  EPERM: 'this user may not write there',
  EROFS: 'the disk can only be read',
}

async function createFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const reason = reasonOfCode[code] ?? code
    const message = `The folder ${folder} cannot be created: ${reason}. Set RAMPART_DATA to a writable one.`
    throw new RampartError('SETTING_INVALID', message, { cause })
  }
}
