// Handles the commands of one context: check, look up, line up, decide, append; and tells what became of
// them.
import type { CommandId } from '../core/codec/index.ts'
import { PassingMap } from '../core/collections/index.ts'
import { RampartError, type Context, type Runtime } from '../core/index.ts'
import type { EventStore } from '../core/ports/index.ts'
import { BoundedWaits } from './bounded-waits.ts'
import { checkInput, commandsOf, deciderOf, requireCommand, type KnownCommand } from './command-checks.ts'
import { CommandInHand, turnedAway, type EndOfCommand } from './command-in-hand.ts'
import { commandIdOfKey, fingerprintOf, isKeyed, unkeyedFingerprint } from './command-identity.ts'
import type {
  CommandService,
  CommandStatus,
  Feedback,
  FinalCommand,
  SentCommand,
  Transaction,
} from './command-service.ts'
import type { CheckedCommand } from './decide.ts'
import { DecisionRunner } from './decision-runner.ts'
import { DocumentTips, type DocumentFold } from './document-tips.ts'
import { defaultInboxLimits, type InboxLimits } from './inbox-limits.ts'
import { InboxWorker } from './inbox-worker.ts'
import { finalStatusOf, senderOf } from './outcome.ts'
import { OutcomeWatch } from './outcome-watch.ts'
import { isLeftToInbox, keyReused } from './line-faults.ts'
import { overloaded, StreamLines, type LineLimits } from './stream-lines.ts'
import { createTickets } from './tickets.ts'
import { checkTransaction } from './transaction.ts'

/** Bounds of the write side. */
export interface CommandLimits extends LineLimits {
  /** Commands that wait or are in flight in this process. */
  readonly inFlight: number
  readonly inbox: InboxLimits
}

/** 1,000 commands per stream, 20,000 in all, 20 conflicts, outcomes of refused commands for 24 hours. */
export const defaultCommandLimits: CommandLimits = {
  perStream: 1000,
  inFlight: 20_000,
  conflicts: 20,
  outcomeTtlMs: 24 * 60 * 60 * 1000,
  inbox: defaultInboxLimits,
}

/** What a command service stands on. */
export interface CommandServiceOptions {
  readonly context: Context
  readonly store: EventStore
  readonly runtime: Runtime
  readonly limits?: Partial<CommandLimits>
  /** Sees each command as it is taken up. */
  readonly observe?: CommandObserver
  /** Hears why a command that was accepted for later has failed, unless its sender can mend it. */
  readonly reportFault?: (fault: unknown, what: string) => void
  /** The synchronous projections of the log; absent when there are none. */
  readonly documents?: DocumentFold | undefined
}

/** Is told of a command that is being handled, and what it comes to. */
export type CommandObserver = (
  command: Pick<CheckedCommand, 'commandId' | 'type' | 'streamId'> & { readonly decider: string },
  final: Promise<FinalCommand>,
) => void

/** Creates the command service of a context over its log. */
export function createCommandService(options: CommandServiceOptions): CommandService {
  return new LogCommandService(options)
}

class LogCommandService implements CommandService {
  readonly types: readonly string[]
  readonly #store: EventStore
  readonly #runtime: Runtime
  readonly #limits: CommandLimits
  readonly #known: ReadonlyMap<string, KnownCommand>
  readonly #lines: StreamLines
  readonly #decisions: DecisionRunner
  readonly #handling = new PassingMap<CommandId, CommandInHand>()
  readonly #watch: OutcomeWatch
  readonly #worker: InboxWorker
  readonly #waits: BoundedWaits<CheckedCommand, CommandStatus>
  readonly #observe: CommandObserver | undefined
  #isDraining = false
  readonly #stopped = new AbortController()

