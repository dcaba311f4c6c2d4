// What the crash sweep kills in the middle: acts on files that stood before. As a program it performs one of
// them, and says when that is acknowledged.
import { copyFileSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gunzipSync } from 'node:zlib'
import { commandId, position, streamId, streamVersion } from 'rampart/codec'
import type {
  AppendRequest,
  CommitRequest,
  EventStore,
  LogPlace,
  QuarantineChange,
  ReadStore,
  StreamWrite,
} from 'rampart/ports'
import { openSqliteReadStore, openSqliteStore } from 'rampart/sqlite'

/** Something durable that a process may die in. */
export interface Act {
  /** Makes what stands before. */
  readonly prepare: (folder: string) => Promise<void>
  /** Performs it; also once more, as somebody does who heard nothing of the first time. */
  readonly perform: (folder: string) => Promise<void>
  /** What stands there, as the next process finds it. */
  readonly look: (folder: string) => Promise<unknown>
}

const shopLog = 'default/shop/0'

async function withLog<T>(folder: string, use: (log: EventStore) => Promise<T>): Promise<T> {
  await using store = await openSqliteStore({ file: join(folder, 'write.sqlite'), thread: 'caller' })
  return await use(await store.openLog(shopLog))
}

/** A write of two events with the state after them, and one of a single event; tags on all of them. */
function writesOf(number: number): readonly StreamWrite[] {
  const payload = new TextEncoder().encode(`{"text":"${'long '.repeat(600)}"}`)
  const event = { type: 'Noted', schemaVersion: 1, payload, tags: ['note', `note:${number}`] }
  const state = { stateVersion: 1, text: `{"notes":${number}}`, digest: `digest ${number}` }
  const expectedVersion = streamVersion((number - 1) * 2)
  return [
    { decider: 'note', id: streamId('both'), expectedVersion, events: [event, event], state },
    { decider: 'note', id: streamId(`only-${number}`), expectedVersion: 'any', events: [event] },
  ]
}

function requestOf(number: number, writes: readonly StreamWrite[] = writesOf(number)): AppendRequest {
  const id = commandId(`00000000-0000-4000-8000-00000000000${number}`)
  return { writes, command: { id, fingerprint: 'note', outcome: { number }, expiresAtMs: null } }
}

async function lookAtLog(folder: string): Promise<unknown> {
  const stored = await withLog(folder, async (log) => ({
    events: await eventsOf(log),
    tagged: await eventsOf(log, ['note:2']),
    state: await log.loadState('note', streamId('both')),
    outcome: (await log.findOutcome(commandId('00000000-0000-4000-8000-000000000002')))?.outcome,
  }))
  return { ...stored, damage: damageOf(join(folder, 'write.sqlite')) }
}

async function eventsOf(log: EventStore, tags?: readonly string[]): Promise<readonly string[]> {
  const events: string[] = []
  for await (const page of log.readLog({ after: position(0), ...(tags === undefined ? {} : { tags }) }))
    events.push(...page.events.map((one) => `${one.position} ${one.streamId} ${one.version}`))
  return events
}

function damageOf(file: string): unknown {
  using database = new DatabaseSync(file)
  return database.prepare('PRAGMA integrity_check').all()
}

/** A state that is stored without events, beside the outcome of its command. */
const snapshot: StreamWrite = {
  decider: 'note',
  id: streamId('both'),
  expectedVersion: streamVersion(2),
  events: [],
  state: { stateVersion: 2, text: `{"notes":"${'as a snapshot '.repeat(500)}"}`, digest: 'another' },
}

const append = (request: AppendRequest) => (folder: string) =>
  withLog(folder, async (log) => void (await log.append(request)))

/** Leaves the write-ahead log as a killed process does, so that opening and closing has to take it over. */
async function leaveUnchecked(folder: string): Promise<void> {
  const file = join(folder, 'write.sqlite')
  await withLog(folder, async (log) => {
    for (let number = 1; number <= 9; number++) await log.append(requestOf(number))
    for (const end of ['', '-wal']) copyFileSync(file + end, `${file}${end}.copy`)
  })
  for (const end of ['', '-wal']) renameSync(`${file}${end}.copy`, file + end)
}

async function withReads<T>(folder: string, use: (reads: ReadStore) => Promise<T>): Promise<T> {
  await using reads = await openSqliteReadStore({ file: join(folder, 'reads.sqlite'), thread: 'caller' })
  return await use(reads)
}

const shape = { name: 'notes', version: 1, log: shopLog, indexes: ['status'], search: ['text'] } as const

function placeOf(at: number): LogPlace {
  return { epoch: 'epoch-1', position: position(at), eventId: at === 0 ? '' : `append-${at}.0` }
}

const failingEvent = { position: position(19), eventId: 'append-19.0', type: 'Noted' }
/** What sets a key aside: the event that its handler failed for, and why. */
const setAside: readonly QuarantineChange[] = [
  { change: 'queue', key: 'changed', event: failingEvent },
  { change: 'fail', key: 'changed', position: failingEvent.position, error: 'it failed', atMs: 1 },
]

/** A batch that changes one document, adds one and deletes one. */
function commitOf(to: number, quarantine: readonly QuarantineChange[] = []): CommitRequest {
  const keys = [`new-${to}`, 'changed', `new-${to - 10}`]
  const documents = keys.map((key, index) => ({
    key,
    version: null,
    position: position(to - index),
    data: index === 2 ? null : { status: `at ${to}`, text: `words ${to} ${'and more '.repeat(300)}` },
  }))
  return { from: placeOf(to - 10), to: placeOf(to), documents, quarantine }
}

