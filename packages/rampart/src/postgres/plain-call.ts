// Turns appends that do not depend on each other into the arguments of `append_plain`, and its answer into
// results.
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type { CommandClaim, NewEvent, StreamWrite } from '../core/ports/index.ts'
import { contentTypeText, originText } from '../core/rows/index.ts'
import { expectedOf, type CallAppend, type CallResult } from './append-call.ts'
import { bigints, booleans, byteStrings, integers, texts, uuids } from './binary-array.ts'
import { numbersAt, type Row } from './rows.ts'

/** The number of arguments of `append_plain`. */
export const plainArguments = 30

/** Whether each append has events for one stream of its own, without tags, conditions and documents. */
export function isPlain(appends: readonly CallAppend[]): boolean {
  const streams = new Set<string>()
  for (const { checked, buildsOn, documents } of appends) {
    const { writes, failIfMatch = [] } = checked.request
    const [write] = writes
    if (write === undefined || writes.length > 1) return false
    if (failIfMatch.length > 0 || documents.length > 0) return false
    // It stands on an append of this call.
    if ((buildsOn[0] ?? 0) > 0) return false
    if (write.events.length === 0 || write.events.some(({ tags = [] }) => tags.length > 0)) return false
    streams.add(`${write.decider}\0${write.id}`)
  }
  return streams.size === appends.length
}

interface PlainAppend {
  readonly append: CallAppend
  readonly write: StreamWrite
  readonly command: CommandClaim | undefined
}

interface PlainEvent extends PlainAppend {
  /** The place of its append in the call, from 1. */
  readonly place: number
  readonly index: number
  readonly event: NewEvent
}

/** The arguments of `append_plain`. */
export function plainArgumentsOf(
  log: { readonly number: number; readonly nowMs: number },
  calls: readonly CallAppend[],
): readonly unknown[] {
  const appends = calls.flatMap((append): PlainAppend[] => {
    const { writes, command } = append.checked.request
    const [write] = writes
    return write === undefined ? [] : [{ append, write, command }]
  })
  const events = appends.flatMap((plain, offset) =>
    plain.write.events.map((event, index): PlainEvent => ({ ...plain, place: offset + 1, index, event })),
  )
  const types = [...new Set(events.map(({ event }) => event.type))]
  return [
    log.number,
    log.nowMs,
    ...appendColumns(appends),
    ...stateColumns(appends),
    texts(types),
    ...eventColumns(events),
    ...contentColumns(events, new Map(types.map((type, index) => [type, index + 1]))),
  ]
}

function appendColumns(appends: readonly PlainAppend[]): readonly Buffer[] {
  return [
    uuids(appends.map(({ command }) => command?.id ?? null)),
    texts(appends.map(({ command }) => command?.fingerprint ?? null)),
    booleans(appends.map(({ command }) => command?.leavesToInbox === true)),
    texts(appends.map(({ write }) => write.decider)),
    texts(appends.map(({ write }) => write.id)),
    bigints(appends.map(({ write }) => expectedOf(write))),
    booleans(appends.map(({ append }) => append.buildsOn[0] === -1)),
    integers(appends.map(({ write }) => write.events.length)),
  ]
}

function stateColumns(appends: readonly PlainAppend[]): readonly Buffer[] {
  const states = appends.some(({ write }) => write.state !== undefined)
    ? appends.map(({ write }) => write.state)
    : []
  return [
    bigints(states.map((state) => state?.stateVersion ?? null)),
    texts(states.map((state) => state?.digest ?? null)),
    texts(states.map((state) => state?.text ?? null)),
  ]
}

// What claims a command stands in the first event of an append.
function eventColumns(events: readonly PlainEvent[]): readonly Buffer[] {
  const requests = events.map(({ append }) => append.checked.request)
  return [
    integers(events.map(({ place }) => place)),
    integers(events.map(({ index }) => index)),
    texts(events.map(({ append }) => append.appendId)),
    integers(
      events.map(({ index, write }) => (index === 0 && write.events.length > 1 ? write.events.length : null)),
    ),
    uuids(events.map(({ command }) => command?.id ?? null)),
    texts(requests.map(({ correlationId, command }) => originText(correlationId, command))),
    texts(requests.map(({ causationId, command }) => originText(causationId, command))),
    texts(requests.map(({ actor }) => actor ?? null)),
    texts(events.map(({ index, command }) => (index === 0 ? (command?.fingerprint ?? null) : null))),
    texts(events.map(({ index, append }) => (index === 0 ? append.checked.outcome : null))),
  ]
}

function contentColumns(
  events: readonly PlainEvent[],
  types: ReadonlyMap<string, number>,
): readonly Buffer[] {
  return [
    integers(events.map(({ event }) => types.get(event.type) ?? null)),
    integers(events.map(({ event }) => event.schemaVersion)),
    texts(events.map(({ event }) => contentTypeText(event))),
    texts(events.map(({ event }) => event.dataSubjectId ?? null)),
    texts(events.map(({ event }) => event.keyId ?? null)),
    byteStrings(events.map(({ event }) => event.payload)),
  ]
}

/** What `append_plain` answered, in the order of the appends. */
export function plainResultsOf(
  appends: readonly CallAppend[],
  epoch: string,
  row: Row,
): readonly CallResult[] {
  const [statuses, versions, positions] = [numbersAt(row, 0), numbersAt(row, 1), numbersAt(row, 2)]
  return appends.map((append, index) =>
    plainResultOf(append, epoch, {
      status: statuses[index] ?? 0,
      version: versions[index] ?? 0,
      position: positions[index] ?? 0,
    }),
  )
}

/** What became of one append by a status, a version and a position as `append_plain` answers them. */
export function plainResultOf(
  { checked, appendId }: CallAppend,
  epoch: string,
  answer: { readonly status: number; readonly version: number; readonly position: number },
): CallResult {
  // The database counts from stored positions and versions.
  const version = answer.version as StreamVersion
  const events = checked.request.writes[0]?.events.length ?? 0
  switch (answer.status) {
    case 0: {
      const position = answer.position as Position
      return {
        status: 'appended',
        versions: [version],
        place: { epoch, position, eventId: `${appendId}.${events - 1}` },
      }
    }
    case 1:
      return { status: 'conflict', write: 0, actualVersion: version }
    case 4:
      return { status: 'waiting' }
    case 5:
      return { status: 'reused' }
    default:
      return { status: 'known' }
  }
}
