// Runs one decision and turns its answer into the append that records it.
import {
  encodeEvent,
  isoTime,
  isRefusal,
  type CommandId,
  type DeciderDefinition,
  type EncodedEvent,
  type StreamId,
  type StreamVersion,
  type UntypedCommand,
} from '../core/codec/index.ts'
import {
  isRampartError,
  RampartError,
  type Caller,
  type DecidedEvent,
  type Json,
  type Refusal,
  refuse,
} from '../core/index.ts'
import type { AppendRequest, StreamWrite } from '../core/ports/index.ts'
import type { DecideInPlace } from './command-service.ts'
import type {
  DocumentTips,
  FoldedDocuments,
  LoadedDocuments,
  MissingDocuments,
  NewlyDecided,
} from './document-tips.ts'
import { refusedOutcome, succeededOutcome } from './outcome.ts'
import type { LoadedState } from './fold.ts'
import type { Repository } from './repository.ts'

/** A command that passed every check that needs no state. */
export interface CheckedCommand {
  readonly commandId: CommandId
  readonly fingerprint: string
  readonly type: string
  readonly streamId: StreamId
  readonly data: Json
  readonly expectedVersion: StreamVersion | null
  readonly actor: string | null
  /** The sender's roles; null when no rule is asked who may. */
  readonly roles: readonly string[] | null
  readonly correlationId: string | null
  readonly receivedAtMs: number
  /** True when it may stand in the inbox already: then it keeps its place there. */
  readonly leavesToInbox: boolean
  /** The decision itself, where a program makes one in place of a command of its decider. */
  readonly inPlace?: { readonly decider: string; readonly decide: DecideInPlace }
}

/** What a decision needs beside command and state. */
export interface DecisionTools {
  readonly definition: DeciderDefinition
  readonly repository: Repository
  /** How long the id of a refused command is kept, in milliseconds. */
  readonly outcomeTtlMs: number
  /** A new name for an append, unique among all that the store knows. */
  readonly nextTicket: () => string
  /** The documents that commit with events; absent when there are none. */
  readonly documents?: DocumentTips | undefined
}

/** A command to decide, with what was loaded for it. */
export interface DecidableCommand {
  readonly command: CheckedCommand
  readonly loaded?: LoadedDocuments | undefined
}

/** A state to decide on, and the append in flight that makes it; without one, it is what is recorded. */
export interface Basis {
  readonly base: LoadedState
  readonly buildsOn: string | undefined
}

/** A decision ready to be appended, and the state that holds once it is. */
export interface PreparedDecision {
  readonly request: AppendRequest
  readonly after: LoadedState
  /** The append that makes that state: its own, or the one before where it records nothing. */
  readonly madeBy: string | undefined
  /** The documents of the append; to be told what became of it. */
  readonly flights?: FoldedDocuments['flights']
  /** What is answered in place of an outcome, once the append has proved the version that it rests on. */
  readonly objection?: RampartError
}

/**
 * Why a command is not decided at all on this state: its sender may not send it to this stream (`FORBIDDEN`,
 * which is told before the version is), or demands another version (`VERSION_MISMATCH`). Throws
 * `DECIDER_FAILED` when the rule throws.
 */
export function objectionTo(
  command: CheckedCommand,
  { state, version }: LoadedState,
  { may }: DeciderDefinition,
): RampartError | undefined {
  const { type, streamId: id, expectedVersion } = command
  if (may !== undefined && isForbidden(command, (caller) => may(caller, state, { id, type })))
    return new RampartError('FORBIDDEN', `You may not send ${type} to this stream.`)
  if (expectedVersion === null || expectedVersion === version) return undefined
  const message = `${type} demands version ${expectedVersion} of ${id}, which has ${version}.`
  return new RampartError('VERSION_MISMATCH', message, { details: { version } })
}

/** True when a rule keeps a command's sender from it. Throws `DECIDER_FAILED` when the rule throws. */
export function isForbidden(command: CheckedCommand, may: (caller: Caller | null) => unknown): boolean {
  const { actor, roles } = command
  if (roles === null) return false
  const caller = actor === null ? null : { subject: actor, roles }
  // Only true permits: what a rule answers by mistake, a promise for one, must not.
  return attempt(command, () => may(caller)) !== true
}

/**
 * Decides a command on a state, or says what documents must be loaded for that. Throws `DECIDER_FAILED` when
 * the decider throws or refuses with a code that it did not declare, `EVENT_INVALID` for an event that its
 * schema refuses, and `PROJECTION_FAILED` when a synchronous projection throws.
 */
