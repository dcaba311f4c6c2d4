// Given events, when a command, then events or a refusal: deciders and projections as examples, without any
// store.
import {
  decodeEvent,
  encodeEvent,
  isRefusal,
  position,
  streamId,
  streamVersion,
  type AnyEvents,
} from '../core/codec/index.ts'
import { RampartError, type DecidedEvent, type Decider, type Decision } from '../core/index.ts'
import type { Json, Projection, Recorded } from '../core/index.ts'
import { askOf, checkedData, eventsOrRefusal, thenOf, type Circumstances, type Then } from './example.ts'
import { decideOver } from './given-decision.ts'

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

/** A decision in a log with a past. */
export interface GivenDecision<Data> {
  /**
   * Sends its command, which stands on the events of the past that its query finds. Throws what the decision
   * throws, and `EVENT_INVALID` for events that could not be recorded.
   */
  readonly when: (data: Data, circumstances?: Omit<Circumstances, 'id'>) => Then
}

/**
 * A decider whose stream has these events, or a decision in a log that has them. They pass their schemas and
 * are folded as a store would give them back.
 *
 * ```ts
 * given(account, AccountOpened({ owner: 'Ada' })).when('Withdraw', { cents: 5
 * }).thenRefused('BALANCE_TOO_LOW')
 * given(enrol, CourseOpened({ courseId: 'art', seats: 1 })).when({ courseId: 'art', studentId: 'ada'
 * }).thenEvents(StudentEnrolled({ courseId: 'art', studentId: 'ada' })) ```
 */
export function given<Commands>(
  decider: Decider<string, Commands>,
  ...past: readonly DecidedEvent[]
): Given<Commands>
export function given<Data>(
  decision: Decision<string, Data>,
  ...past: readonly DecidedEvent[]
): GivenDecision<Data>
export function given(
  subject: Decider | Decision,
  ...past: readonly DecidedEvent[]
): Given<unknown> | GivenDecision<unknown> {
  if ('query' in subject.definition) {
    const { definition } = subject
    return {
      when: (data: unknown, circumstances: Circumstances = {}) =>
        thenOf(definition.name, decideOver(definition, past, { data, circumstances })),
    }
  }
  const { definition } = subject
  return {
    when: (type: string, data: unknown, circumstances: Circumstances = {}) =>
      thenOf(type, decide(definition, past, { type, data, circumstances })),
  }
}

interface Sent {
  readonly type: string
  readonly data: unknown
  readonly circumstances: Circumstances
}

function decide(
  definition: Decider['definition'],
  past: readonly DecidedEvent[],
  { type, data, circumstances }: Sent,
): Then['decision'] {
  const command = definition.commands[type]
  if (command === undefined) throw new RampartError('COMMAND_TYPE_UNKNOWN', `There is no command ${type}.`)
  const checked = checkedData(command, data)
  if (!('data' in checked)) return checked
  const fold = (state: unknown, event: DecidedEvent): unknown =>
    definition.evolve[event.type]?.(state, encodeEvent(definition.of, event).data)
  const state = past.reduce(fold, definition.state.initial())
  const answer = eventsOrRefusal(type, command, command.decide(state, checked.data, askOf(circumstances)))
  if (isRefusal(answer)) return answer
  // What cannot be recorded or folded is no decision either.
  answer.reduce(fold, state)
  return answer.map((event) => ({ type: event.type, data: encodeEvent(definition.of, event).data }))
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
