// What an open database reads with: a pool for its logs, and one for documents that commit with events.
import { RampartError } from '../core/index.ts'
import type { Access } from './access.ts'
import { connectWriter, endConnection, placeOf, storeFault, type RunQuery } from './database.ts'
import { createEventReader } from './event-reader.ts'
import { takeRole } from './migrations.ts'
import type { OpenStore, StoreReads } from './open-store.ts'
import { openReaders, type Readers } from './readers.ts'

/** The reads of a database, which throw `STORE_CLOSED` once they are closed. */
export interface OpenReads extends Pick<OpenStore, 'reads' | 'documents'> {
  /** Nothing answers any more: ends what is under way. */
  readonly giveUp: () => void
  readonly close: () => Promise<void>
}

/** Opens the pools; each connects when it is asked. */
export function openReads(access: Access, readerUrl?: string): OpenReads {
  const readers = openReaders(access)
  const reads: StoreReads = { query: readers.query, events: createEventReader(readers) }
  const documents = openDocuments(access, readerUrl)
  let isOpen = true
  const requireOpen = (): void => {
    if (isOpen) return
    throw new RampartError('STORE_CLOSED', `The store ${placeOf(access.url)} is closed.`)
  }
  return {
    reads: () => {
      requireOpen()
      return reads
    },
    documents: async () => {
      requireOpen()
      const query = await documents.query()
      return async (statement, values) => {
        requireOpen()
        return query(statement, values)
      }
    },
    giveUp() {
      readers.giveUp()
      documents.giveUp()
    },
    close: async () => {
      isOpen = false
      await Promise.all([readers.close(), documents.close()])
    },
  }
}

/** A pool that serves documents. */
export interface DocumentReads extends Pick<Readers, 'giveUp' | 'close'> {
  /** Connects as a reader at first. */
  readonly query: () => Promise<RunQuery>
}

/** Opens it as the user of another URL, if that names the same database; it connects when it is asked. */
export function openDocuments(access: Access, readerUrl: string = access.url): DocumentReads {
  const url = placeOf(readerUrl) === placeOf(access.url) ? readerUrl : access.url
  let documents: Promise<Readers> | undefined
  return {
    async query() {
      documents ??= openDocumentReaders({ ...access, url })
      const { query } = await documents.catch((fault: unknown) => {
        // The next one tries again.
        documents = undefined
        throw fault
      })
      return query
    },
    giveUp: () => void documents?.then((known) => known.giveUp()).catch(() => undefined),
    close: async () => documents?.then(({ close }) => close()).catch(() => undefined),
  }
}

// Whoever serves documents has the rights of a reader, to whom the database denies everything else that
// commands leave. A user who may not become a reader reads with the rights that he has.
async function openDocumentReaders({ url, limits }: Access): Promise<Readers> {
  const client = await connectWriter({ url, limits })
  try {
    return openReaders(await takeRole(client, { url, limits }, 'rampart_reader'))
  } catch (error) {
    throw storeFault(error, url)
  } finally {
    await endConnection(client)
  }
}