export function prepareDecision(
  { command, loaded }: DecidableCommand,
  basis: Basis,
  { definition, repository, outcomeTtlMs, nextTicket, documents }: DecisionTools,
): PreparedDecision | MissingDocuments {
  const { base } = basis
  const answer = answerTo(definition, command, base.state)
  const refusal = isRefusal(answer) ? answer : undefined
  const decided = isRefusal(answer) ? (answer.records ?? []) : asList(answer)
  const encoded = decided.map((event) => encodeEvent(definition.of, event))
  const { streamId } = command
  const ticket = nextTicket()
  const folded = documents?.fold(newlyDecided(streamId, base.version, encoded), { ticket, loaded })
  if (folded !== undefined && 'missing' in folded) return folded
  const next = encoded.length === 0 ? base : repository.advance(base, encoded.map(foldedEvent))
  const { after, stored: state } = repository.keep(streamId, next)
  const events = encoded.map(({ stored }) => stored)
  const write = writeOf(basis, { decider: definition.of.name, id: streamId, events })
  const writes = [state === undefined ? write : { ...write, state }]
  const request = { ...claimOf(command, refusal, outcomeTtlMs), writes, ticket }
  const madeBy = encoded.length === 0 ? basis.buildsOn : ticket
  if (folded === undefined) return { request, after, madeBy }
  return { request: { ...request, documents: folded.writes }, after, madeBy, flights: folded.flights }
}

/** Events that bring a stream from a version further, as synchronous projections fold them. */
export function newlyDecided(
  id: string,
  version: number,
  encoded: readonly EncodedEvent[],
): readonly NewlyDecided[] {
  return encoded.map(({ stored: { type }, data }, index) => ({
    type,
    data,
    id,
    version: version + index + 1,
  }))
}

/** The write of what was decided on a state. */
export function writeOf(
  { base: { version: expectedVersion }, buildsOn }: Basis,
  { decider, id, events }: Pick<StreamWrite, 'decider' | 'id' | 'events'>,
): StreamWrite {
  const write = { decider, id, expectedVersion, events }
  return buildsOn === undefined ? write : { ...write, buildsOn }
}

function foldedEvent({ stored, data }: EncodedEvent): { type: string; data: Json; payloadBytes: number } {
  return { type: stored.type, data, payloadBytes: stored.payload.byteLength }
}

/** What an append carries of the command that it settles: its claim, and where its events come from. */
export function claimOf(
  command: CheckedCommand,
  refusal: Refusal | undefined,
  outcomeTtlMs: number,
): Pick<AppendRequest, 'command' | 'correlationId' | 'causationId' | 'actor'> {
  const { commandId: id, fingerprint, correlationId, actor, leavesToInbox } = command
  const claim = {
    command: {
      id,
      fingerprint,
      outcome: refusal === undefined ? succeededOutcome(command) : refusedOutcome(command, refusal),
      expiresAtMs: refusal === undefined ? null : command.receivedAtMs + outcomeTtlMs,
      leavesToInbox,
    },
    correlationId: correlationId ?? id,
    causationId: id,
  }
  return actor === null ? claim : { ...claim, actor }
}

/** Decided events as a list. */
export function asList(events: DecidedEvent | readonly DecidedEvent[]): readonly DecidedEvent[] {
  return 'type' in events ? [events] : events
}

type Answer = DecidedEvent | readonly DecidedEvent[] | Refusal

function answerTo(definition: DeciderDefinition, command: CheckedCommand, state: unknown): Answer {
  const { type, inPlace } = command
  if (inPlace !== undefined) return attempt(command, () => inPlace.decide(state, askOf(command)))
  const known = definition.commands[type]
  if (known !== undefined) return runDecide(known, command, state)
  throw new RampartError('COMMAND_TYPE_UNKNOWN', `${definition.of.name} has no command ${type}.`)
}

function askOf({ commandId, streamId: id, actor, receivedAtMs }: CheckedCommand) {
  return { commandId, id, actor, receivedAt: isoTime(receivedAtMs), refuse }
}

/**
 * Asks a definition what a command comes to on a state. Throws `DECIDER_FAILED` when it throws or refuses
 * with a code that it did not declare.
 */
export function runDecide(
  known: Pick<UntypedCommand, 'refuses' | 'decide'>,
  command: CheckedCommand,
  state: unknown,
): Answer {
  const { type, data } = command
  const answer = attempt(command, () => known.decide(state, data, askOf(command)))
  if (isRefusal(answer) && !known.refuses.includes(answer.refused)) {
    const message = `${type} refused with ${answer.refused}. Declare the code in its refuses.`
    throw new RampartError('DECIDER_FAILED', message)
  }
  return answer
}

function attempt<T>(command: CheckedCommand, decide: () => T): T {
  try {
    return decide()
  } catch (cause) {
    if (isRampartError(cause)) throw cause
    const message = `The decision of ${command.type} threw. Nothing was recorded; mend its decide function.`
    throw new RampartError('DECIDER_FAILED', message, { cause })
  }
}
