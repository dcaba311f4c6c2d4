// What processes that share a read store on PostgreSQL tell each other of its projections, and what they see.
import type { LogKey, ReadStore } from '../core/ports/index.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import { createCollectionReader } from './read-store-collection.ts'
import { stateOf } from './read-store-generations.ts'
import type { Row } from './rows.ts'

type SharedReads = NonNullable<ReadStore['shared']>
type Look = NonNullable<Awaited<ReturnType<SharedReads['look']>>>
type Standing = Parameters<SharedReads['tell']>[2]

const lookAtLive: Statement = { name: 'look-at-live', text: readSql('look-at-live') }
const tellStanding: Statement = { name: 'tell-standing', text: readSql('tell-standing') }

/** Those who wait for news of projections, in this process. */
export interface NewsDesk {
  readonly listen: (log: string, name: string, callback: () => void) => () => void
  /** Passes a hint on that came from another process, or to everyone when some may have been lost. */
  readonly hear: (hint?: string) => void
}

/** The hint that there is news of a projection. */
export function hintOf({ log, name }: { readonly log: string; readonly name: string }): string {
  return JSON.stringify([log, name])
}

/** Makes the desk of one open store. */
export function createNewsDesk(): NewsDesk {
  const listeners = new Map<string, Set<() => void>>()
  return {
    listen(log, name, callback) {
      const hint = hintOf({ log, name })
      const own = listeners.get(hint) ?? new Set()
      listeners.set(hint, own)
      // Wrapped, so that the same function may listen twice and each end ends its own.
      const listener = (): void => callback()
      own.add(listener)
      return () => void own.delete(listener)
    },
    hear(hint) {
      const heard = hint === undefined ? [...listeners.values()] : [listeners.get(hint) ?? []]
      for (const own of heard) for (const callback of own) callback()
    },
  }
}

/** What the shared part of a read store is made of; `named` gives the name of a log in the database. */
export interface SharedOptions {
  readonly query: RunQuery
  /** Asks for documents. */
  readonly documents: RunQuery
  readonly named: (log: LogKey) => string
  readonly desk: NewsDesk
  /** Lets this process and the others know. */
  readonly spread: (of: { readonly log: string; readonly name: string }) => void
}

/** The shared part of a read store. */
export function createSharedReads({
  query,
  documents: served,
  named,
  desk,
  spread,
}: SharedOptions): SharedReads {
  const readers = new Map<number, Look['documents']>()
  const readerOf = (number: number, { shape }: Look['live']): Look['documents'] => {
    const known =
      readers.get(number) ??
      createCollectionReader({ query: served, table: { schema: 'rampart_read', number }, shape })
    readers.set(number, known)
    return known
  }
  return {
    async tell(log, name, standing) {
      await query(tellStanding, [named(log), name, JSON.stringify(standing)])
      spread({ log: named(log), name })
    },
    async look(log, name) {
      const [row] = await query(lookAtLive, [named(log), name])
      if (row === undefined) return undefined
      const live = stateOf(row, log, name)
      const documents = readerOf(Number(row[8]), live)
      return { live, documents, quarantinedKeys: Number(row[9]), ...toldIn(row) }
    },
    onChanged: (log, name, callback) => desk.listen(named(log), name, callback),
  }
}

function toldIn(row: Row): Pick<Look, 'standing'> {
  const [standing, ageMs] = row.slice(10)
  if (typeof standing !== 'string') return {}
  // What `tell` has written.
  const told = JSON.parse(standing) as Standing
  return { standing: { ...told, ageMs: Math.max(0, Number(ageMs)) } }
}
