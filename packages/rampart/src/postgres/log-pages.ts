// Reads the pages of a log and of its streams, each with a statement or two over the pool.
import { foldRecord, foldStream, streamPages } from '../core/checks/index.ts'
import { position, type FoldRecord, type StreamFoldRecord } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type {
  EventFilter,
  EventRecord,
  EventStore,
  LogPage,
  LogQuery,
  StreamQuery,
} from '../core/ports/index.ts'
import { isDataError } from './database.ts'
import type { EventReader } from './event-reader.ts'
import type { OpenStore } from './open-store.ts'
import type { LogRange, ReadEvents } from './read-range.ts'

/** What pages are read from. */
export type PageSource = Pick<OpenStore, 'reads'>

const pageSizeUnlessSaid = 1000
// How much of a log one page examines at most where no index leads to what is wanted.
const windowPositions = 10_000

/** The reads of one log. */
export function createLogPages(
  source: PageSource,
  log: LogIdentity,
): Pick<EventStore, 'readStream' | 'readStreamToFold' | 'readLog' | 'readToFold'> {
  return {
    readStream: (query) => readStream(source, log, query),
    readStreamToFold: (query) =>
      query.direction === 'backward'
        ? foldStream(readStream(source, log, query))
        : readStreamToFold(source, log, query),
    readLog: (query) => readLog(source, log, { query, read: (reader, range) => reader.readLog(log, range) }),
    readToFold: (query) => readLog(source, log, { query, read: readToFold(log) }),
  }
}

function readStream(
  source: PageSource,
  log: LogIdentity,
  query: StreamQuery,
): AsyncGenerator<readonly EventRecord[]> {
  const { decider, id, signal } = query
  return streamPages(query, async function* (stretch) {
    yield await unlessAborted(signal, () =>
      source.reads().events.readStream(log, { decider, id, ...stretch }),
    )
  })
}

function readStreamToFold(
  source: PageSource,
  log: LogIdentity,
  query: StreamQuery,
): AsyncGenerator<readonly StreamFoldRecord[]> {
  const { decider, id, signal } = query
  return streamPages(query, async function* (stretch) {
    const range = { decider, id, ...stretch }
    const { events } = source.reads()
    let isFolded = false
    try {
      for await (const part of untilAborted(signal, events.readStreamToFold(log, range))) {
        isFolded = true
        yield part
      }
    } catch (error) {
      if (!isNoText(error)) throw error
    }
    if (!isFolded) yield asFolded(await unlessAborted(signal, () => events.readStream(log, range)))
  })
}

type ReadPage<Event> = (reader: EventReader, range: LogRange) => Promise<ReadEvents<Event>>

/** Reads the events between two places. */
interface Walk<Event> {
  readonly query: LogQuery
  readonly read: ReadPage<Event>
}

async function* readLog<Event extends Placed>(
  source: PageSource,
  log: LogIdentity,
  { query, read }: Walk<Event>,
): AsyncGenerator<LogPage<Event>> {
  const { limit = Number.MAX_SAFE_INTEGER, pageSize = pageSizeUnlessSaid, signal } = query
  let { after }: { after: number } = query
  let left = limit
  let head: LogPage['through'] | undefined
  for (;;) {
    const wanted = { ...query, after: position(after), limit: Math.min(left, pageSize) }
    const ahead = head
    const page = await unlessAborted(signal, () => {
      return readLogPage({ reader: source.reads().events, log, read }, wanted, ahead)
    })
    yield { events: page.events, through: page.through }
    head = page.head
    after = page.through.position
    left -= page.events.length
    if (page.isLast || left === 0) return
  }
}

/** What tells where an event stands. */
type Placed = Pick<EventRecord, 'position' | 'appendId' | 'appendIndex'>

interface ExaminedPage<Event> extends LogPage<Event> {
  /** Whether it ends at the head as it was when the page was read. */
  readonly isLast: boolean
  readonly head: LogPage['through']
}

interface Reading<Event> {
  readonly reader: EventReader
  readonly log: LogIdentity
  readonly read: ReadPage<Event>
}

// The head is looked up again by the page that may end there only: until then a page ends before it in
// any case.
async function readLogPage<Event extends Placed>(
  { reader, log, read }: Reading<Event>,
  query: LogQuery,
  ahead: LogPage['through'] | undefined,
): Promise<ExaminedPage<Event>> {
  const { after, limit = 0 } = query
  const isFar = ahead !== undefined && ahead.position - after > limit
  const head = isFar ? ahead : await reader.head(log)
  if (after >= head.position) return { events: [], through: head, head, isLast: true }
  const filters = filtersOf(query)
  const isScan = filters?.some(({ tags = [] }) => tags.length === 0) ?? false
  const end = isScan ? Math.min(head.position, after + windowPositions) : head.position
  const { events, isWhole } = await read(reader, { after, through: end, limit, filters })
  const last = events.at(-1)
  const reached = isWhole || last === undefined ? end : last.position
  if (reached === head.position && !isFar) return { events, through: head, head, isLast: true }
  const through = await placeOf({ reader, log }, { reached, last })
  return { events, through, head, isLast: false }
}

function readToFold(log: LogIdentity): ReadPage<FoldRecord> {
  return (reader, range) =>
    asText(
      () => reader.readLogToFold(log, range),
      () => reader.readLog(log, range),
    )
}

/** A page for folds. Where a payload is no text, the driver cannot give it as one. */
async function asText(
  read: () => Promise<ReadEvents<FoldRecord>>,
  readBytes: () => Promise<ReadEvents>,
): Promise<ReadEvents<FoldRecord>> {
  try {
    return await read()
  } catch (error) {
    if (!isNoText(error)) throw error
  }
  return asFolded(await readBytes())
}

function isNoText(error: unknown): boolean {
  return error instanceof Error && isDataError(error.cause)
}

function asFolded({ events, isWhole }: ReadEvents): ReadEvents<FoldRecord> {
  return { events: events.map(foldRecord), isWhole }
}

// A page without filters ends at an event that it holds.
async function placeOf(
  { reader, log }: Pick<Reading<unknown>, 'reader' | 'log'>,
  { reached, last }: { readonly reached: number; readonly last: Placed | undefined },
): Promise<LogPage['through']> {
  if (last === undefined || last.position !== reached) return reader.placeAt(log, reached)
  return {
    epoch: log.epoch,
    position: last.position,
    eventId: `${last.appendId}.${last.appendIndex}`,
  }
}

function filtersOf({ anyOf, types, tags = [] }: LogQuery): readonly EventFilter[] | undefined {
  if (anyOf !== undefined) return anyOf
  if (types === undefined && tags.length === 0) return undefined
  return [{ tags, ...(types === undefined ? {} : { types }) }]
}

// The answer of an aborted read is not waited for; the statement ends by itself, or at its time-out.
async function unlessAborted<Value>(
  signal: AbortSignal | undefined,
  read: () => Promise<Value>,
): Promise<Value> {
  signal?.throwIfAborted()
  if (signal === undefined) return read()
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    const value = await Promise.race([read(), aborted.promise])
    signal.throwIfAborted()
    return value
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** The same of each of several answers. */
async function* untilAborted<Value>(
  signal: AbortSignal | undefined,
  values: AsyncGenerator<Value>,
): AsyncGenerator<Value> {
  if (signal === undefined) return yield* values
  for (;;) {
    const { done, value } = await unlessAborted(signal, () => values.next())
    if (done === true) return
    yield value
  }
}
