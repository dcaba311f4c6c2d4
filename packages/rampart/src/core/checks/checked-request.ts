// Checks of what callers hand to a store, before anything is queued (ES-14); every adapter uses them.
import { quoted } from '../identity.ts'
import type { Burial, NewInboxCommand } from '../ports/command-inbox.ts'
import {
  appendBytesMax,
  appendEventsMax,
  matchConditionsMax,
  payloadBytesMax,
  tagsMax,
  type AppendRequest,
  type MatchCondition,
  type NewEvent,
  type StreamWrite,
} from '../ports/event-store.ts'
import type { CommandClaim } from '../ports/outcome-store.ts'
import { stateLengthMax, type NewState } from '../ports/state-store.ts'
import { checkDocuments } from './checked-documents.ts'
import {
  checkCommandId,
  checkCount,
  checkId,
  checkName,
  fixedBytes,
  invalid,
  jsonText,
  ticketLengthMax,
} from './checked-values.ts'

/** An append that may be queued. */
export interface CheckedAppend {
  readonly request: AppendRequest
  /** What it counts for against bounds in bytes: payloads and texts. */
  readonly bytes: number
  /** The outcome of its command as JSON; null when there is no command or the outcome is null. */
  readonly outcome: string | null
}

/** A command that may be accepted. */
export interface CheckedInboxCommand {
  readonly command: Omit<NewInboxCommand, 'data'>
  readonly bytes: number
  /** Its data as JSON. */
  readonly data: string
}

/** A burial that may be queued. */
export interface CheckedBurial {
  readonly burial: Burial
  readonly bytes: number
  /** Its outcome as JSON. */
  readonly outcome: string
}

const fingerprintLengthMax = 64
const digestLengthMax = 64
// Causes are messages of faults; longer ones are cut by whoever writes them.
const causeLengthMax = 16 * 1024

/** Checks an append. Throws `INPUT_INVALID` and names the part that is wrong. */
export function checkAppend(request: AppendRequest): CheckedAppend {
  const { writes, command } = request
  if (writes.length === 0 || writes.length > appendEventsMax) {
    throw invalid(`An append has ${writes.length} writes; 1 to ${appendEventsMax} are allowed.`)
  }
  let bytes = fixedBytes + checkOrigin(request)
  let events = 0
  for (const write of writes) {
    bytes += checkWrite(write)
    events += write.events.length
  }
  if (writes.length > 1) requireDistinct(writes)
  if (request.failIfMatch !== undefined) bytes += checkConditions(request.failIfMatch)
  const outcome = command === undefined ? null : checkClaim(command)
  bytes += outcome?.length ?? 0
  if (events > appendEventsMax)
    throw invalid(`An append has ${events} events; ${appendEventsMax} are allowed.`)
  if (request.documents !== undefined) bytes += checkDocuments(request.documents, events)
  if (bytes > appendBytesMax) throw invalid(`An append has ${bytes} bytes; ${appendBytesMax} are allowed.`)
  return { request, bytes, outcome }
}

/** Checks a command for the inbox. Throws `INPUT_INVALID` and names the part that is wrong. */
export function checkInboxCommand({ data: content, ...command }: NewInboxCommand): CheckedInboxCommand {
  checkCommandId(command.commandId)
  checkName('fingerprint', command.fingerprint, fingerprintLengthMax)
  checkName('decider', command.decider)
  checkId(command.streamId)
  checkName('command type', command.type)
  if (command.actor !== null) checkName('actor', command.actor)
  if (command.correlationId !== null) checkName('correlation id', command.correlationId)
  for (const role of command.roles ?? []) checkName('role', role)
  if (command.expectedVersion !== null) checkCount('expected version', command.expectedVersion)
  checkCount('time of receipt', command.receivedAtMs)
  const data = jsonText('data of the command', content)
  const bytes = fixedBytes + data.length
  if (bytes > appendBytesMax) throw invalid(`A command has ${bytes} bytes; ${appendBytesMax} are allowed.`)
  return { command, bytes, data }
}

/** Checks a burial. Throws `INPUT_INVALID` and names the part that is wrong. */
export function checkBurial(burial: Burial): CheckedBurial {
  checkCommandId(burial.commandId)
  checkName('cause', burial.cause, causeLengthMax)
  checkCount('time of expiry', burial.expiresAtMs)
  const outcome = jsonText('outcome', burial.outcome)
  return { burial, outcome, bytes: fixedBytes + outcome.length + burial.cause.length }
}

/** Checks a log key. Throws `INPUT_INVALID`. */
export function checkLogKey(log: string): void {
  checkName('log key', log)
}

