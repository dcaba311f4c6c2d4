// One append within a batch: checks it against the database of that instant, numbers its events, inserts.
import type { StreamVersion } from '../core/codec/index.ts'
import type { CheckedAppend } from '../core/checks/index.ts'
import type { AppendResult, CommandClaim, StreamWrite } from '../core/ports/index.ts'
import { originText } from '../core/rows/index.ts'
import { findOutdated, keepDocuments } from './documents-step.ts'
import { insertEvent, noClaim, type ClaimColumns } from './insert-event.ts'
import { headOf, streamsOf, type LogHead, type StreamHead } from './log-head.ts'
import { commandKey, placeOf } from './places.ts'
import { numberAt, textAt } from './rows.ts'
import { keepStates } from './state-store.ts'
import { findMatched, keepTags } from './tags-step.ts'
import type { WriterState } from './writer-state.ts'

/**
 * Appends, or says why not. Whatever it answers but `appended`, it has changed nothing: all checks come
 * first, and the first insert is the one that claims the command id.
 */
export function append(state: WriterState, log: LogHead, checked: CheckedAppend): AppendResult {
  const { writes, command, documents = [], ticket } = checked.request
  const known = command === undefined ? undefined : knownBefore(state, log, command)
  if (known !== undefined) return known
  const streams = writes.map((write) => findStream(state, log, write))
  for (let index = 0; index < writes.length; index++) {
    const conflict = conflictOf(writes[index], streams[index], index)
    // A retry of an append that went through expects a version that has passed.
    if (conflict !== undefined) return recordedBefore(state, log, command) ?? conflict
  }
  const condition = findMatched(state, log, checked.request.failIfMatch)
  if (condition !== undefined) {
    return recordedBefore(state, log, command) ?? { status: 'matched', condition }
  }
  const document = findOutdated(state, documents)
  if (document !== undefined) {
    return recordedBefore(state, log, command) ?? { status: 'outdated', document }
  }
  const events = writes.reduce((sum, write) => sum + write.events.length, 0)
  if (events === 0) return appendNothing(state, log, { checked, streams })
  const before = log.position
  const isFresh = insertEvents({ state, log, checked, streams, events })
  if (!isFresh) return requireRecorded(recordedBefore(state, log, command))
  keepStates(state, writes, streams)
  keepDocuments(state, documents, { before, ticket })
  if (command !== undefined && log.inboxCommands > 0) removeFromInbox(state, log, command)
  return { status: 'appended', versions: versionsAfter(writes, streams), place: headOf(log) }
}

/** Finds a stream, also in the database; `undefined` when it has no events. */
export function findStream(
  { statements }: WriterState,
  log: LogHead,
  { decider, id }: Pick<StreamWrite, 'decider' | 'id'>,
): StreamHead | undefined {
  const streams = streamsOf(log, decider)
  const cached = streams.get(id)
  if (cached !== undefined) return cached
  const row = statements.findStream.get(log.number, decider, id)
  if (row === undefined) return undefined
  const found = { number: numberAt(row, 0), version: numberAt(row, 1) }
  streams.set(id, found)
  return found
}

// What is known of a command without a look at the events, where the insert itself tells.
function knownBefore(state: WriterState, log: LogHead, command: CommandClaim): AppendResult | undefined {
  if (state.hasOutcomes) {
    const outcome = state.outcomes.findKept(log, command.id, state.nowMs)
    if (outcome !== undefined) return answerAgain(outcome, command)
  }
  if (log.inboxCommands === 0) return undefined
  const waiting = state.statements.findInboxCommand.get(log.number, command.id)
  if (waiting === undefined) return undefined
  if (textAt(waiting, 1) !== command.fingerprint) return { status: 'reused' }
  return command.leavesToInbox === true ? { status: 'waiting' } : undefined
}

function recordedBefore(
  state: WriterState,
  log: LogHead,
  command: CommandClaim | undefined,
): AppendResult | undefined {
  const outcome = command && state.outcomes.findWithEvents(log, command.id)
  return command === undefined || outcome === undefined ? undefined : answerAgain(outcome, command)
}

function answerAgain(
  outcome: Extract<AppendResult, { status: 'repeated' }>['outcome'],
  { fingerprint }: CommandClaim,
): AppendResult {
  return outcome.fingerprint === fingerprint ? { status: 'repeated', outcome } : { status: 'reused' }
}

function requireRecorded(result: AppendResult | undefined): AppendResult {
  if (result !== undefined) return result
  throw new Error('An insert was refused for its command id, which no event holds: the index is damaged.')
}

function conflictOf(
  write: StreamWrite | undefined,
  stream: StreamHead | undefined,
  index: number,
): AppendResult | undefined {
  const actual = stream?.version ?? 0
  const expected = write?.expectedVersion ?? 'any'
  const isThere = expected === 'any' || (expected === 'none' ? actual === 0 : actual === expected)
  const holds = isThere && (write?.buildsOn === undefined || write.buildsOn === stream?.ticket)
  // Stored versions are whole numbers.
  return holds ? undefined : { status: 'conflict', write: index, actualVersion: actual as StreamVersion }
}

function versionsAfter(
  writes: readonly StreamWrite[],
  streams: readonly (StreamHead | undefined)[],
): readonly StreamVersion[] {
  // Counted on from stored versions.
  return writes.map((_, index) => (streams[index]?.version ?? 0) as StreamVersion)
}

interface Checked {
  readonly checked: CheckedAppend
  readonly streams: readonly (StreamHead | undefined)[]
}

