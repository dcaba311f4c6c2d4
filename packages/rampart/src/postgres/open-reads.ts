// What an open database reads with: a pool for its logs, and one for documents that commit with events.
import { RampartError } from '../core/index.ts'
import type { Access } from './access.ts'
import { connectWriter, endConnection, placeOf, storeFault } from './database.ts'
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
export function openReads(access: Access, readerUrl: string = access.url): OpenReads {
  const documentsUrl = placeOf(readerUrl) === placeOf(access.url) ? readerUrl : access.url
  const readers = openReaders(access)
  const reads: StoreReads = { query: readers.query, events: createEventReader(readers) }
  let documents: Promise<Readers> | undefined
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
      documents ??= openDocumentReaders({ ...access, url: documentsUrl })
      const { query } = await documents.catch((fault: unknown) => {
        // The next one tries again.
        documents = undefined
        throw fault
      })
      return async (statement, values) => {
        requireOpen()
        return query(statement, values)
      }
    },
    giveUp() {
      readers.giveUp()
      documents?.then((known) => known.giveUp()).catch(() => undefined)
    },
    close: async () => {
      isOpen = false
      await Promise.all([readers.close(), documents?.then(({ close }) => close()).catch(() => undefined)])
    },
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
