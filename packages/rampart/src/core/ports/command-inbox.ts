// The inbox port: commands that were accepted durably and are handled later, in order per stream.
//
// Promises, each proved by the rules of the same number in the conformance suite:
//
// IN-1 An accepted command survives whatever its store survives, until its outcome is recorded or it is
//      buried.
// IN-2 A command id stands in the inbox once: accepting it again changes nothing, and answers with what
//      stands there or with the recorded outcome; another fingerprint is a typed conflict.
// IN-3 Commands of one stream are claimed in the order in which they were accepted. None is claimed while an
//      earlier one of its stream is claimed by another owner or waits for its next attempt.
// IN-4 A claim counts as an attempt, durably, before the command is handed out; a release takes back those
//      that were none. One that names its owner changes nothing of what another holds.
// IN-5 An append that claims the command's id removes the command in the same transaction, unless it leaves
//      the command to the inbox: then it changes nothing.
// IN-6 The number of waiting commands is bounded; beyond it nothing is accepted.
// IN-7 A claim hands out no more data than it asks for, and one command all the same.
import type { CommandId, StreamId, StreamVersion } from '../identity.ts'
import type { Json } from '../json.ts'
import type { StoredOutcome } from './outcome-store.ts'

/** A command as it is accepted for later. */
export interface NewInboxCommand {
  readonly commandId: CommandId
  readonly fingerprint: string
  readonly decider: string
  readonly streamId: StreamId
  readonly type: string
  readonly data: Json
  /** The version that its sender demands; null when none. */
  readonly expectedVersion: StreamVersion | null
  readonly actor: string | null
  /** The sender's roles, for rules that are asked once it is handled; null when none is to be asked. */
  readonly roles: readonly string[] | null
  readonly correlationId: string | null
  readonly receivedAtMs: number
}

/** A command that waits or is being handled. */
export interface InboxCommand extends NewInboxCommand {
  /** How often it was claimed so far, but for claims that were taken back as no attempts (IN-4). */
  readonly attempts: number
}

/**
 * What accepting came to. `waiting` and `repeated` are repetitions of the same command, before and after its
 * outcome; `reused` says that the id has another fingerprint, `full` that no more may wait (IN-6).
 */
export type AcceptResult =
  | { readonly status: 'accepted' }
  | { readonly status: 'waiting'; readonly command: InboxCommand }
  | { readonly status: 'repeated'; readonly outcome: StoredOutcome }
  | { readonly status: 'reused' }
  | { readonly status: 'full' }

/** How to claim. An owner's claims end by outcome, release or burial, or when their lease runs out. */
export interface ClaimRequest {
  readonly owner: string
  readonly limit: number
  /** Most bytes of data as JSON, unless the first command alone has more; 16 MiB unless said. */
  readonly bytesMax?: number
  readonly nowMs: number
  readonly leaseMs: number
}

/** Most bytes of data that a claim hands out, unless it asks for another number (IN-7). */
export const claimBytesMaxUnlessSaid = 16 * 1024 * 1024

/** How commands are given back. */
export interface ReleaseTerms {
  /** Kept where operators can look at the store; what is kept stays when absent. */
  readonly cause?: string
  /** Whose claims they are: what another owner holds by now is left to it. Anyone's when absent. */
  readonly owner?: string
  /** How many claims of each were no attempts at handling it; none when absent. */
  readonly untried?: number
}

/** Ends a command that cannot be handled: it leaves the inbox, its id gets an outcome, its cause is kept. */
export interface Burial {
  readonly commandId: CommandId
  readonly cause: string
  readonly outcome: Json
  readonly expiresAtMs: number
  /** Whether an operator must see it among the dead letters; false for a demand that merely did not hold. */
  readonly deadLetter: boolean
}

/** A command that was given up, with its cause. */
export interface DeadLetter extends InboxCommand {
  readonly cause: string
  readonly buriedAtMs: number
}

/** Commands waiting in one log's database. */
export interface CommandInbox {
  /** Accepts a command for later; resolves once that is as durable as an append (IN-1). */
  readonly accept: (command: NewInboxCommand) => Promise<AcceptResult>
  /** Claims due commands, oldest first, several of one stream in their order. */
  readonly claim: (request: ClaimRequest) => Promise<readonly InboxCommand[]>
  /** Gives claimed commands back, to be claimed again from `retryAtMs` on. */
  readonly release: (
    commandIds: readonly CommandId[],
    retryAtMs: number,
    terms?: ReleaseTerms,
  ) => Promise<void>
  /** Ends a command without an append; without effect when it is not there any more. */
  readonly bury: (burial: Burial) => Promise<void>
  /** A waiting or claimed command. */
  readonly find: (id: CommandId) => Promise<InboxCommand | undefined>
  /**
   * How many commands wait or are claimed, and when the next can be claimed, because it is due or the lease
   * of its owner runs out: null when there is none. A command waits for those before it in its stream, so
   * only the first of each stream counts.
   */
  readonly depth: () => Promise<{ readonly commands: number; readonly nextDueMs: number | null }>
  /** Dead letters, newest first. */
  readonly deadLetters: (limit: number) => Promise<readonly DeadLetter[]>
  /** Calls back when a command was accepted: a hint. Returns what ends it. */
  readonly onAccepted: (callback: () => void) => () => void
}

/**
 * How many commands may wait in the inbox of a log, unless the store is opened with another number (IN-6).
 */
export const inboxCommandsMaxUnlessSaid = 10_000
