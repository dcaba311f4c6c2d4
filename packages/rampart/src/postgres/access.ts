// How a connection reaches a database and which role it has there: each part of a process works with the
// rights of its own role and no others.
import type { ClientConfig } from 'pg'

/** The roles that the migration creates: who appends, who keeps read models, who reads those. */
export type DatabaseRole = 'rampart_writer' | 'rampart_projector' | 'rampart_reader'

/** How much a process may ask of a database, and for how long. */
export interface ConnectionLimits {
  /** Longest that a statement may take. */
  readonly statementMs: number
  /** How many connections of a pool read at once. */
  readonly readersMax: number
}

const statementMsUnlessSaid = 30_000
const readersMaxUnlessSaid = 4

/** How to reach a database, and what to be there. */
export interface Access {
  readonly url: string
  readonly limits: ConnectionLimits
  /** The role that each connection takes at its start; absent where its user has no other than his own. */
  readonly role?: DatabaseRole
}

/** How to reach the database that options name, within their bounds, with the rights of the URL's user. */
export function accessOf(options: { readonly url: string } & Partial<ConnectionLimits>): Access {
  const { url, statementMs = statementMsUnlessSaid, readersMax = readersMaxUnlessSaid } = options
  return { url, limits: { statementMs, readersMax } }
}

// What a database or a user may have as a default, and what is read and written here depends on.
const pinned = [
  'DateStyle=ISO',
  'IntervalStyle=postgres',
  'bytea_output=hex',
  // A space that stands in a value.
  'default_transaction_isolation=read\\ committed',
  'standard_conforming_strings=on',
]

/** The part of a driver's configuration that says where to connect, and with which settings. */
export function connectionOf(
  { url, role }: Omit<Access, 'limits'>,
  settings: readonly string[] = [],
): ClientConfig {
  const own = role === undefined ? settings : [...settings, `role=${role}`]
  const options = [...pinned, ...own].map((setting) => `-c ${setting}`)
  if (!url.includes('options=') || !URL.canParse(url)) {
    return { connectionString: url, options: options.join(' ') }
  }
  // Options in the URL would take the place of all others.
  const parsed = new URL(url)
  const given = parsed.searchParams.getAll('options')
  parsed.searchParams.delete('options')
  return { connectionString: parsed.href, options: [...given, ...options].join(' ') }
}
