// Opens the stores of an app: files in its own folder, a database on a server, or memory that is forgotten.
import { join } from 'node:path'
import { RampartError, type Runtime } from '../core/index.ts'
import type { ReadStore, WriteStore } from '../core/ports/index.ts'
import { makeFolder, requireFinished } from '../backup/index.ts'
import { createMemoryStore } from '../memory/index.ts'
import type { HostSettings } from './settings.ts'
import { openSqliteReadStore, openSqliteStore } from '../sqlite/index.ts'
import type { StoreUrls } from './role-settings.ts'

/** Where an app keeps its data: in a folder of its own, on a server if there is one, or nowhere. */
export type Storage =
  | {
      readonly dataFolder: string
      readonly storeUrls?: StoreUrls | undefined
      /** What may be asked of the server. */
      readonly storeLimits?: HostSettings['storeLimits'] | undefined
    }
  | { readonly memory: true }

/** The stores of one app, as far as its process needs them. */
export interface AppStores {
  /** Absent where reads are served, and nothing else. */
  readonly write?: WriteStore
  /** Absent where commands are taken, and nothing else. */
  readonly read?: ReadStore
  /** Absolute, and without data where a server has them; null when nothing is kept. */
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
 * Opens `write.sqlite` and `reads.sqlite` below `<data folder>/<app>`, or the database that a URL names.
 * Throws `SETTING_INVALID` for a folder that cannot be used, and the faults of the stores, `STORE_LOCKED`
 * for files that another process has.
 */
export async function openStores({ appName, storage, thread, runtime }: StoreOptions): Promise<AppStores> {
  if ('memory' in storage) {
    const read = await openSqliteReadStore({ file: ':memory:', thread: 'caller' })
    return opened({ write: createMemoryStore({ runtime }), read }, null)
  }
  requireFinished(storage.dataFolder)
  const folder = join(storage.dataFolder, appName)
  createFolder(folder)
  const opening =
    storage.storeUrls === undefined
      ? openFiles({ folder, thread, runtime })
      : openDatabase(storage.storeUrls, { ...storage.storeLimits, namespace: appName, runtime })
  return opened(await opening, folder)
}

type Opened = Pick<AppStores, 'write' | 'read'>

async function openFiles({
  folder,
  thread,
  runtime,
}: Pick<StoreOptions, 'thread' | 'runtime'> & { readonly folder: string }): Promise<Opened> {
  const write = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread, runtime })
  return withRead(write, () => openSqliteReadStore({ file: join(folder, 'reads.sqlite'), thread }))
}

interface DatabaseOptions {
  readonly namespace: string
  readonly runtime: Runtime
  readonly statementMs?: number
  readonly readersMax?: number
}

/** Each role reaches the database with its own URL, and has its own rights there. */
async function openDatabase(urls: StoreUrls, options: DatabaseOptions): Promise<Opened> {
  // The driver is an optional peer: only who names a server needs it.
  const { openPostgresReadStore, openPostgresStore } = await import('../postgres/index.ts').catch(
    (cause: unknown) => {
      const message =
        'RAMPART_STORE names a PostgreSQL server, and its driver is not installed. Run npm i pg@8.23.0.'
      throw new RampartError('SETTING_INVALID', message, { cause })
    },
  )
  const { write: writer, project: projector, serve: reader } = urls
  // Who writes has the log open already; who projects only reads it.
  const log =
    writer !== undefined
      ? ({ url: writer, role: 'rampart_writer' } as const)
      : projector !== undefined && ({ url: projector, role: 'rampart_projector' } as const)
  const documents =
    projector !== undefined
      ? ({ url: projector, role: 'rampart_projector' } as const)
      : reader !== undefined && ({ url: reader, role: 'rampart_reader' } as const)
  // Documents are kept by who projects, and need not be read by the same user.
  const served = projector === undefined || urls.reader === undefined ? {} : { readerUrl: urls.reader }
  const write = log === false ? undefined : await openPostgresStore({ ...options, ...log, readerUrl: reader })
  return withRead(write, async () =>
    documents === false ? undefined : openPostgresReadStore({ ...options, ...documents, ...served }),
  )
}

/** Opens the read store, too; when that fails, nothing stays open. */
async function withRead(
  write: WriteStore | undefined,
  openRead: () => Promise<ReadStore | undefined>,
): Promise<Opened> {
  try {
    const read = await openRead()
    return { ...(write === undefined ? {} : { write }), ...(read === undefined ? {} : { read }) }
  } catch (fault) {
    await write?.[Symbol.asyncDispose]()
    throw fault
  }
}

function opened(stores: Opened, folder: string | null): AppStores {
  const close = async (): Promise<void> => {
    await stores.read?.[Symbol.asyncDispose]()
    await stores.write?.[Symbol.asyncDispose]()
  }
  return { ...stores, folder, close }
}

const reasonOfCode: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EEXIST: 'a file stands in its place',
  ENOENT: 'no folder can be made in the one above it',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is a file',
  EPERM: 'this user may not write there',
  EROFS: 'the disk can only be read',
}

function createFolder(folder: string): void {
  try {
    makeFolder(folder)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const reason = reasonOfCode[code] ?? code
    const message = `The folder ${folder} cannot be created: ${reason}. Set RAMPART_DATA to a writable one.`
    throw new RampartError('SETTING_INVALID', message, { cause })
  }
}
