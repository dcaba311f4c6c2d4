// The read store on SQLite: documents of projections in a file of their own, derivable and therefore not
// synced.
import { RampartError } from '../core/index.ts'
import type { CollectionShape, CommitRequest, DocumentCollection, ReadStore } from '../core/ports/index.ts'
import { columnsOf } from '../core/rows/index.ts'
import { openDatabase } from './database.ts'
import { collectionStates, projectionNames } from './read-store-generations.ts'
import { createCollectionReader, createReader, type Reader } from './read-store-collection.ts'
import { rowOf, type Cell } from './read-store-tables.ts'
import {
  createWriter,
  openReadStoreDatabase,
  type WriterReply,
  type WriterRequest,
} from './read-store-writer.ts'
import { startWorker, type WorkerService } from './worker.ts'

/** How to open a read store. */
export interface SqliteReadStoreOptions {
  /** The file; `:memory:` keeps everything in memory, in the caller's thread only. */
  readonly file: string
  /**
   * Where batches are committed: a worker keeps a server's event loop free. Reads run in the caller's
   * thread.
   */
  readonly thread: 'worker' | 'caller'
}

/**
 * Opens a read store, and creates its file when it is not there. Throws `INPUT_INVALID` for a store in
 * memory with a worker, `STORE_SCHEMA_NEWER`, `SQLITE_TOO_OLD` or `STORE_UNAVAILABLE`.
 */
export async function openSqliteReadStore(options: SqliteReadStoreOptions): Promise<ReadStore> {
  const { file, thread } = options
  const isInMemory = file === ':memory:'
  if (isInMemory && thread === 'worker') {
    const message = "A read store in memory belongs to one connection. Open it with thread 'caller'."
    throw new RampartError('INPUT_INVALID', message)
  }
  const backing = thread === 'worker' ? await openInWorker(file) : openInCaller(file)
  const collections = new Map<number, DocumentCollection>()
  return {
    async openCollection(shape, epoch, generation = 1) {
      const number = await backing.write({ kind: 'open', shape, epoch, generation })
      if (typeof number !== 'number') throw new RampartError('INTERNAL', 'The writer gave no number.')
      const known = collections.get(number) ?? createCollection(backing, number, shape)
      collections.set(number, known)
      return known
    },
    beginAnew: async (shape, epoch, generation) =>
      void (await backing.write({ kind: 'anew', shape, epoch, generation })),
    async collections(log, name) {
      const rows = backing.reader.rows(collectionStates.sql, [log, name])
      return rows.map((row) => collectionStates.stateOf(row, log, name))
    },
    switchLive: async (pair, tag) => void (await backing.write({ kind: 'switch', pair, tag })),
    async compare(pair) {
      const comparison = await backing.write({ kind: 'compare', pair })
      if (typeof comparison === 'number') throw new RampartError('INTERNAL', 'The writer gave a number.')
      return comparison
    },
    dropCollection: async (log, name, collection) =>
      void (await backing.write({ kind: 'drop', log, name, collection })),
    names: async (log) => backing.reader.rows(projectionNames, [log]).map(([name]) => String(name)),
    forget: async (log, name) => void (await backing.write({ kind: 'forget', log, name })),
    [Symbol.asyncDispose]: () => backing.close(),
  }
}

interface Backing {
  readonly reader: Reader
  readonly write: (request: WriterRequest) => Promise<WriterReply>
  readonly close: () => Promise<void>
}

async function openInWorker(file: string): Promise<Backing> {
  const writer = await openWriterThread(file)
  let isClosed = false
  // The worker has created the file and its tables, so that a connection that only reads finds them.
  const database = openDatabase({ file, synchronous: 'NORMAL', readOnly: true, busyTimeoutMs: 250 })
  return {
    reader: createReader(database, file, () => isClosed),
    write: (request) => (isClosed ? Promise.reject(closed(file)) : writer.call(request)),
    async close() {
      if (isClosed) return
      isClosed = true
      database.close()
      await writer.close()
    },
  }
}

type WriterThread = Pick<WorkerService<null, WriterRequest, WriterReply>, 'call' | 'close'>

// A thread that has died, of its memory for instance, is replaced at the next call. What was in its hands is
// looked up in the stored checkpoint by whoever sent it.
async function openWriterThread(file: string): Promise<WriterThread> {
  const module = new URL('./read-store-writer.ts', import.meta.url)
  const start = () =>
    startWorker<string, null, WriterRequest, WriterReply>({
      module,
      name: `the writer of ${file}`,
      init: file,
    })
  let thread = start()
  await thread
  return {
    async call(request) {
      const running = await thread.catch(() => undefined)
      if (running === undefined || running.fault() !== undefined) thread = start()
      return (await thread).call(request)
    },
    close: async () => {
      const running = await thread.catch(() => undefined)
      await running?.close()
    },
  }
}

function openInCaller(file: string): Backing {
  const database = openReadStoreDatabase(file)
  const write = createWriter(database, file)
  let isClosed = false
  return {
    reader: createReader(database, file, () => isClosed),
    async write(request) {
      if (isClosed) throw closed(file)
      return write(request)
    },
    async close() {
      if (!isClosed) database.close()
      isClosed = true
    },
  }
}

function closed(file: string): RampartError {
  return new RampartError('STORE_CLOSED', `The read store ${file} is closed. Open it again.`)
}

function createCollection(backing: Backing, number: number, shape: CollectionShape): DocumentCollection {
  const columns = columnsOf(shape)
  const listeners = new Set<() => void>()
  return {
    shape,
    ...createCollectionReader({ reader: backing.reader, number, shape }),
    async commit({ from, to, documents, quarantine = [] }: CommitRequest) {
      const cells: Cell[] = []
      for (const document of documents) cells.push(...rowOf(columns, document))
      await backing.write({ kind: 'commit', number, from, to, cells, quarantine })
      for (const listener of listeners) listener()
    },
    onCommitted(callback) {
      // Wrapped, so that the same function may listen twice and each end ends its own.
      const listener = (): void => callback()
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