async function commitUpTo(reads: ReadStore, to: number, generation = 1): Promise<void> {
  const collection = await reads.openCollection(shape, 'epoch-1', generation)
  const { position: from } = await collection.checkpoint()
  for (let at = from + 10; at <= to; at += 10) await collection.commit(commitOf(at))
}

async function commitSettingAside(reads: ReadStore): Promise<void> {
  const collection = await reads.openCollection(shape, 'epoch-1')
  if ((await collection.checkpoint()).position === 10) await collection.commit(commitOf(20, setAside))
}

/** What a replay stores: the document with all that waited, and that its key is well. */
async function heal(reads: ReadStore): Promise<void> {
  const collection = await reads.openCollection(shape, 'epoch-1')
  if ((await collection.quarantined()).length === 0) return
  const at = placeOf(20)
  const data = { status: 'healed', text: 'words again' }
  const document = { key: 'changed', version: null, position: at.position, data }
  const quarantine = [{ change: 'heal', key: 'changed' }] as const
  await collection.commit({ from: at, to: at, documents: [document], quarantine })
}

async function lookAtReads(folder: string): Promise<unknown> {
  const stored = await withReads(folder, async (reads) => {
    const states = await reads.collections(shopLog, 'notes')
    const live = states.find(({ isLive }) => isLive)
    const collection = await reads.openCollection(shape, 'epoch-1', live?.generation)
    const page = { where: [], search: 'words', afterKey: null, limit: 100 }
    return {
      live: [live?.generation, live?.tag],
      listed: await collection.page({ ...page, search: null }),
      found: await collection.page(page),
      aside: [await collection.quarantined(), await collection.queued('changed')],
      builds: states.length,
      changes: await collection.changes({ after: { position: position(0), key: '' }, limit: 100 }),
    }
  })
  return { ...stored, damage: damageOf(join(folder, 'reads.sqlite')) }
}

const pair: Parameters<ReadStore['switchLive']>[0] = {
  log: shopLog,
  name: 'notes',
  live: { version: 1, generation: 1 },
  other: { version: 1, generation: 2 },
}

async function switchOnce(reads: ReadStore): Promise<void> {
  const states = await reads.collections(shopLog, 'notes')
  if (states.some(({ isLive, generation }) => isLive && generation === 1)) await reads.switchLive(pair, '1.2')
}

const fixture = join(import.meta.dirname, '../../packages/rampart/src/sqlite/test/fixtures')

/** The acts of the sweep, by name. */
export const acts: Readonly<Record<string, Act>> = {
  'an append with a state and tags': {
    prepare: append(requestOf(1)),
    perform: append(requestOf(2)),
    look: lookAtLog,
  },
  'a snapshot': {
    prepare: append(requestOf(1)),
    perform: append(requestOf(2, [snapshot])),
    look: lookAtLog,
  },
  'a checkpoint of the write-ahead log': {
    prepare: leaveUnchecked,
    perform: (folder) => withLog(folder, async () => undefined),
    look: lookAtLog,
  },
  'a migration': {
    async prepare(folder) {
      const packed = readFileSync(join(fixture, 'write-store-1.sqlite.gz'))
      writeFileSync(join(folder, 'write.sqlite'), gunzipSync(packed))
    },
    perform: (folder) => withLog(folder, async () => undefined),
    look: lookAtLog,
  },
  'the checkpoint of a projection with its documents': {
    prepare: (folder) => withReads(folder, (reads) => commitUpTo(reads, 10)),
    perform: (folder) => withReads(folder, (reads) => commitUpTo(reads, 20)),
    look: lookAtReads,
  },
  'a key that is set aside': {
    prepare: (folder) => withReads(folder, (reads) => commitUpTo(reads, 10)),
    perform: (folder) => withReads(folder, commitSettingAside),
    look: lookAtReads,
  },
  'the replay of a key that was set aside': {
    prepare: (folder) =>
      withReads(folder, async (reads) => {
        await commitUpTo(reads, 10)
        await commitSettingAside(reads)
      }),
    perform: (folder) => withReads(folder, heal),
    look: lookAtReads,
  },
  'the drop of a build': {
    prepare: (folder) =>
      withReads(folder, async (reads) => {
        await commitUpTo(reads, 20)
        await commitUpTo(reads, 10, 2)
      }),
    perform: (folder) => withReads(folder, (reads) => reads.dropCollection(shopLog, 'notes', pair.other)),
    look: lookAtReads,
  },
  'the switch to another build': {
    prepare: (folder) =>
      withReads(folder, async (reads) => {
        await commitUpTo(reads, 10)
        await commitUpTo(reads, 20, 2)
      }),
    perform: (folder) => withReads(folder, switchOnce),
    look: lookAtReads,
  },
  // What the sweep must find: an append in two transactions, which a death between them tears.
  'a torn append': {
    prepare: append(requestOf(1)),
    async perform(folder) {
      const [first, ...others] = writesOf(2)
      if (first !== undefined) await append({ writes: [first] })(folder)
      await append({ writes: others })(folder)
    },
    look: lookAtLog,
  },
}

const [, script = '', name = '', folder = ''] = process.argv
if (script.endsWith('acts.ts')) {
  await acts[name]?.perform(folder)
  writeSync(1, 'acknowledged')
}
