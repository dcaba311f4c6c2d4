// What the writer keeps in memory between batches: its connection, what is on its way, and what came of it.
import type { Client } from 'pg'
import type { Access } from './access.ts'
import type { HoldState } from './append-hold.ts'
import type { Collections } from './document-collections.ts'
import type { FreshLeaves } from './fresh-leaves.ts'
import type { Flights } from './overlap.ts'
import type { Pace } from './pace.ts'
import type { Tickets } from './tickets.ts'

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
  /** The batches that are on their way. */
  readonly flights: Flights
  readonly leaves: FreshLeaves
  /** What calls cost. */
  readonly pace: Pace
  appends: number
  /** The last position that is known of each log: where a search for appends of unknown outcome begins. */
  readonly heads: Map<number, number>
  /** Absent until it is needed, and after it was lost. */
  client: Client | undefined
  /** The attempt to connect that is under way. */
  connecting: Promise<Client> | undefined
  /** Whose connection it is, as the server knows it. */
  session: Session | undefined
  /** Sessions whose connections were lost, and which may have something under way still. */
  readonly lostSessions: Session[]
  sweptAtMs: number
}
