// Reads what a process does for its apps, and with which rights each of its roles reaches the database.
import { choices, quoted } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import { roles, type Role } from '../gateway/index.ts'

/** How the roles of a process reach its database; each may be a user of its own. */
export interface StoreUrls {
  readonly write?: string
  readonly project?: string
  readonly serve?: string
  /** Who serves documents, where that is said. */
  readonly reader?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** The roles of a process; all of them unless said. Throws `SETTING_INVALID` for a role that there is not. */
export function readRoles(environment: Environment): ReadonlySet<Role> {
  const names = (environment['RAMPART_ROLES'] ?? '').split(',').map((name) => name.trim())
  const wanted = names.filter((name) => name !== '')
  return new Set(wanted.length === 0 ? roles : wanted.map(roleNamed))
}

function roleNamed(name: string): Role {
  const role = roles.find((each) => each === name)
  if (role !== undefined) return role
  const known = choices(name, roles, 'There are')
  const message = `RAMPART_ROLES names ${quoted(name)}, which is no role. ${known}`
  throw new RampartError('SETTING_INVALID', message)
}

const settingOf = {
  write: 'RAMPART_STORE',
  project: 'RAMPART_PROJECTOR_STORE',
  serve: 'RAMPART_READER_STORE',
} as const
const needy = ['write', 'project', 'serve'] as const

/**
 * The URLs for the roles of a process; `undefined` when it keeps files. Throws `SETTING_INVALID` for what is
 * no URL, for a role without one, and for files that several processes would need.
 */
export function readStoreUrls(environment: Environment, own: ReadonlySet<Role>): StoreUrls | undefined {
  const given = {
    write: readUrl(environment, settingOf.write),
    project: readUrl(environment, settingOf.project),
    serve: readUrl(environment, settingOf.serve),
  }
  const absent = needy.filter((role) => !own.has(role))
  if (Object.values(given).every((url) => url === undefined)) {
    if (absent.length === 0) return undefined
    throw invalid(
      `RAMPART_ROLES leaves ${absent.join(' and ')} to another process, and files belong to one process. ` +
        'Set RAMPART_STORE to the URL of a PostgreSQL database, or leave RAMPART_ROLES out.',
    )
  }
  const urls = needy
    .filter((role) => own.has(role))
    .map((role) => [role, given[role] ?? given.write] as const)
  const [without] = urls.find(([, url]) => url === undefined) ?? []
  const reader = own.has('serve') && given.serve !== undefined ? { reader: given.serve } : {}
  if (without === undefined) return { ...Object.fromEntries(urls), ...reader }
  throw invalid(
    `The role ${without} has no database. Set ${settingOf[without]} to its URL, or leave ${without} out of ` +
      'RAMPART_ROLES.',
  )
}

function readUrl(environment: Environment, name: string): string | undefined {
  const url = environment[name]?.trim() ?? ''
  if (url === '') return undefined
  if (/^postgres(?:ql)?:\/\//.test(url) && URL.canParse(url)) return url
  const fallback = name === settingOf.write ? 'files below RAMPART_DATA' : 'RAMPART_STORE'
  throw invalid(
    `${name} is not the URL of a PostgreSQL database. Set it to ` +
      `postgres://user:password@host:port/database, or to nothing for ${fallback}.`,
  )
}

function invalid(message: string): RampartError {
  return new RampartError('SETTING_INVALID', message)
}
