// The event store port in memory: for tests, for trials, and as the plainest reading of the promises.
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type { Runtime } from '../core/index.ts'
import {
  checkAppend,
  foldPages,
  foldStream,
  pageBytesMax,
  streamPages,
  type CheckedAppend,
} from '../core/checks/index.ts'
import type {
  AppendRequest,
  AppendResult,
  EventRecord,
  EventStore,
  LogPage,
  LogQuery,
  NewEvent,
  StoredOutcome,
  StreamQuery,
  StreamWrite,
} from '../core/ports/index.ts'
import { createCommandInbox } from './command-inbox.ts'
import { createHistory } from './history.ts'
import { openDocuments } from './kept-collection.ts'
import { announceDocuments, findOutdated, keepDocuments, requireDocuments } from './kept-documents.ts'
import { eventsAfter, findMatched } from './match.ts'
import { liveOutcome, placeAt, requireOpen, streamKey, versionOf } from './log-state.ts'
import type { LogState, MemoryLogOptions } from './log-state.ts'
import { createSealStore } from './seal-store.ts'

const pageSizeUnlessSaid = 1000

/** The event store over the state of one log. */
export function createEventStore(state: LogState, options: MemoryLogOptions): EventStore {
  const { runtime } = options
  return {
    log: state.key,
    ...createHistory(state, runtime),
    capabilities: { durable: false, reopens: false, dynamicConsistency: true },
    inbox: createCommandInbox(state, options),
    seals: createSealStore(state),
    append: async (request) => appendAndTell(state, request, runtime),
    readStream: (query) => readStream(state, query, runtime),
    readStreamToFold: (query) => foldStream(readStream(state, query, runtime)),
    readLog: (query) => readLog(state, query, runtime),
    readToFold: (query) => foldPages(readLog(state, query, runtime)),
    head: async () => {
      requireOpen(state)
      return placeAt(state, state.events.length)
    },
    findOutcome: async (id) => {
      requireOpen(state)
      return liveOutcome(state, id, runtime.nowMs())
    },
    loadState: async (decider, id) => {
      requireOpen(state)
      return state.states.get(streamKey(decider, id))
    },
    openDocuments: async (shape) => openDocuments(state, shape),
    onAppended: (callback) => {
      state.onAppended.add(callback)
      return () => void state.onAppended.delete(callback)
    },
  }
}

function appendAndTell(state: LogState, request: AppendRequest, runtime: Runtime): AppendResult {
  requireOpen(state)
  const checked = checkAppend(request)
  requireDocuments(state, request)
  const result = append(state, checked, runtime)
  if (result.status === 'appended' && request.writes.some(({ events }) => events.length > 0)) {
    announceDocuments(state, request)
    for (const callback of state.onAppended) callback()
  }
  return result
}

// Nothing in here waits, so that every append sees all before it and none of those after it.
function append(state: LogState, checked: CheckedAppend, runtime: Runtime): AppendResult {
  const { request } = checked
  const earlier = earlierEffect(state, request, runtime.nowMs())
  if (earlier !== undefined) return earlier
  const before = request.writes.map(({ decider, id }) => versionOf(state, decider, id))
  const stale = request.writes.findIndex((write, index) => !isExpected(state, write, before[index] ?? 0))
  const actualVersion = before[stale]
  if (actualVersion !== undefined) return { status: 'conflict', write: stale, actualVersion }
  const condition = findMatched(state, request.failIfMatch)
  if (condition !== undefined) return { status: 'matched', condition }
  const document = findOutdated(state, request.documents)
  if (document !== undefined) return { status: 'outdated', document }
  const recordedAtMs = Math.max(runtime.nowMs(), state.events.at(-1)?.recordedAtMs ?? 0)
  const events = recordsOf(state, request, { recordedAtMs, appendId: runtime.uuid() })
  for (const event of events) record(state, event)
  const versions = request.writes.map(({ decider, id }) => versionOf(state, decider, id))
  for (const write of request.writes) {
    keepState(state, write)
    if (write.events.length > 0) state.tickets.set(streamKey(write.decider, write.id), request.ticket)
  }
  const place = placeAt(state, state.events.length)
  keepDocuments(state, request)
  keepOutcome(state, checked, { version: versions[0], place, recordedAtMs })
  return { status: 'appended', versions, place }
}

function earlierEffect(state: LogState, { command }: AppendRequest, nowMs: number): AppendResult | undefined {
  if (command === undefined) return undefined
  const outcome = liveOutcome(state, command.id, nowMs)
  if (outcome !== undefined) {
    return outcome.fingerprint === command.fingerprint
      ? { status: 'repeated', outcome }
      : { status: 'reused' }
  }
  const waiting = state.inbox.get(command.id)?.command
  if (waiting === undefined) return undefined
  if (waiting.fingerprint !== command.fingerprint) return { status: 'reused' }
  return command.leavesToInbox === true ? { status: 'waiting' } : undefined
}

