// How a connection reaches a database and which role it has there: each part of a process works with the
// rights of its own role and no others.
import type { ClientConfig } from 'pg'

/** The roles that the migration creates: who appends, who keeps read models, who reads those. */
export type DatabaseRole = 'rampart_writer' | 'rampart_projector' | 'rampart_reader'

/** How to reach a database, and what to be there. */
export interface Access {
  readonly url: string
  /** The role that each connection takes at its start; absent where its user has no other than his own. */
  readonly role?: DatabaseRole
}

/** The part of a driver's configuration that says where to connect, and with which settings. */
export function connectionOf({ url, role }: Access, settings: readonly string[] = []): ClientConfig {
  const own = role === undefined ? settings : [...settings, `role=${role}`]
  const options = own.map((setting) => `-c ${setting}`)
  if (!url.includes('options=') || !URL.canParse(url)) {
    return { connectionString: url, options: options.join(' ') }
  }
  // Options in the URL would take the place of all others.
  const parsed = new URL(url)
  const given = parsed.searchParams.getAll('options')
  parsed.searchParams.delete('options')
  return { connectionString: parsed.href, options: [...given, ...options].join(' ') }
}