  constructor(options: CommandServiceOptions) {
    const { context, store, runtime, limits, documents: fold, observe, reportFault = () => {} } = options
    this.#observe = observe
    this.#store = store
    this.#runtime = runtime
    this.#limits = { ...defaultCommandLimits, ...limits }
    this.#known = commandsOf(context)
    this.types = [...this.#known.keys()]
    const documents = fold === undefined ? undefined : new DocumentTips(fold)
    const nextTicket = createTickets(runtime)
    this.#lines = new StreamLines({ context, store, limits: this.#limits, nextTicket, documents })
    this.#decisions = new DecisionRunner({
      store,
      nextTicket,
      documents,
      outcomeTtlMs: this.#limits.outcomeTtlMs,
      conflictsMax: this.#limits.conflicts,
      waitingMax: this.#limits.perStream,
    })
    this.#waits = new BoundedWaits(runtime, {
      // What is not durable when the wait runs out must be before the sender may rely on it.
      late: (command) => this.#accept(command),
      failed: (command, fault) => (isKeyed(command) ? this.#answerBefore(command, fault) : undefined),
    })
    this.#watch = new OutcomeWatch({ runtime, find: (id) => this.#recorded(id) })
    this.#worker = new InboxWorker({
      inbox: store.inbox,
      runtime,
      limits: this.#limits.inbox,
      outcomeTtlMs: this.#limits.outcomeTtlMs,
      handle: (command, onFault) => this.#handleAccepted({ ...command, leavesToInbox: false }, onFault),
      reportFault,
      onBuried: ({ commandId }) => this.#watch.look(commandId),
    })
  }

  start(): void {
    this.#worker.start()
  }

  async drain(): Promise<void> {
    this.#isDraining = true
    this.#waits.cutShort()
    await this.#worker.stop()
    await Promise.allSettled([...this.#handling.values()].map((inHand) => inHand.final()))
    this.#stopped.abort(shuttingDown())
  }

  send(sent: SentCommand, feedback: Feedback): Promise<CommandStatus> {
    try {
      if (this.#isDraining) throw shuttingDown()
      const command = this.#check(sent)
      if (feedback.mode === 'accept') return this.#waits.answered(this.#acceptUnseen(command))
      return this.#waits.within(feedback.waitMs, command, this.#handle(command))
    } catch (fault) {
      return Promise.reject(fault)
    }
  }

  async transact(asked: Transaction): Promise<FinalCommand> {
    if (this.#isDraining) throw shuttingDown()
    const definition = this.#lines.definitionOf(asked.decider)
    const command = checkTransaction(asked, { definition, log: this.#store.log, runtime: this.#runtime })
    const final = this.#handle(command).final()
    return isKeyed(command) ? final.catch((fault: unknown) => this.#answerBefore(command, fault)) : final
  }

  async status(id: CommandId, mayRead: MayRead = everyone): Promise<CommandStatus | undefined> {
    // A stranger's look takes every step that one for an unknown command takes.
    const first = await this.#recorded(id, mayRead)
    if (first !== undefined) return first
    const waiting = (await this.#store.inbox.find(id)) ?? this.#handling.get(id)?.command
    if (waiting !== undefined && mayRead(waiting.actor)) {
      return { status: 'received', commandId: id, streamId: waiting.streamId }
    }
    // It may have left the inbox between the two looks.
    return this.#recorded(id, mayRead)
  }

  async finalStatus(id: CommandId, signal: AbortSignal): Promise<FinalCommand> {
    return this.#watch.final(id, signal)
  }

  #check(sent: SentCommand): CheckedCommand {
    const known = requireCommand(this.#known, sent.type)
    const { key, actor, roles = null } = sent
    const keyed = key !== undefined
    // A runtime makes UUIDs, and stores check them.
    const made = keyed ? commandIdOfKey({ log: this.#store.log, actor, key }) : this.#runtime.uuid()
    const commandId = made as CommandId
    const { streamId, data } = checkInput(sent, known, { runtime: this.#runtime, commandId })
    return {
      commandId,
      fingerprint: keyed
        ? fingerprintOf({ type: sent.type, streamId: sent.streamId, data: sent.data })
        : unkeyedFingerprint,
      type: sent.type,
      streamId,
      data,
      expectedVersion: sent.expectedVersion ?? null,
      actor,
      roles,
      correlationId: sent.correlationId ?? null,
      receivedAtMs: this.#runtime.nowMs(),
      leavesToInbox: keyed,
    }
  }

  /**
   * The final status of a command whose key may have been used before. The append itself answers a known id
   * with its first outcome, so that only a command that comes to no append has to be looked up.
   */
  async #answerBefore({ commandId, fingerprint }: CheckedCommand, fault: unknown): Promise<FinalCommand> {
    if (isLeftToInbox(fault)) return this.#watch.final(commandId, this.#stopped.signal)
    const stored = await this.#store.findOutcome(commandId)
    if (stored === undefined) throw fault
    if (stored.fingerprint !== fingerprint) throw keyReused()
    return finalStatusOf(this.#store.log, stored)
  }

  async #handleAccepted(command: CheckedCommand, onFault: () => void): Promise<FinalCommand> {
    try {
      return await this.#handle(command, onFault).final()
    } catch (fault) {
      // Its sender sent it once more and found it here; that came to nothing, so it is its own turn.
      if (isLeftToInbox(fault)) return this.#handle(command, onFault).final()
      throw fault
    }
  }

  /**
   * Has a command decided and appended, once however often it is asked for at the same time. With `onFault`
   * it keeps its place among the accepted commands of its stream.
   */
  #handle(command: CheckedCommand, onFault?: () => void): CommandInHand {
    const known = this.#handling.get(command.commandId)
    if (known?.command.fingerprint === command.fingerprint) return known
    if (known !== undefined) return turnedAway(command, keyReused())
    if (this.#handling.size >= this.#limits.inFlight)
      return turnedAway(command, overloaded('too many commands are in hand'))
    const inHand = new CommandInHand(command, this.#onEnd)
    this.#handling.set(command.commandId, inHand)
    try {
      this.#enqueue(inHand, onFault)
      this.#observe?.({ ...command, decider: this.#deciderOf(command) }, inHand.final())
    } catch (fault) {
      inHand.reject(fault)
    }
    return inHand
  }

  readonly #onEnd: EndOfCommand = ({ commandId }, status) => {
    this.#handling.delete(commandId)
    if (status !== undefined) this.#watch.settle(status)
  }

  #deciderOf({ inPlace, type }: CheckedCommand): string {
    return inPlace?.decider ?? deciderOf(requireCommand(this.#known, type))
  }

  #enqueue(inHand: CommandInHand, onFault: (() => void) | undefined): void {
    const { command } = inHand
    const known = command.inPlace === undefined ? requireCommand(this.#known, command.type) : undefined
    if (known === undefined || !('decision' in known)) {
      this.#lines.enqueue(this.#deciderOf(command), inHand, onFault)
      return
    }
    this.#decisions.handle(known.decision, command).then(
      (status) => inHand.resolve(status),
      (fault: unknown) => inHand.reject(fault),
    )
  }

  /** Makes a command durable, and tells no more than that: its sender asks for the rest. */
  async #acceptUnseen(command: CheckedCommand): Promise<CommandStatus> {
    const { commandId, streamId } = await this.#accept(command)
    return { status: 'received', commandId, streamId }
  }

  /** Makes a command durable. Answers with its final status when it has one by now. */
  async #accept(command: CheckedCommand): Promise<CommandStatus> {
    const { commandId } = command
    const handled = this.#handling.get(commandId)?.command ?? command
    if (handled.fingerprint !== command.fingerprint) throw keyReused()
    const decider = deciderOf(requireCommand(this.#known, handled.type))
    const result = await this.#store.inbox.accept({ ...handled, decider })
    switch (result.status) {
      case 'accepted':
        return { status: 'received', commandId, streamId: handled.streamId }
      case 'waiting':
        return { status: 'received', commandId, streamId: result.command.streamId }
      case 'repeated':
        return finalStatusOf(this.#store.log, result.outcome)
      case 'reused':
        throw keyReused()
      case 'full':
        throw overloaded('too many accepted commands wait')
    }
  }

  async #recorded(id: CommandId, mayRead: MayRead = everyone): Promise<FinalCommand | undefined> {
    const stored = await this.#store.findOutcome(id)
    if (stored === undefined || !mayRead(senderOf(stored))) return undefined
    return finalStatusOf(this.#store.log, stored)
  }
}

type MayRead = (actor: string | null) => boolean
const everyone: MayRead = () => true

function shuttingDown(): RampartError {
  return new RampartError('SHUTTING_DOWN', 'The server shuts down and takes no more commands. Try again.')
}