function isExpected(state: LogState, write: StreamWrite, actual: number): boolean {
  const { decider, id, expectedVersion, buildsOn } = write
  if (buildsOn !== undefined && state.tickets.get(streamKey(decider, id)) !== buildsOn) return false
  if (expectedVersion === 'any') return true
  return expectedVersion === 'none' ? actual === 0 : actual === expectedVersion
}

function recordsOf(
  state: LogState,
  request: AppendRequest,
  stamp: { readonly recordedAtMs: number; readonly appendId: string },
): readonly EventRecord[] {
  const { command, correlationId = null, causationId = null, actor = null } = request
  let appendIndex = 0
  return request.writes.flatMap((write) => {
    const before = versionOf(state, write.decider, write.id)
    return write.events.map((event, index) => ({
      ...contentOf(event),
      ...stamp,
      decider: write.decider,
      streamId: write.id,
      // Counted on from a length, which is a whole number.
      version: (before + index + 1) as StreamVersion,
      position: (state.events.length + appendIndex + 1) as Position,
      appendIndex: appendIndex++,
      commandId: command?.id ?? null,
      correlationId,
      causationId,
      actor,
    }))
  })
}

function contentOf(event: NewEvent) {
  return {
    type: event.type,
    schemaVersion: event.schemaVersion,
    contentType: event.contentType ?? 'application/json',
    // The caller may use its buffer again.
    payload: event.payload.slice(),
    tags: [...(event.tags ?? [])],
    dataSubjectId: event.dataSubjectId ?? null,
    keyId: event.keyId ?? null,
  }
}

function record(state: LogState, event: EventRecord): void {
  const key = streamKey(event.decider, event.streamId)
  const stream = state.streams.get(key)
  if (stream === undefined) state.streams.set(key, [event])
  else stream.push(event)
  state.events.push(event)
  for (const tag of new Set(event.tags)) {
    const tagged = state.tagged.get(tag)
    if (tagged === undefined) state.tagged.set(tag, [event])
    else tagged.push(event)
  }
}

function keepState(log: LogState, { decider, id, state }: StreamWrite): void {
  if (state === undefined) return
  const { stateVersion, text, digest } = state
  const version = versionOf(log, decider, id)
  log.states.set(streamKey(decider, id), { version, stateVersion, text, digest })
}

function keepOutcome(
  state: LogState,
  { request, outcome }: CheckedAppend,
  reached: Pick<StoredOutcome, 'place' | 'recordedAtMs'> & { readonly version: StreamVersion | undefined },
): void {
  const { command, writes } = request
  if (command === undefined || reached.version === undefined) return
  const { version, place, recordedAtMs } = reached
  const hasEvents = writes.some(({ events }) => events.length > 0)
  state.inbox.delete(command.id)
  state.outcomes.set(command.id, {
    expiresAtMs: hasEvents ? null : command.expiresAtMs,
    outcome: {
      commandId: command.id,
      fingerprint: command.fingerprint,
      outcome: outcome === null ? null : JSON.parse(outcome),
      version,
      place,
      recordedAtMs,
    },
  })
}

function readStream(
  state: LogState,
  query: StreamQuery,
  runtime: Runtime,
): AsyncGenerator<readonly EventRecord[]> {
  const { decider, id, signal } = query
  return streamPages(query, async function* ({ lowest, highest, isForward, limit }, isFirst) {
    await breathe(runtime, isFirst, signal)
    requireOpen(state)
    const stream = state.streams.get(streamKey(decider, id)) ?? []
    const stretch = stream.slice(Math.max(lowest, 1) - 1, Math.max(highest, 0))
    const rest = isForward ? stretch : stretch.toReversed()
    const events = withinBytes(rest.slice(0, limit))
    yield { events, isWhole: events.length === rest.length }
  })
}

async function* readLog(state: LogState, query: LogQuery, runtime: Runtime): AsyncGenerator<LogPage> {
  const { limit = Number.MAX_SAFE_INTEGER, pageSize = pageSizeUnlessSaid, signal } = query
  let { after }: { after: number } = query
  let left = limit
  for (let isFirst = true; ; isFirst = false) {
    await breathe(runtime, isFirst, signal)
    requireOpen(state)
    const head = state.events.length
    const wanted = eventsAfter(state, query, after)
    const events = withinBytes(wanted.slice(0, Math.min(left, pageSize)))
    const isLast = events.length === wanted.length
    after = isLast ? head : (events.at(-1)?.position ?? after)
    left -= events.length
    yield { events, through: placeAt(state, after) }
    if (isLast || left === 0) return
  }
}

// Between pages everything else gets its turn, an abort by a timer too.
async function breathe(runtime: Runtime, isFirst: boolean, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  if (!isFirst) await new Promise<void>((resolve) => runtime.soon(resolve))
  signal?.throwIfAborted()
}

function withinBytes(events: readonly EventRecord[]): readonly EventRecord[] {
  let bytes = 0
  const end = events.findIndex(({ payload }, index) => {
    bytes += payload.length
    return bytes > pageBytesMax && index > 0
  })
  return end === -1 ? events : events.slice(0, end)
}
