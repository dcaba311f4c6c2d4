// A store file of logs on SQLite: the writer in the caller's thread or a worker, reads in the caller's
// thread.
import { position } from '../core/codec/index.ts'
import { RampartError, systemRuntime, type Runtime } from '../core/index.ts'
import { checkLogKey, inboxCommandsMaxUnlessSaid } from '../core/checks/index.ts'
import type { EventStore, LogKey, WriteStore } from '../core/ports/index.ts'
import {
  type BatchReply,
  type BatchWriter,
  createCommitQueue,
  notifyListeners,
  type Operation,
} from '../core/group-commit/index.ts'
import { canonicalPath, openDatabase } from './database.ts'
import { openDocumentReader, type DocumentReader } from './document-reader.ts'
import { createEventReader } from './event-reader.ts'
import { createEventStore } from './event-store.ts'
import { createGenerations } from './generations.ts'
import { watchFullDisk } from './full-disk.ts'
import { createInboxReader } from './inbox-reader.ts'
import { createJournalMover } from './journal-mover.ts'
import type { OpenLog, OpenStore, StoreReads } from './open-store.ts'
import { createOutcomeFinder } from './outcome-store.ts'
import { packBatch, type PackedBatch } from './packed-batch.ts'
import { numberAt, prepareQuery, textAt } from './rows.ts'
import { openSealDigester } from './seal-digester.ts'
import { createSealReader } from './seal-rows.ts'
import { createStateFinder } from './state-store.ts'
import { startWorker } from './worker.ts'
import { openWriter, type WriterOptions } from './writer-service.ts'

/** How to open a store on SQLite. */
export interface SqliteStoreOptions {
  /** Path of the store file; files with the endings -wal, -shm and .lock lie beside it. */
  readonly file: string
  /**
   * Where the writer runs: in a `worker` thread, which keeps the event loop free while the disk is busy, or
   * in the thread of the `caller`, which answers a lone append sooner.
   */
  readonly thread: 'worker' | 'caller'
  /** The machine's own unless given. */
  readonly runtime?: Runtime
  /** How many writes may wait before `OVERLOADED`; 10,000 unless said. */
  readonly queueOperationsMax?: number
  /** How many bytes they may have together; 64 MiB unless said. */
  readonly queueBytesMax?: number
  /** How many commands may wait in the inbox of each log; 10,000 unless said. */
  readonly inboxCommandsMax?: number
}

// About a hundred bytes each.
const eventIdsCached = 2000
const queueOperationsMaxUnlessSaid = 10_000
const queueBytesMaxUnlessSaid = 64 * 1024 * 1024

/**
 * Opens a store on SQLite, and creates its file when it is not there. One process at a time: throws
 * `STORE_LOCKED` when another has it open, `SQLITE_TOO_OLD`, `STORE_SCHEMA_NEWER` or `STORE_UNAVAILABLE`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<WriteStore> {
  const { runtime = systemRuntime } = options
  const file = canonicalPath(options.file)
  const writer = await startWriter(options.thread, {
    file,
    appendPrefix: appendPrefix(runtime),
    inboxCommandsMax: options.inboxCommandsMax ?? inboxCommandsMaxUnlessSaid,
  })
  try {
    return assemble({ options, file, runtime, writer })
  } catch (error) {
    await writer.close()
    throw error
  }
}

interface Parts {
  readonly options: SqliteStoreOptions
  readonly file: string
  readonly runtime: Runtime
  readonly writer: BatchWriter
}

function assemble({ options, file, runtime, writer }: Parts): WriteStore {
  const reads = openReads(file)
  const logs = new Map<number, OpenLog>()
  const queue = createCommitQueue({
    writer,
    runtime,
    file,
    limits: limitsOf(options),
    onCommitted: (operations, results) => {
      disk.note(results)
      mover.note()
      notifyListeners(logs, operations, results)
    },
  })
  const mover = createJournalMover(file, runtime)
  const disk = watchFullDisk(runtime, () => queue.submit<'probe'>({ kind: 'probe' }, 0))
  let documents: DocumentReader | undefined
  const store: OpenStore = {
    runtime,
    queue,
    reads: reads.get,
    documents: () => (documents ??= openDocumentReader(file)).reader,
  }
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    disk.close()
    await queue.close()
    await mover.close()
    await reads.close()
    documents?.close()
    await writer.close()
  }
  return {
    openLog: (key) => openLog(store, key, logs),
    fault: () => queue.fault() ?? disk.fault(),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

function limitsOf({ queueOperationsMax, queueBytesMax }: SqliteStoreOptions) {
  return {
    operationsMax: queueOperationsMax ?? queueOperationsMaxUnlessSaid,
    bytesMax: queueBytesMax ?? queueBytesMaxUnlessSaid,
  }
}

async function openLog(store: OpenStore, key: LogKey, logs: Map<number, OpenLog>): Promise<EventStore> {
  checkLogKey(key)
  const operation: Operation = { kind: 'openLog', key, epoch: store.runtime.uuid() }
  const identity = await store.queue.submit<'openLog'>(operation, key.length)
  const own = logs.get(identity.number) ?? {
    key,
    identity: { ...identity },
    epochs: undefined,
    eventIds: createGenerations(eventIdsCached),
    appended: new Set(),
    accepted: new Set(),
    kept: new Map(),
  }
  logs.set(identity.number, own)
  return createEventStore(store, own)
}

/** Begins all append ids of one opening: 52 random bits, so that two openings of one file never share one. */
function appendPrefix(runtime: Runtime): string {
  return `${Math.floor(runtime.random() * 2 ** 52).toString(36)}-`
}

async function startWriter(thread: 'worker' | 'caller', options: WriterOptions): Promise<BatchWriter> {
  if (thread === 'caller') {
    const writer = openWriter(options)
    return { commit: writer.commit, close: async () => writer.close() }
  }
  const worker = await startWorker<WriterOptions, null, PackedBatch, string>({
    module: new URL('./writer-service.ts', import.meta.url),
    name: `The writer of ${options.file}`,
    init: options,
  })
  return {
    commit: async (batch) => {
      const packed = packBatch(batch)
      // The text is the writer's reply, written by the worker a moment ago.
      return JSON.parse(await worker.call(packed, [packed.payloads.buffer])) as BatchReply
    },
    close: worker.close,
  }
}

interface OpenReads {
  readonly get: () => StoreReads
  readonly close: () => Promise<void>
}

function openReads(file: string): OpenReads {
  const database = openDatabase({ file, synchronous: 'FULL', readOnly: true, busyTimeoutMs: 2000 })
  const epochs = prepareQuery(
    database,
    'SELECT epoch, fork_position FROM epochs WHERE log = ? ORDER BY ordinal',
  )
  const reads: StoreReads = {
    events: createEventReader(database),
    outcomes: createOutcomeFinder(database),
    inbox: createInboxReader(database),
    findState: createStateFinder(database),
    seals: createSealReader(database),
    digester: openSealDigester(database, file),
    epochs: ({ number }) =>
      epochs.all(number).map((row) => ({ epoch: textAt(row, 0), forkPosition: position(numberAt(row, 1)) })),
  }
  return {
    get: () => {
      if (database.isOpen) return reads
      throw new RampartError('STORE_CLOSED', `The store ${file} is closed.`)
    },
    close: async () => {
      database.close()
      await reads.digester.close()
    },
  }
}
