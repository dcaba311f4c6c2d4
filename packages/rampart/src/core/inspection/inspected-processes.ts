// What a look at a database tells operators of the processes that share it.

/** A process that said that it runs, for one of its apps. */
export interface InspectedProcess {
  readonly id: string
  readonly app: string
  readonly roles: readonly string[]
  readonly pid: number
  readonly host: string
  /** With the prefix of the app; null where nothing listens. */
  readonly url: string | null
  /** False when it could see or change what it must not, because it only projects or serves. */
  readonly isWalled: boolean
  /** The user that it logs in as; null when it does not say. */
  readonly login: string | null
  /** The tables of which it could do that. */
  readonly opened: { readonly reads: readonly string[]; readonly changes: readonly string[] }
  readonly sinceMs: number
  /** How long ago it gave its last sign of life, by the clock of the database. */
  readonly silentMs: number
}

/** Who does work that one process at a time may do. */
export interface InspectedLease {
  readonly name: string
  /** Null when it was given back. */
  readonly holder: string | null
  readonly fence: number
  /** By the clock of the database; 0 when it has run out. */
  readonly leftMs: number
}

/** A session with an open transaction, or a prepared transaction that no session has any more. */
export interface InspectedSession {
  /** 0 of a prepared transaction. */
  readonly pid: number
  /** The name of a prepared transaction; null of a session. */
  readonly prepared: string | null
  readonly user: string
  readonly application: string
  /** As PostgreSQL calls it: `active`, `idle in transaction` … Empty for sessions that hide. */
  readonly state: string
  /** How long the transaction is open; null for sessions that hide. */
  readonly openMs: number | null
  readonly query: string
  /** What of the platform it has locked, in words; null when nothing. */
  readonly holds: string | null
  /** How many other sessions wait for it. */
  readonly waiting: number
}
