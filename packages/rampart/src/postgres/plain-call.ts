// Turns appends that do not depend on each other into the message that calls `append_plain`, and its
// answer into results.
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type { CommandClaim, NewEvent, StreamWrite } from '../core/ports/index.ts'
import { contentTypeText, originText } from '../core/rows/index.ts'
import { expectedOf, type CallAnswer, type CallAppend, type CallResult } from './append-call.ts'
import { messageOf, writeArray, type CalledStatement } from './append-message.ts'
import { bigint, boolean, bytea, integer, text, uuid, type BinaryWriter, type Kind } from './binary-writer.ts'
import { parameters } from './inbox-step.ts'
import { numberAt, numbersAt, type Row } from './rows.ts'

/** The statement that calls `append_plain`. */
export const appendPlain: CalledStatement = {
  name: 'append-plain',
  text: `SELECT versions, statuses, head_position, worked_us, recorded_ms
    FROM rampart_write.append_plain(${parameters(29)})`,
  parameters: 29,
}

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
  /** Its place in the call, from 1. */
  readonly place: number
}

interface PlainEvent extends PlainAppend {
  readonly index: number
  readonly event: NewEvent
}

/** The message that calls `append_plain`. */
export function plainMessageOf(
  log: { readonly number: number; readonly nowMs: number },
  calls: readonly CallAppend[],
): Buffer {
  const appends = calls.flatMap(plainOf)
  const events = eventsOf(appends)
  const types = [...new Set(events.map(typeOf))]
  const numbers = new Map(types.map((type, index) => [type, index + 1]))
  return messageOf(appendPlain, (message) => {
    message.value(integer, log.number)
    message.value(bigint, log.nowMs)
    writeAppends(message, appends)
    writeStates(message, appends)
    writeArray(message, text, types, itself)
    writeOrigins(message, events, events.length === appends.length)
    writeCommon(message, integer, events, ({ event }) => numbers.get(event.type) ?? 0)
    writeContents(message, events)
  })
}

function plainOf(append: CallAppend, index: number): readonly PlainAppend[] {
  const { writes, command } = append.checked.request
  const [write] = writes
  return write === undefined ? [] : [{ append, write, command, place: index + 1 }]
}

function eventsOf(appends: readonly PlainAppend[]): readonly PlainEvent[] {
  const found: PlainEvent[] = []
  for (const { append, write, command, place } of appends) {
    let index = 0
    for (const event of write.events) found.push({ append, write, command, place, index: index++, event })
  }
  return found
}

// V8 drops the machine code of a function that is made for each call, and so makes it anew all the time. What
// is called for each append or event stands here.
const itself = (value: string): string => value
const typeOf = ({ event }: PlainEvent): string => event.type
const commandOf = ({ command }: PlainAppend): string | undefined => command?.id
const fingerprintOf = ({ command }: PlainAppend): string | undefined => command?.fingerprint
const leavesOf = ({ command }: PlainAppend): true | undefined => command?.leavesToInbox === true || undefined
const deciderOf = ({ write }: PlainAppend): string => write.decider
const idOf = ({ write }: PlainAppend): string => write.id
const expectedIn = ({ write }: PlainAppend): number => expectedOf(write)
const isRefused = ({ append }: PlainAppend): true | undefined => append.buildsOn[0] === -1 || undefined
const countOf = ({ write }: PlainAppend): number => write.events.length

function writeAppends(message: BinaryWriter, appends: readonly PlainAppend[]): void {
  writeColumn(message, uuid, appends, commandOf)
  writeColumn(message, text, appends, fingerprintOf)
  writeColumn(message, boolean, appends, leavesOf)
  writeCommon(message, text, appends, deciderOf)
  writeArray(message, text, appends, idOf)
  writeCommon(message, bigint, appends, expectedIn)
  writeColumn(message, boolean, appends, isRefused)
}

const stateVersionOf = ({ write }: PlainAppend): number | undefined => write.state?.stateVersion
const digestOf = ({ write }: PlainAppend): string | undefined => write.state?.digest
const stateOf = ({ write }: PlainAppend): string | undefined => write.state?.text

function writeStates(message: BinaryWriter, appends: readonly PlainAppend[]): void {
  writeArray(message, integer, appends.some(({ write }) => write.state) ? appends : [], countOf)
  writeColumn(message, bigint, appends, stateVersionOf)
  writeColumn(message, text, appends, digestOf)
  writeColumn(message, text, appends, stateOf)
}

