// Turns appends of one log into the arguments of `append_batch`, and its answer into results.
import type { CheckedAppend } from '../core/checks/index.ts'
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type { AppendRequest, AppendResult, NewEvent, StreamWrite } from '../core/ports/index.ts'
import { contentTypeText, originText, tagsText } from '../core/rows/index.ts'
import { documentColumns, type CallDocument } from './append-documents.ts'
import { bigints, booleans, byteStrings, integers, texts, uuids } from './binary-array.ts'
import type { Collections } from './document-collections.ts'
import { numberAt, numbersAt, textAt, type Row } from './rows.ts'

/** One append of a call. */
export interface CallAppend {
  readonly checked: CheckedAppend
  readonly appendId: string
  /**
   * For each write that builds on another append: its place in this call from 1, or -1 when it came to
   * nothing.
   */
  readonly buildsOn: readonly number[]
  readonly documents: readonly CallDocument[]
}

/**
 * What the database answered for one append; an outcome or a command that stands in the way is looked up
 * next.
 */
export type CallResult =
  | AppendResult
  | { readonly status: 'known' }
  /** What `settle_kept` answered. */
  | { readonly status: 'unsettled'; readonly answer: number }

/** What the database answered to a call. */
export interface CallAnswer {
  /** In the order of the appends. */
  readonly results: readonly CallResult[]
  /** The time of the events that it recorded. */
  readonly recordedAtMs: number
}

/** The log of a call, its time, and the documents that this process keeps with it. */
export interface CallLog {
  readonly number: number
  readonly nowMs: number
  readonly collections: Collections
  readonly kept: readonly number[]
}

/** The number of arguments of `append_batch`. */
export const appendArguments = 51

/** The arguments of `append_batch`. */
export function argumentsOf(log: CallLog, appends: readonly CallAppend[]): readonly unknown[] {
  const call = collect(appends)
  return [
    log.number,
    log.nowMs,
    ...appendColumns(appends, call.firstWrites),
    texts(call.streams.map(({ decider }) => decider)),
    texts(call.streams.map(({ id }) => id)),
    ...writeColumns(call.writes),
    texts(call.types),
    ...eventColumns(call.events),
    ...tagColumns(call.events),
    ...documentColumns(log, appends),
  ]
}

function appendColumns(appends: readonly CallAppend[], firstWrites: readonly number[]): readonly Buffer[] {
  const requests = appends.map(({ checked }) => checked.request)
  const commands = requests.map(({ command }) => command)
  return [
    texts(appends.map(({ appendId }) => appendId)),
    integers(firstWrites),
    integers(requests.map((request) => request.writes.length)),
    integers(requests.map(countEvents)),
    uuids(commands.map((command) => command?.id ?? null)),
    texts(commands.map((command) => command?.fingerprint ?? null)),
    texts(appends.map(({ checked }) => checked.outcome)),
    bigints(commands.map((command) => command?.expiresAtMs ?? null)),
    booleans(commands.map((command) => command?.leavesToInbox === true)),
    texts(requests.map(({ correlationId, command }) => originText(correlationId, command))),
    texts(requests.map(({ causationId, command }) => originText(causationId, command))),
    texts(requests.map(({ actor }) => actor ?? null)),
    texts(requests.map(conditionsText)),
  ]
}

function writeColumns(writes: Collected['writes']): readonly Buffer[] {
  return [
    integers(writes.map(({ append }) => append)),
    integers(writes.map(({ stream }) => stream)),
    bigints(writes.map(({ write }) => expectedOf(write))),
    integers(writes.map(({ buildsOn }) => buildsOn)),
    integers(writes.map(({ write }) => write.events.length)),
    bigints(writes.map(({ write }) => write.state?.stateVersion ?? null)),
    texts(writes.map(({ write }) => write.state?.digest ?? null)),
    texts(writes.map(({ write }) => write.state?.text ?? null)),
  ]
}

function eventColumns(events: readonly CollectedEvent[]): readonly Buffer[] {
  return [
    integers(events.map(({ append }) => append)),
    integers(events.map(({ write }) => write)),
    integers(events.map(({ appendIndex }) => appendIndex)),
    integers(events.map(({ writeIndex }) => writeIndex)),
    integers(events.map(({ type }) => type)),
    integers(events.map(({ event }) => event.schemaVersion)),
    texts(events.map(({ event }) => contentTypeText(event))),
    texts(events.map(({ event }) => tagsText(event))),
    texts(events.map(({ event }) => event.dataSubjectId ?? null)),
    texts(events.map(({ event }) => event.keyId ?? null)),
    byteStrings(events.map(({ event }) => event.payload)),
  ]
}