function appendNothing(state: WriterState, log: LogHead, { checked, streams }: Checked): AppendResult {
  const { writes, command } = checked.request
  const recorded = recordedBefore(state, log, command)
  if (recorded !== undefined) return recorded
  keepStates(state, writes, streams)
  if (command !== undefined) {
    keepOutcome(state, log, {
      command,
      outcome: checked.outcome,
      version: streams[0]?.version ?? 0,
    })
    if (log.inboxCommands > 0) removeFromInbox(state, log, command)
  }
  return { status: 'appended', versions: versionsAfter(writes, streams), place: headOf(log) }
}

/** An outcome that is kept apart from events. */
export interface NewOutcome {
  readonly command: Pick<CommandClaim, 'id' | 'fingerprint' | 'expiresAtMs'>
  readonly outcome: string | null
  readonly version: number
}

/** Keeps an outcome without events; it stands at the head of the log. */
export function keepOutcome(
  state: WriterState,
  log: LogHead,
  { command, outcome, version }: NewOutcome,
): void {
  state.hasOutcomes = true
  log.recordedAtMs = Math.max(log.recordedAtMs, state.nowMs)
  state.statements.keepOutcome.run(
    commandKey(log.number, command.id),
    command.fingerprint,
    outcome,
    version,
    log.position,
    log.eventId,
    log.recordedAtMs,
    command.expiresAtMs,
  )
}

function removeFromInbox({ statements }: WriterState, log: LogHead, { id }: CommandClaim): void {
  log.inboxCommands -= Number(statements.deleteInboxCommand.run(log.number, id).changes)
}

interface Insertion extends Checked {
  readonly state: WriterState
  readonly log: LogHead
  readonly streams: (StreamHead | undefined)[]
  readonly events: number
}

// False when the command id is taken; then nothing was inserted.
function insertEvents(insertion: Insertion): boolean {
  const { state, log, streams } = insertion
  const { request } = insertion.checked
  const appendId = `${state.appendPrefix}${(++state.appends).toString(36)}`
  const recordedAtMs = Math.max(log.recordedAtMs, state.nowMs)
  let appendIndex = 0
  for (let index = 0; index < request.writes.length; index++) {
    const write = request.writes[index]
    if (write === undefined || write.events.length === 0) continue
    const stream = streams[index] ?? { number: state.nextStream, version: 0 }
    const first = { appendId, recordedAtMs, appendIndex, stream }
    if (!insertWrite(insertion, write, first)) return false
    appendIndex += write.events.length
    if (streams[index] === undefined) nameStream(insertion, write, stream)
    stream.version += write.events.length
    stream.ticket = request.ticket
    streams[index] = stream
  }
  log.position += insertion.events
  log.eventId = `${appendId}.${insertion.events - 1}`
  log.recordedAtMs = recordedAtMs
  return true
}

// A stream gets its name after its first event, so that an event refused for its command id leaves nothing
// behind.
function nameStream({ state, log }: Insertion, write: StreamWrite, stream: StreamHead): void {
  state.nextStream++
  state.statements.insertStream.run(stream.number, log.number, write.decider, write.id)
  streamsOf(log, write.decider).set(write.id, stream)
}

interface FirstEvent {
  readonly appendId: string
  readonly recordedAtMs: number
  readonly appendIndex: number
  readonly stream: StreamHead
}

function insertWrite(insertion: Insertion, write: StreamWrite, first: FirstEvent): boolean {
  const { state, log, checked } = insertion
  const { command, correlationId, causationId, actor = null } = checked.request
  for (let index = 0; index < write.events.length; index++) {
    const event = write.events[index]
    if (event === undefined) continue
    const appendIndex = first.appendIndex + index
    const place = placeOf(log.number, log.position + appendIndex + 1)
    const type = eventTypeNumber(state, event.type)
    const isInserted = insertEvent(state.statements, {
      place,
      stream: first.stream.number,
      version: first.stream.version + index + 1,
      type,
      event,
      appendId: first.appendId,
      appendIndex,
      recordedAtMs: first.recordedAtMs,
      commandKey: command === undefined ? null : commandKey(log.number, command.id),
      correlationId: originText(correlationId, command),
      causationId: originText(causationId, command),
      actor,
      claim: appendIndex === 0 && command !== undefined ? claimOf(insertion, command) : noClaim,
    })
    if (!isInserted) return false
    keepTags(state, event, { place, type })
  }
  return true
}

function claimOf(insertion: Insertion, { fingerprint }: CommandClaim): ClaimColumns {
  const { checked, events } = insertion
  return {
    fingerprint,
    events: events > 1 ? events : null,
    version: outcomeVersion(insertion),
    outcome: checked.outcome,
  }
}

// The version of the first write's stream can be counted from the first event when there is only one write.
function outcomeVersion({ checked, streams }: Insertion): number | null {
  const [first, ...others] = checked.request.writes
  return others.length === 0 ? null : (streams[0]?.version ?? 0) + (first?.events.length ?? 0)
}

function eventTypeNumber({ statements, eventTypes }: WriterState, type: string): number {
  const cached = eventTypes.get(type)
  if (cached !== undefined) return cached
  const { query } = statements
  const row =
    query('SELECT number FROM event_types WHERE name = ?').get(type) ??
    query('INSERT INTO event_types (name) VALUES (?) RETURNING number').get(type)
  const number = numberAt(row ?? [], 0)
  eventTypes.set(type, number)
  return number
}
