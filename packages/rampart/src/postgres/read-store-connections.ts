// The connections of a read store on PostgreSQL: one that writes, for one caller after the other, and a pool.
import type { Client } from 'pg'
import { RampartError } from '../core/index.ts'
import type { Access } from './access.ts'
import {
  connectWriter,
  cutConnection,
  endConnection,
  inTransaction,
  isLost,
  placeOf,
  storeFault,
  type RunQuery,
} from './database.ts'
import { openDocuments } from './open-reads.ts'
import { openReaders } from './readers.ts'
import { takeCollectionsLock } from './read-store-generations.ts'

/** The connections of one store. */
export interface Connections {
  readonly query: RunQuery
  /** The same for documents that are served, which may be read as another user. */
  readonly documents: RunQuery
  /** Uses the writing connection. Throws `STORE_CLOSED` after the end, and what a failure means. */
  readonly write: <Value>(work: (client: Client) => Promise<Value>) => Promise<Value>
  /** The same within a transaction that no other change of collections overlaps. */
  readonly change: <Value>(work: (client: Client) => Promise<Value>) => Promise<Value>
  /** Nothing answers any more: ends what is under way. */
  readonly giveUp: () => void
  readonly close: () => Promise<void>
}

interface Opening extends Pick<Writing, 'client' | 'access'> {
  /** Whom documents are served as, where that is somebody else. */
  readonly readerUrl: string | undefined
}

interface Writing {
  readonly access: Access
  /** Absent until it is needed, and after it was lost. */
  client: Client | undefined
  /** The end of what was begun last. */
  turn: Promise<unknown>
  isClosed: boolean
}

/** Opens the other connections beside the first one; each connects when it is needed. */
export function openConnections({ client, access, readerUrl }: Opening): Connections {
  const readers = openReaders(access)
  const served = readerUrl === undefined ? undefined : openDocuments(access, readerUrl)
  const writing: Writing = { access, client, turn: Promise.resolve(), isClosed: false }
  const write: Connections['write'] = async (work) => {
    requireOpen(writing)
    const done = writing.turn.then(() => use(writing, work))
    writing.turn = done.catch(() => undefined)
    return done
  }
  return {
    query: async (statement, values) => {
      requireOpen(writing)
      return readers.query(statement, values)
    },
    documents: async (statement, values) => {
      requireOpen(writing)
      const query = (await served?.query()) ?? readers.query
      return query(statement, values)
    },
    write,
    change: async (work) => write((client) => inTransaction(client, () => changing(client, work))),
    giveUp() {
      readers.giveUp()
      served?.giveUp()
      if (writing.client !== undefined) cutConnection(writing.client)
    },
    async close() {
      if (writing.isClosed) return
      writing.isClosed = true
      await writing.turn
      await Promise.all([readers.close(), served?.close(), end(writing)])
    },
  }
}

async function changing<Value>(client: Client, work: (client: Client) => Promise<Value>): Promise<Value> {
  await takeCollectionsLock(client)
  return work(client)
}

function requireOpen({ access, isClosed }: Writing): void {
  if (!isClosed) return
  throw new RampartError('STORE_CLOSED', `The read store ${placeOf(access.url)} is closed. Open it again.`)
}

async function use<Value>(writing: Writing, work: (client: Client) => Promise<Value>): Promise<Value> {
  try {
    writing.client ??= await connectWriter(writing.access)
    return await work(writing.client)
  } catch (error) {
    // Whoever commits looks at the stored checkpoint before it goes on, so a lost answer does no harm.
    if (isLost(error)) await end(writing)
    throw storeFault(error, writing.access.url)
  }
}

async function end(writing: Writing): Promise<void> {
  const { client } = writing
  writing.client = undefined
  if (client !== undefined) await endConnection(client)
}
