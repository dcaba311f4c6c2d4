// The write side as others see it: send a command, ask for its status, watch for its outcome.
import type { CommandId, Position, StreamVersion } from '../core/codec/index.ts'
import type { Ask, DecidedEvent, Json, refuse, Refusal } from '../core/index.ts'
import type { LogKey, LogPlace } from '../core/ports/index.ts'

/** A command as its sender wrote it, before any check. */
export interface SentCommand {
  readonly type: string
  /** As sent; absent when the sender left it to the server. */
  readonly streamId?: string
  readonly data: unknown
  /** The sender's idempotency key; the server makes a command id of its own when absent. */
  readonly key?: string
  /** Who sends it; null when nobody was authenticated. Command ids are scoped to it. */
  readonly actor: string | null
  /**
   * The roles of who sends it. Absent when this program itself does: then no rule is asked who may.
   */
  readonly roles?: readonly string[]
  /** The version that the stream must have. */
  readonly expectedVersion?: StreamVersion
  readonly correlationId?: string
  /** Where `data` stands in what was sent, as a JSON pointer that faults start from; `/data` unless said. */
  readonly dataPointer?: string
}

/**
 * How the sender wants to hear of the outcome: `wait` for it so many milliseconds, or be told of the
 * acceptance only and use the status, the push of it, or nothing at all (`accept`).
 */
export type Feedback = { readonly mode: 'wait'; readonly waitMs: number } | { readonly mode: 'accept' }

/** What all statuses of a command name. */
interface CommandName {
  readonly commandId: CommandId
  /** The stream's id within its decider. */
  readonly streamId: string
}

/** A command that was accepted durably and has no outcome yet. */
export interface ReceivedCommand extends CommandName {
  readonly status: 'received'
}

/** A command that did what was asked, or found nothing to do. */
export interface SucceededCommand extends CommandName {
  readonly status: 'succeeded'
  /** How many events the stream has after it. */
  readonly version: StreamVersion
  /** The position of its last event; the log's head at that moment when it recorded none. */
  readonly position: Position
  readonly log: LogKey
  /** The same position, so that it can be recognised after a restore. */
  readonly place: LogPlace
}

/** A command that the domain refused. */
export interface RefusedCommand extends CommandName {
  readonly status: 'refused'
  /** One of the codes that the command declares in `refuses`. */
  readonly code: string
  /** A sentence for people. */
  readonly detail: string
  /** What the refusal told programs; absent when nothing. */
  readonly data?: Json
  readonly log: LogKey
  readonly place: LogPlace
}

/**
 * An accepted command that could not be handled: its demanded version did not hold, or its handler kept
 * throwing.
 */
export interface FailedCommand extends CommandName {
  readonly status: 'failed'
  /** The code of the fault. */
  readonly code: string
  readonly detail: string
  /** The version that the stream had; absent where no other was demanded. */
  readonly version?: number
  readonly log: LogKey
  readonly place: LogPlace
}

/** A command that will not change its status any more. */
export type FinalCommand = SucceededCommand | RefusedCommand | FailedCommand

/** The status of a command. */
export type CommandStatus = ReceivedCommand | FinalCommand

/** What a decision made in place is given beside the state; it may refuse with any code. */
export type TransactionAsk = Omit<Ask, 'refuse'> & { readonly refuse: typeof refuse }

/** A decision made in place. It is asked again after a conflict, so it has no effect of its own. */
export type DecideInPlace = (
  state: unknown,
  ask: TransactionAsk,
) => DecidedEvent | readonly DecidedEvent[] | Refusal

/** A decision to be made on one stream. */
export interface Transaction {
  readonly decider: string
  readonly streamId: string
  readonly decide: DecideInPlace
  /** Names the intent within the stream: sent again, it has no second effect and gets the first answer. */
  readonly key?: string
  readonly actor: string | null
  /** The version that the stream must have. */
  readonly expectedVersion?: StreamVersion
}

/** Handles the commands of one bounded context. */
export interface CommandService {
  /** The types of command that it takes. */
  readonly types: readonly string[]
  /**
   * Handles or accepts a command. Throws faults, after which the key is unclaimed: `COMMAND_TYPE_UNKNOWN`,
   * `INPUT_INVALID` (with `details.faults`), `FORBIDDEN`, `VERSION_MISMATCH` (with `details.version`),
   * `IDEMPOTENCY_KEY_REUSED`, `OVERLOADED`, `STREAM_CONTENDED`, `DECIDER_FAILED`, `EVENT_INVALID`,
   * `SHUTTING_DOWN`, those of the store, and `OUTCOME_UNKNOWN`, after which only a retry with the same key
   * tells.
   */
  readonly send: (command: SentCommand, feedback: Feedback) => Promise<CommandStatus>
  /**
   * Loads the state of a stream, has a decision made on it in place and appends what it answers, as often as
   * it takes; the same keys, queue and faults as `send`, but `INPUT_INVALID` for an unknown decider.
   */
  readonly transact: (transaction: Transaction) => Promise<FinalCommand>
  /**
   * The status of a command; `undefined` for ids that are unknown, whose outcome has expired, or whose sender
   * `mayRead` does not let through. Unless given, every status is told.
   */
  readonly status: (
    id: CommandId,
    mayRead?: (actor: string | null) => boolean,
  ) => Promise<CommandStatus | undefined>
  /** Resolves with the final status once there is one; rejects when the signal aborts. */
  readonly finalStatus: (id: CommandId, signal: AbortSignal) => Promise<FinalCommand>
  /** Starts handling accepted commands. */
  readonly start: () => void
  /** Takes no more commands, finishes those in hand, and leaves accepted ones in the inbox. */
  readonly drain: () => Promise<void>
}