function checkOrigin({ correlationId, causationId, actor, ticket }: AppendRequest): number {
  let bytes = ticket === undefined ? 0 : checkName('ticket', ticket, ticketLengthMax)
  if (correlationId !== undefined) bytes += checkName('correlation id', correlationId)
  if (causationId !== undefined) bytes += checkName('causation id', causationId)
  if (actor !== undefined) bytes += checkName('actor', actor)
  return bytes
}

function checkWrite({ decider, id, expectedVersion, buildsOn, events, state }: StreamWrite): number {
  let bytes = checkName('decider', decider) + checkId(id)
  if (typeof expectedVersion === 'number') checkCount('expected version', expectedVersion)
  else if (expectedVersion !== 'none' && expectedVersion !== 'any') {
    throw invalid(`${quoted(String(expectedVersion))} is not an expected version.`)
  }
  if (buildsOn !== undefined) bytes += checkName('ticket', buildsOn, ticketLengthMax)
  for (const event of events) bytes += checkEvent(event)
  if (state === undefined) return bytes
  if (expectedVersion === 'any') throw invalid(`A state of ${decider} needs a write that expects a version.`)
  const after = (expectedVersion === 'none' ? 0 : expectedVersion) + events.length
  if (after === 0) throw invalid(`A state of ${decider} needs a stream that has an event.`)
  return bytes + checkState(decider, state)
}

function checkState(decider: string, { stateVersion, text, digest }: NewState): number {
  if (!Number.isSafeInteger(stateVersion) || stateVersion < 1) {
    throw invalid(`${stateVersion} is not a state version of ${decider}. Use a whole number from 1.`)
  }
  if (text === '') throw invalid(`A state of ${decider} is empty.`)
  if (text.length > stateLengthMax) {
    throw invalid(`A state of ${decider} has ${text.length} characters; ${stateLengthMax} are allowed.`)
  }
  if (!text.isWellFormed() || text.includes('\0')) {
    throw invalid(`A state of ${decider} is not the text of JSON, which escapes lone surrogates and NUL.`)
  }
  return fixedBytes + text.length + checkName('digest', digest, digestLengthMax)
}

function checkEvent(event: NewEvent): number {
  let bytes = fixedBytes + checkName('event type', event.type)
  if (!Number.isSafeInteger(event.schemaVersion) || event.schemaVersion < 1) {
    throw invalid(
      `${event.schemaVersion} is not a schema version of ${event.type}. Use a whole number from 1.`,
    )
  }
  if (!(event.payload instanceof Uint8Array)) throw invalid(`The payload of ${event.type} is not bytes.`)
  if (event.payload.length > payloadBytesMax) {
    const size = event.payload.length
    throw invalid(`The payload of ${event.type} has ${size} bytes; ${payloadBytesMax} are allowed.`)
  }
  bytes += event.payload.length
  if (event.contentType !== undefined) bytes += checkName('content type', event.contentType)
  if (event.dataSubjectId !== undefined) bytes += checkName('data subject', event.dataSubjectId)
  if (event.keyId !== undefined) bytes += checkName('key id', event.keyId)
  return event.tags === undefined ? bytes : bytes + checkTags(event.type, event.tags)
}

function checkTags(of: string, tags: readonly string[]): number {
  if (tags.length > tagsMax) throw invalid(`${of} has ${tags.length} tags; ${tagsMax} are allowed.`)
  return tags.reduce((bytes, tag) => bytes + checkName('tag', tag), 0)
}

function checkConditions(conditions: readonly MatchCondition[]): number {
  requireFew('An append', conditions.length, 'conditions')
  let bytes = 0
  for (const { types = [], tags, after } of conditions) {
    if (tags.length === 0) throw invalid('A condition has no tags. Name at least one.')
    requireFew('A condition', types.length, 'types')
    for (const type of types) bytes += checkName('event type', type)
    bytes += fixedBytes + checkTags('A condition', tags)
    checkCount('position', after)
  }
  return bytes
}

function requireFew(whose: string, count: number, what: string): void {
  if (count <= matchConditionsMax) return
  throw invalid(`${whose} has ${count} ${what}; ${matchConditionsMax} are allowed.`)
}

function checkClaim({ id, fingerprint, outcome, expiresAtMs }: CommandClaim): string | null {
  checkCommandId(id)
  checkName('fingerprint', fingerprint, fingerprintLengthMax)
  if (expiresAtMs !== null) checkCount('time of expiry', expiresAtMs)
  return outcome === null ? null : jsonText('outcome', outcome)
}

function requireDistinct(writes: readonly StreamWrite[]): void {
  const seen = new Set<string>()
  for (const { decider, id } of writes) {
    const stream = `${decider}\0${id}`
    if (seen.has(stream)) throw invalid(`The stream ${decider} ${quoted(id)} is written twice in one append.`)
    seen.add(stream)
  }
}