/** What `append_batch` answered. */
export function answerOf(appends: readonly CallAppend[], epoch: string, row: Row): CallAnswer {
  return { results: resultsOf(appends, epoch, row), recordedAtMs: numberAt(row, 6) }
}

function resultsOf(appends: readonly CallAppend[], epoch: string, row: Row): readonly CallResult[] {
  const [statuses, details, actuals] = [numbersAt(row, 0), numbersAt(row, 1), numbersAt(row, 2)]
  const [versions, positions] = [numbersAt(row, 3), numbersAt(row, 4)]
  const eventIds = textAt(row, 5).slice(1, -1).split(',')
  let write = 0
  return appends.map(({ checked }, index): CallResult => {
    const first = write
    write += checked.request.writes.length
    const detail = details[index] ?? 0
    switch (statuses[index]) {
      case 0:
        return {
          status: 'appended',
          // The database counts from stored positions and versions.
          versions: versions.slice(first, write) as readonly number[] as readonly StreamVersion[],
          place: {
            epoch,
            position: (positions[index] ?? 0) as Position,
            eventId: (eventIds[index] ?? '').replaceAll('"', ''),
          },
        }
      case 1:
        return { status: 'conflict', write: detail, actualVersion: (actuals[index] ?? 0) as StreamVersion }
      case 2:
        return { status: 'matched', condition: detail }
      case 4:
        return { status: 'waiting' }
      case 5:
        return { status: 'reused' }
      case 6:
        return { status: 'outdated', document: detail }
      case 7:
        return { status: 'unsettled', answer: detail }
      default:
        return { status: 'known' }
    }
  })
}

interface Collected {
  readonly firstWrites: number[]
  readonly writes: {
    readonly append: number
    readonly stream: number
    readonly buildsOn: number
    readonly write: StreamWrite
  }[]
  readonly streams: readonly StreamWrite[]
  readonly types: readonly string[]
  readonly events: CollectedEvent[]
}

interface CollectedEvent {
  readonly append: number
  readonly write: number
  readonly appendIndex: number
  readonly writeIndex: number
  readonly type: number
  readonly event: NewEvent
}

// Indexes count from 1, as those of PostgreSQL do.
function collect(appends: readonly CallAppend[]): Collected {
  const streams = createNumbering<StreamWrite>()
  const types = createNumbering<string>()
  const call: Pick<Collected, 'firstWrites' | 'writes' | 'events'> = {
    firstWrites: [],
    writes: [],
    events: [],
  }
  for (const [index, { checked, buildsOn }] of appends.entries()) {
    call.firstWrites.push(call.writes.length + 1)
    let appendIndex = 0
    for (const [offset, write] of checked.request.writes.entries()) {
      const stream = streams.numberOf(`${write.decider}\0${write.id}`, write)
      const basis = buildsOn[offset] ?? 0
      const number = call.writes.push({ append: index + 1, stream, buildsOn: basis, write })
      for (const [writeIndex, event] of write.events.entries()) {
        const place = { append: index + 1, write: number, appendIndex, writeIndex: writeIndex + 1 }
        call.events.push({ ...place, type: types.numberOf(event.type, event.type), event })
        appendIndex++
      }
    }
  }
  return { ...call, streams: streams.values, types: types.values }
}

/** Gives each key a number from 1, and keeps the first value of each. */
interface Numbering<Value> {
  readonly numberOf: (key: string, value: Value) => number
  readonly values: readonly Value[]
}

function createNumbering<Value>(): Numbering<Value> {
  const numbers = new Map<string, number>()
  const values: Value[] = []
  return {
    values,
    numberOf(key, value) {
      const known = numbers.get(key)
      if (known !== undefined) return known
      const number = values.push(value)
      numbers.set(key, number)
      return number
    },
  }
}

function tagColumns(events: readonly CollectedEvent[]): readonly Buffer[] {
  const tags = events.flatMap(({ event }, index) =>
    (event.tags ?? []).map((tag) => ({ index: index + 1, tag })),
  )
  return [integers(tags.map(({ index }) => index)), texts(tags.map(({ tag }) => tag))]
}

/** How many events an append has. */
export function countEvents({ writes }: AppendRequest): number {
  return writes.reduce((sum, { events }) => sum + events.length, 0)
}

/** What is sent for an expected version. */
export function expectedOf({ expectedVersion }: StreamWrite): number {
  if (expectedVersion === 'any') return -1
  return expectedVersion === 'none' ? 0 : expectedVersion
}

function conditionsText({ failIfMatch = [] }: AppendRequest): string | null {
  return failIfMatch.length === 0 ? null : JSON.stringify(failIfMatch)
}
