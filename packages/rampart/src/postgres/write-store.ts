// A store of logs on PostgreSQL: one connection that writes, and a pool that reads.
import type { Client } from 'pg'
import { checkLogKey, inboxCommandsMaxUnlessSaid } from '../core/checks/index.ts'
import { createCommitQueue, notifyListeners, type Operation } from '../core/group-commit/index.ts'
import { RampartError, systemRuntime, type Runtime } from '../core/index.ts'
import type { EventStore, LogKey, WriteStore } from '../core/ports/index.ts'
import { createBatchWriter } from './batch-writer.ts'
import { accessOf, type DatabaseRole } from './access.ts'
import { endConnection, placeOf, storeFault, type Statement } from './database.ts'
import { connectPrepared, documentsSchema, hostSchema, readSchema, writeSchema } from './migrations.ts'
import { createEventStore } from './event-store.ts'
import { createLeaseStore } from './lease-store.ts'
import { openReads } from './open-reads.ts'
import type { OpenLog, OpenStore } from './open-store.ts'
import { createFreshLeaves } from './fresh-leaves.ts'
import { createFlights } from './overlap.ts'
import { createPace } from './pace.ts'
import { createTickets } from './tickets.ts'
import { startWakeUps } from './wake-ups.ts'
import type { WriterState } from './writer-state.ts'

/** How to open a store on PostgreSQL. */
export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Whose rights it works with, if the user of the URL may take them; `rampart_writer` unless said. */
  readonly role?: 'rampart_writer' | 'rampart_projector'
  /**
   * Who serves the documents of synchronous projections reads over this URL, where it names the same
   * database; otherwise over `url`, with the rights of a reader if its user may take them.
   */
  readonly readerUrl?: string | undefined
  /** Begins the keys of all logs in the database, so that apps with equal context names can share it. */
  readonly namespace?: string
  /** The machine's own unless given. */
  readonly runtime?: Runtime
  /** How many writes may wait before `OVERLOADED`; 10,000 unless said. */
  readonly queueOperationsMax?: number
  /** How many bytes they may have together; 64 MiB unless said. */
  readonly queueBytesMax?: number
  /** How many commands may wait in the inbox of each log; 10,000 unless said. */
  readonly inboxCommandsMax?: number
  /** How long one statement may take before it is given up; 30 s unless said. */
  readonly statementMs?: number
  /** How many connections read, beside the one that writes and the one that listens; 4 unless said. */
  readonly readersMax?: number
}

const queueOperationsMaxUnlessSaid = 10_000
const queueBytesMaxUnlessSaid = 64 * 1024 * 1024

