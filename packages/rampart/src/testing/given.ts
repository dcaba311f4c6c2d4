// Given events, when a command, then events or a refusal: deciders and projections as examples, without any
// store.
import {
  decodeEvent,
  encodeEvent,
  isRefusal,
  position,
  streamId,
  streamVersion,
} from '../core/codec/index.ts'
import { validate, type AnyEvents } from '../core/codec/index.ts'
import { RampartError, refuse, type DecidedEvent, type Decider } from '../core/index.ts'
import type { Json, Projection, Recorded, Refusal } from '../core/index.ts'
import { expectSame } from './expect.ts'

/** Circumstances of an example; each has a value that examples need not care for. */
export interface Circumstances {
  readonly id?: string
  readonly commandId?: string
  readonly actor?: string | null
  readonly receivedAt?: string
}

/** What came of a command, to be compared. Every comparison throws an error that any test runner shows. */
export interface Then {
  /** It recorded exactly these events, in this order. */
  readonly thenEvents: (...expected: readonly DecidedEvent[]) => void
  /** It found nothing to do. */
  readonly thenNothing: () => void
  /** It was refused with this code, and with this data when some is given. */
  readonly thenRefused: (code: string, data?: Json) => void
  /** Its data was refused by its schema at these JSON pointers. */
  readonly thenInvalid: (...pointers: readonly string[]) => void
  /** The decision itself, for comparisons of another kind. */
  readonly decision: readonly DecidedEvent[] | Refusal | readonly string[]
}

/** A decider with a past. */
export interface Given<Commands> {
  /**
   * Sends a command. Throws what the decider throws, and `EVENT_INVALID` for events that could not be
   * recorded.
   */
  readonly when: <Type extends keyof Commands & string>(
    type: Type,
    data: Commands[Type],
    circumstances?: Circumstances,
  ) => Then
}

/**
 * A decider whose stream has these events. They pass their schemas and are folded as a store would give them
 * back.
 *
 * ```ts
 * given(account, AccountOpened({ owner: 'Ada' })).when('Withdraw', { cents: 5
 * }).thenRefused('BALANCE_TOO_LOW') ```
 */
export function given<Commands>(
  decider: Decider<string, Commands>,
  ...past: readonly DecidedEvent[]
): Given<Commands> {
  return {
    when(type, data, circumstances = {}) {
      const decision = decide(decider, past, { type, data, circumstances })
      return {
        decision,
        thenEvents: (...expected) => expectSame(`the events of ${type}`, decision, expected),
        thenNothing: () => expectSame(`the events of ${type}`, decision, []),
        thenRefused: (code, expected) => expectRefused(type, decision, { code, data: expected }),
        thenInvalid: (...pointers) => expectSame(`the faults in the data of ${type}`, decision, pointers),
      }
    },
  }
}

interface Sent {
  readonly type: string
  readonly data: unknown
  readonly circumstances: Circumstances
}

const someUuid = '0190163d-8694-739b-aea5-966c26f8ad91'

function decide(
  { definition }: Decider,
  past: readonly DecidedEvent[],
  { type, data, circumstances }: Sent,
): Then['decision'] {
  const command = definition.commands[type]
  if (command === undefined) throw new RampartError('COMMAND_TYPE_UNKNOWN', `There is no command ${type}.`)
  const checked = validate(command.schema, data)
  if ('faults' in checked) return checked.faults.map(({ pointer }) => pointer)
  const {
    id = someUuid,
    commandId = someUuid,
    actor = null,
    receivedAt = '2026-01-01T00:00:00.000Z',
  } = circumstances
  const fold = (state: unknown, event: DecidedEvent): unknown =>
    definition.evolve[event.type]?.(state, encodeEvent(definition.of, event).data)
  const state = past.reduce(fold, definition.state.initial())
  const answer = command.decide(state, checked.value, { id, commandId, actor, receivedAt, refuse })
  if (isRefusal(answer)) {
    if (!command.refuses.includes(answer.refused)) {
      throw new RampartError(
        'DECIDER_FAILED',
        `${type} refused with ${answer.refused}, which it does not declare.`,
      )
    }
    return answer
  }
  const events = 'type' in answer ? [answer] : answer
  // What cannot be recorded or folded is no decision either.
  events.reduce(fold, state)
  return events.map((event) => ({ type: event.type, data: encodeEvent(definition.of, event).data }))
}

function expectRefused(
  type: string,
  decision: Then['decision'],
  { code, data }: { readonly code: string; readonly data: Json | undefined },
): void {
  const refusal = isRefusal(decision) ? decision : undefined
  expectSame(`the answer to ${type}`, refusal?.refused ?? decision, code)
  if (data !== undefined) expectSame(`the data of the refusal ${code}`, refusal?.data, data)
}

/** An event in the log that a projection reads, with the stream that it belongs to. */
export interface Logged {
  readonly id: string
  readonly event: DecidedEvent
}

/**
 * The documents of a projection after a log of events, by key. Positions are 1, 2, 3 …, and so are the
 * versions of each stream; events pass their schemas and come back as a store would give them.
 */
export function documentsAfter<Doc>(
  projection: Projection<string, Doc>,
  log: readonly Logged[],
): ReadonlyMap<string, Doc> {
  const versions = new Map<string, number>()
  const documents = new Map<string, Json>()
  for (const [index, { id, event }] of log.entries()) {
    const source = projection.sources.find((each) => Object.hasOwn(each.definitions, event.type))
    if (source === undefined || !projection.reads.includes(event.type)) continue
    const stream = `${source.name} ${id}`
    const version = (versions.get(stream) ?? 0) + 1
    versions.set(stream, version)
    project(projection, documents, recordedOf(source, event, { id, version, position: index + 1 }))
  }
  // The documents of a projection are what its handlers answer, and those are typed by it.
  return documents as ReadonlyMap<string, unknown> as ReadonlyMap<string, Doc>
}

type Fold = Pick<Projection, 'on' | 'keysOf' | 'initial'>

function project(projection: Fold, documents: Map<string, Json>, event: Recorded): void {
  const handle = projection.on[event.type]
  if (handle === undefined) return
  for (const key of projection.keysOf(event)) {
    const next = handle(documents.get(key) ?? projection.initial, event, key)
    if (next === null) documents.delete(key)
    else documents.set(key, next)
  }
}

function recordedOf(
  source: AnyEvents,
  event: DecidedEvent,
  at: { readonly id: string; readonly version: number; readonly position: number },
): Recorded {
  const { stored } = encodeEvent(source, event)
  return decodeEvent(source, {
    position: position(at.position),
    decider: source.name,
    streamId: streamId(at.id),
    version: streamVersion(at.version),
    type: stored.type,
    schemaVersion: stored.schemaVersion,
    appendId: 'example',
    appendIndex: at.position,
    commandId: null,
    contentType: 'application/json',
    payload: stored.payload,
    tags: stored.tags ?? [],
    correlationId: null,
    causationId: null,
    actor: null,
    dataSubjectId: null,
    keyId: null,
    recordedAtMs: Date.UTC(2026, 0, 1),
  })
}