// What claims a command stands in the first event of an append.
const placeOf = ({ place }: PlainEvent): number => place
const indexOf = ({ index }: PlainEvent): number | undefined => (index === 0 ? undefined : index)
const appendIdOf = ({ append }: PlainEvent): string => append.appendId
const eventsIn = ({ index, write: { events } }: PlainEvent): number | null =>
  index === 0 && events.length > 1 ? events.length : null
const correlationOf = ({ append: { checked }, command }: PlainEvent): string | null =>
  originText(checked.request.correlationId, command)
const causationOf = ({ append: { checked }, command }: PlainEvent): string | null =>
  originText(checked.request.causationId, command)
const actorOf = ({ append: { checked } }: PlainEvent): string | undefined => checked.request.actor
const claimOf = ({ index, command }: PlainEvent): string | undefined =>
  index === 0 ? command?.fingerprint : undefined
const outcomeOf = ({ index, append: { checked } }: PlainEvent): string | null =>
  index === 0 ? checked.outcome : null

function writeOrigins(message: BinaryWriter, events: readonly PlainEvent[], areLone: boolean): void {
  writeArray(message, integer, areLone ? [] : events, placeOf)
  writeColumn(message, integer, events, indexOf)
  writeArray(message, text, events, appendIdOf)
  writeColumn(message, integer, events, eventsIn)
  writeColumn(message, text, events, correlationOf)
  writeColumn(message, text, events, causationOf)
  writeColumn(message, text, events, actorOf)
  writeColumn(message, text, areLone ? [] : events, claimOf)
  writeColumn(message, text, events, outcomeOf)
}

const schemaVersionOf = ({ event }: PlainEvent): number => event.schemaVersion
const contentTypeOf = ({ event }: PlainEvent): string | null => contentTypeText(event)
const subjectOf = ({ event }: PlainEvent): string | undefined => event.dataSubjectId
const keyOf = ({ event }: PlainEvent): string | undefined => event.keyId
const payloadOf = ({ event }: PlainEvent): Uint8Array => event.payload

function writeContents(message: BinaryWriter, events: readonly PlainEvent[]): void {
  writeCommon(message, integer, events, schemaVersionOf)
  writeColumn(message, text, events, contentTypeOf)
  writeColumn(message, text, events, subjectOf)
  writeColumn(message, text, events, keyOf)
  writeArray(message, bytea, events, payloadOf)
}

type ValueOf<Item, Value> = (item: Item) => Value | null | undefined

// Beside longer arrays, `unnest` fills an empty one up with NULL, which saves both sides most columns.
function writeColumn<Item, Value>(
  message: BinaryWriter,
  kind: Kind<Value>,
  ...[items, valueOf]: [items: readonly Item[], valueOf: ValueOf<Item, Value>]
): void {
  const isEmpty = items.every((item) => (valueOf(item) ?? null) === null)
  writeArray(message, kind, isEmpty ? [] : items, valueOf)
}

/** An array of one element where all items have the same. */
function writeCommon<Item, Value>(
  message: BinaryWriter,
  kind: Kind<Value>,
  ...[items, valueOf]: [items: readonly Item[], valueOf: (item: Item) => Value]
): void {
  const [first] = items
  if (first === undefined) return writeArray(message, kind, items, valueOf)
  const common = valueOf(first)
  writeArray(message, kind, items.every((item) => valueOf(item) === common) ? [first] : items, valueOf)
}

/** What `append_plain` answered. */
export function plainAnswerOf(appends: readonly CallAppend[], epoch: string, row: Row): CallAnswer {
  const before = numbersAt(row, 0)
  const statuses = row[1] === null ? undefined : numbersAt(row, 1)
  let position = numberAt(row, 2)
  const results: CallResult[] = []
  for (let index = 0; index < appends.length; index++) {
    const append = appends[index]
    if (append === undefined) continue
    const status = statuses === undefined ? 0 : (statuses[index] ?? 0)
    const events = status === 0 ? (append.checked.request.writes[0]?.events.length ?? 0) : 0
    position += events
    results.push(plainResultOf(append, epoch, { status, version: (before[index] ?? 0) + events, position }))
  }
  return { results, recordedAtMs: numberAt(row, 4) }
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