/**
 * Opens a store on PostgreSQL 15 or newer, and takes its schema to what this version knows. It does so with
 * the rights of the URL's user, prepares the read models' schema too if he may, and then drops the rights
 * that `role` has not. Any number of processes may have it open. Throws `STORE_SCHEMA_NEWER` or
 * `STORE_UNAVAILABLE`.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<WriteStore> {
  const { role = 'rampart_writer', runtime = systemRuntime } = options
  const needs = { schemas: [writeSchema, documentsSchema], others: [readSchema, hostSchema], role }
  const { client, access } = await connectPrepared(accessOf(options), needs)
  if (role === 'rampart_writer') await followNumbers(client, options.url)
  // The writer opens a connection of its own, with the bounds of its work.
  await endConnection(client)
  const pace = createPace(runtime)
  return assemble(options, {
    access,
    runtime,
    client: undefined,
    connecting: undefined,
    session: undefined,
    lostSessions: [],
    inboxCommandsMax: options.inboxCommandsMax ?? inboxCommandsMaxUnlessSaid,
    appendPrefix: appendPrefix(runtime),
    tickets: createTickets(),
    collections: new Map(),
    holds: new Map(),
    epochs: new Map(),
    heads: new Map(),
    owners: new Set(),
    flights: createFlights(pace),
    leaves: createFreshLeaves(),
    pace,
    appends: 0,
    sweptAtMs: 0,
  })
}

// Whoever has put rows back by hand may have left the numbers of the tables behind.
async function followNumbers(client: Client, url: string): Promise<void> {
  try {
    await client.query('SELECT rampart_write.follow_numbers()')
  } catch (error) {
    await endConnection(client)
    throw storeFault(error, url)
  }
}

function queueLimitsOf({ queueOperationsMax, queueBytesMax }: PostgresStoreOptions) {
  return {
    operationsMax: queueOperationsMax ?? queueOperationsMaxUnlessSaid,
    bytesMax: queueBytesMax ?? queueBytesMaxUnlessSaid,
  }
}

function assemble(options: PostgresStoreOptions, state: WriterState): WriteStore {
  const writer = createBatchWriter(state)
  const { reads, documents, giveUp, close: closeReads } = openReads(state.access, options.readerUrl)
  const logs = new Map<number, OpenLog>()
  const queue = createCommitQueue({
    writer,
    runtime: state.runtime,
    file: placeOf(state.access.url),
    limits: queueLimitsOf(options),
    onCommitted: (operations, results) => {
      notifyListeners(logs, operations, results)
      for (const log of writtenLogs(operations)) wakeUps.tell(String(log))
    },
  })
  const wakeUps = startWakeUps({
    access: state.access,
    channel: 'rampart_log',
    runtime: state.runtime,
    onWake: (log) => wake(logs, log === undefined ? undefined : Number(log)),
    onSilent: giveUp,
  })
  const store: OpenStore = { runtime: state.runtime, leaves: state.leaves, queue, reads, documents }
  let closing: Promise<void> | undefined
  const close = async (): Promise<void> => {
    await queue.close()
    await Promise.all([closeReads(), writer.close(), wakeUps.close()])
  }
  return {
    openLog: (key) => openLog(store, { key, namespace: options.namespace, role: state.access.role }, logs),
    fault: () => queue.fault() ?? wakeUps.fault(),
    leases: createLeaseStore({
      query: async (statement, values) => reads().query(statement, values),
      schema: 'rampart_write',
      namespace: options.namespace,
    }),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  }
}

interface NamedLog {
  readonly key: LogKey
  readonly namespace: string | undefined
  /** The role that asks for it. */
  readonly role: DatabaseRole | undefined
}

function nameOf({ key, namespace }: NamedLog): string {
  return namespace === undefined ? key : `${namespace}:${key}`
}

const findLog: Statement = {
  name: 'find-log',
  text: 'SELECT number FROM rampart_write.logs WHERE key = $1',
}

/** Who may not make a log waits for those who do. */
async function requireLog({ reads }: OpenStore, named: NamedLog): Promise<void> {
  const found = await reads().query(findLog, [nameOf(named)])
  if (found.length > 0) return
  const makers = 'The first process with the role write makes it: start it, too.'
  const message = `The log ${nameOf(named)} is not there yet. ${makers}`
  throw new RampartError('STORE_UNAVAILABLE', message, { details: { isAway: true } })
}

async function openLog(store: OpenStore, named: NamedLog, logs: Map<number, OpenLog>): Promise<EventStore> {
  const { key, role } = named
  checkLogKey(key)
  if (role === 'rampart_projector') await requireLog(store, named)
  const operation = { kind: 'openLog', key: nameOf(named), epoch: store.runtime.uuid() } as const
  const identity = await store.queue.submit<'openLog'>(operation, key.length)
  const own = logs.get(identity.number) ?? {
    key,
    identity: { ...identity },
    epochs: undefined,
    appended: new Set(),
    accepted: new Set(),
    kept: new Map(),
    followers: new Map(),
  }
  logs.set(identity.number, own)
  return createEventStore(store, own)
}

function writtenLogs(operations: readonly Operation[]): ReadonlySet<number> {
  return new Set(
    operations.flatMap((one) => (one.kind === 'append' || one.kind === 'accept' ? [one.log] : [])),
  )
}

function wake(logs: ReadonlyMap<number, OpenLog>, log: number | undefined): void {
  for (const [number, { appended, accepted, followers }] of logs) {
    if (log !== undefined && log !== number) continue
    for (const callback of [...appended, ...accepted, ...followers.values()]) callback()
  }
}

/** Begins all append ids of one opening: 52 random bits, so that two processes never share one. */
function appendPrefix(runtime: Runtime): string {
  return `${Math.floor(runtime.random() * 2 ** 52).toString(36)}-`
}
