// What the writer keeps in memory between batches: its connection, and which appends in flight came to what.
import type { Client } from 'pg'
import type { Access } from './access.ts'
import type { HoldState } from './append-hold.ts'
import type { Collections } from './document-collections.ts'

/** What appends came to that others may build on, by their tickets; the oldest are forgotten. */
export interface Tickets {
  /**
   * The version that an accepted append left a stream with, or the position that it left a document with;
   * `undefined` when it was not accepted.
   */
  readonly leftBy: (ticket: string, name: string) => number | undefined
  readonly keep: (ticket: string, left: ReadonlyMap<string, number>) => void
}

/** A session as the server knows it: process ids come again, the times of their start do not. */
export interface Session {
  readonly pid: number
  readonly startedAt: string
}

/** What the steps of the writer share. */
export interface WriterState extends HoldState {
  readonly access: Access
  readonly inboxCommandsMax: number
  /** Begins each append id; unique per opening of the store. */
  readonly appendPrefix: string
  readonly tickets: Tickets
  /** The documents that commit with events. */
  readonly collections: Collections
  /** The newest epoch of each log that is open. */
  readonly epochs: Map<number, string>
  /** Who has claimed commands over this connection; what they hold is given back at the end. */
  readonly owners: Set<string>
  appends: number
  /** The last position that is known of each log: where a search for appends of unknown outcome begins. */
  readonly heads: Map<number, number>
  /** Absent until it is needed, and after it was lost. */
  client: Client | undefined
  /** Whose connection that is, as the server knows it. */
  session: Session | undefined
  /** Sessions whose connections were lost, and which may have something under way still. */
  readonly lostSessions: Session[]
  sweptAtMs: number
}

// More than may wait in one queue, so that no append is forgotten before those that build on it are answered.
const ticketsMax = 20_000

/** Remembers nothing yet. */
export function createTickets(): Tickets {
  const kept = new Map<string, ReadonlyMap<string, number>>()
  return {
    leftBy: (ticket, name) => kept.get(ticket)?.get(name),
    keep: (ticket, left) => {
      kept.set(ticket, left)
      const [oldest] = kept.keys()
      if (kept.size > ticketsMax && oldest !== undefined) kept.delete(oldest)
    },
  }
}

/** Names a stream within the writer. */
export function streamKey(
  log: number,
  { decider, id }: { readonly decider: string; readonly id: string },
): string {
  return `${log}\0${decider}\0${id}`
}
