// Reads the pages of a log and of its streams: each page in one go, and everything else gets its turn between
// two of them.
import { streamPages, type StreamStretch } from '../core/checks/index.ts'
import { position, type FoldRecord, type StreamFoldRecord } from '../core/codec/index.ts'
import type { Runtime } from '../core/index.ts'
import type {
  EventFilter,
  EventRecord,
  EventStore,
  LogPlace,
  LogQuery,
  StreamQuery,
} from '../core/ports/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { Page } from './event-page.ts'
import type { EventReader } from './event-reader.ts'

/** What pages are read from. */
export interface PageSource {
  readonly runtime: Runtime
  /** Throws when it is closed. */
  readonly events: () => EventReader
}

const pageSizeUnlessSaid = 1000
// How much of a log one page examines at most when only some types are wanted.
const windowPositions = 10_000

/** The reads of one log. */
export function createLogPages(
  source: PageSource,
  log: LogIdentity,
): Pick<EventStore, 'readStream' | 'readStreamToFold' | 'readLog' | 'readToFold'> {
  return {
    readStream: (query) =>
      readStream(source, { log, query }, (reader, stream, stretch) => reader.readStream(stream, stretch)),
    readStreamToFold: (query) =>
      readStream(source, { log, query }, (reader, stream, stretch) =>
        reader.readStreamToFold(stream, stretch),
      ),
    readLog: (query) => readPages(source, query, (reader, page) => readLogPage(reader, log, page)),
    readToFold: (query) => readPages(source, query, (reader, page) => readFoldPage(reader, log, page)),
  }
}

function readStream<Event extends StreamFoldRecord | EventRecord>(
  { runtime, events }: PageSource,
  { log, query }: { readonly log: LogIdentity; readonly query: StreamQuery },
  read: (reader: EventReader, stream: number, stretch: StreamStretch) => Page<Event>,
): AsyncGenerator<readonly Event[]> {
  const { decider, id, signal } = query
  return streamPages<Event>(query, async function* (stretch, isFirst) {
    await breathe(runtime, isFirst, signal)
    const reader = events()
    const stream = reader.findStream(log, decider, id)
    if (stream !== undefined) yield read(reader, stream, stretch)
  })
}

/** Pages of a log, each read in one go. */
async function* readPages<Event extends { readonly position: number }>(
  source: PageSource,
  query: LogQuery,
  readPage: (reader: EventReader, query: LogQuery) => ExaminedPage<Event>,
): AsyncGenerator<Omit<ExaminedPage<Event>, 'isLast'>> {
  const { limit = Number.MAX_SAFE_INTEGER, pageSize = pageSizeUnlessSaid, signal } = query
  let { after }: { after: number } = query
  let left = limit
  for (let isFirst = true; ; isFirst = false) {
    await breathe(source.runtime, isFirst, signal)
    const page = readPage(source.events(), {
      ...query,
      after: position(after),
      limit: Math.min(left, pageSize),
    })
    const { events, through, isLast } = page
    yield { events, through }
    after = through.position
    left -= events.length
    if (isLast || left === 0) return
  }
}

interface ExaminedPage<Event> {
  readonly events: readonly Event[]
  readonly through: LogPlace
  /** Whether it ends at the head as it was when the page was read. */
  readonly isLast: boolean
}

function readLogPage(reader: EventReader, log: LogIdentity, query: LogQuery): ExaminedPage<EventRecord> {
  const { types, limit = 0 } = query
  const filters = filtersOf(query)
  return examine({ reader, log, query }, ({ after, through }) =>
    filters === undefined
      ? { ...reader.readLog(log, { after, through, types, limit }), through }
      : reader.readPicked(log, { after, through, filters, limit }),
  )
}

function readFoldPage(reader: EventReader, log: LogIdentity, query: LogQuery): ExaminedPage<FoldRecord> {
  const { types, limit = 0 } = query
  return examine({ reader, log, query }, ({ after, through }) => ({
    ...reader.readToFold(log, { after, through, types, limit }),
    through,
  }))
}

interface Examination {
  readonly reader: EventReader
  readonly log: LogIdentity
  readonly query: LogQuery
}

interface Examined<Event> {
  readonly events: readonly Event[]
  readonly isWhole: boolean
  readonly through: number
}

function examine<Event extends { readonly position: number }>(
  { reader, log, query }: Examination,
  read: (stretch: { readonly after: number; readonly through: number }) => Examined<Event>,
): ExaminedPage<Event> {
  const { after, types } = query
  const head = reader.head(log)
  if (after >= head.position) return { events: [], through: head, isLast: true }
  const isByType = filtersOf(query) === undefined && types !== undefined
  const window = isByType ? windowPositions : Number.MAX_SAFE_INTEGER
  const { events, isWhole, through } = read({ after, through: Math.min(head.position, after + window) })
  const last = events.at(-1)
  const reached = isWhole || last === undefined ? through : last.position
  return { events, through: placeOf(reader, log, { reached, head }), isLast: reached === head.position }
}

// Tags are looked up in their index; without tags the log itself is read.
function filtersOf({ anyOf, types, tags = [] }: LogQuery): readonly EventFilter[] | undefined {
  if (anyOf !== undefined) return anyOf
  return tags.length === 0 ? undefined : [{ tags, ...(types === undefined ? {} : { types }) }]
}

function placeOf(
  reader: EventReader,
  log: LogIdentity,
  at: { readonly reached: number; readonly head: LogPlace },
): LogPlace {
  return at.reached === at.head.position ? at.head : reader.placeAt(log, at.reached)
}

// Between pages everything else gets its turn, an abort by a timer too.
async function breathe(runtime: Runtime, isFirst: boolean, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  if (!isFirst) await new Promise<void>((resolve) => runtime.soon(resolve))
  signal?.throwIfAborted()
}
