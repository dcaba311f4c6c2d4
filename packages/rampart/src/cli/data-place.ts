// Where the data stand that a command looks at: in a folder, or in a PostgreSQL database.
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { RampartError } from '../core/index.ts'
import { callerFolder } from '../host/notes/index.ts'

/** What a command over data is told; the environment holds for what is not said. */
export interface DataOptions {
  readonly data?: string
  readonly store?: string
}

/** A folder of files or a database, by its absolute path or its URL. */
export type DataPlace = { readonly kind: 'folder'; readonly data: string } | DatabasePlace

/** A database in the place of a folder. */
export interface DatabasePlace {
  readonly kind: 'database'
  /** Where events stand. */
  readonly url: string
  /** Where read models stand. */
  readonly readsUrl: string
  /** The folder of what is kept beside it. */
  readonly data: string
}

/** Adds `--data` and `--store` to a command; without them the settings of the server hold. */
export function withPlace(command: Command): Command {
  const store = new Option('--store <url>', 'the PostgreSQL database of the data: RAMPART_STORE unless said')
  return command
    .option('--data <folder>', 'the folder of the data: RAMPART_DATA or ./data unless said')
    .addOption(store.conflicts('data'))
}

/** Where the data of a command are. Throws `INPUT_INVALID`. */
export function placeOfData({ data, store }: DataOptions): DataPlace {
  const folder = resolve(callerFolder(process.env), data ?? (process.env['RAMPART_DATA']?.trim() || 'data'))
  if (data !== undefined) return { kind: 'folder', data: folder }
  const url = store === undefined ? storeSetting('RAMPART_STORE') : checkedUrl(store, '--store')
  if (url === undefined) return { kind: 'folder', data: folder }
  // Whoever appends may not look into read models.
  const readers = ['RAMPART_PROJECTOR_STORE', 'RAMPART_READER_STORE']
  const readsUrl = store === undefined ? readers.map(storeSetting).find((one) => one !== undefined) : url
  return { kind: 'database', url, readsUrl: readsUrl ?? url, data: folder }
}

/** What a place is called, without the password of its URL. */
export function nameOf(place: DataPlace): string {
  if (place.kind === 'folder') return place.data
  const { host, pathname } = new URL(place.url)
  return `${host}${pathname}`
}

function storeSetting(name: string): string | undefined {
  const url = process.env[name]?.trim() ?? ''
  return url === '' ? undefined : checkedUrl(url, name)
}

// What was given may hold a password, so it is not repeated.
function checkedUrl(url: string, name: string): string {
  if (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url)) return url
  const rule = 'Write postgres://user:password@host:port/database.'
  throw new RampartError('INPUT_INVALID', `${name} is no URL of a database. ${rule}`)
}

/** Loads what talks to a database. Throws `SETTING_INVALID` where its driver is not installed. */
export async function withDriver<Module>(load: () => Promise<Module>): Promise<Module> {
  return load().catch((cause: unknown) => {
    const message = 'A PostgreSQL database needs its driver, which is not installed. Run npm i pg@8.23.0.'
    throw new RampartError('SETTING_INVALID', message, { cause })
  })
}
