// Handles accepted commands: claims them from the inbox, has them handled in order, retries, and gives up in
// the end.
import { isRampartError, type ErrorCode, type Runtime } from '../core/index.ts'
import type { CommandInbox, InboxCommand } from '../core/ports/index.ts'
import { failedOutcome, type Failing } from './outcome.ts'
import { isDeferred } from './line-faults.ts'

/** Bounds of the inbox worker. Times in milliseconds. */
export interface InboxLimits {
  /** How many commands are in hand at once. */
  readonly inHand: number
  /** How many bytes of data they may have together; one command is always taken. */
  readonly inHandBytes: number
  /** Failures of a command's own after which it is given up. */
  readonly attemptsMax: number
  /** Claims after which a command is given up untried, because handling it seems to end the process. */
  readonly claimsMax: number
  readonly leaseMs: number
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  /** How long to wait for a hint before looking again. */
  readonly pollMs: number
}

/** 512 commands of 4 MiB in hand, 5 attempts, retries after 0.2 s doubling up to 10 s. */
export const defaultInboxLimits: InboxLimits = {
  inHand: 512,
  inHandBytes: 4 * 1024 * 1024,
  attemptsMax: 5,
  claimsMax: 25,
  leaseMs: 30_000,
  retryFirstMs: 200,
  retryMaxMs: 10_000,
  pollMs: 1000,
}

/** What the worker needs: where commands wait, and who handles one. */
export interface InboxTools {
  readonly inbox: CommandInbox
  readonly runtime: Runtime
  readonly limits: InboxLimits
  readonly outcomeTtlMs: number
  /**
   * Handles a claimed command; its outcome is recorded when this resolves. Calls `onFault` the moment it
   * fails, before another command of the stream can be decided.
   */
  readonly handle: (command: InboxCommand, onFault: () => void) => Promise<unknown>
  /** Hears what fails here and only an operator can mend; its sender hears that it failed. */
  readonly reportFault: (fault: unknown, what: string) => void
  /** Tells that a command has a final status although `handle` failed. */
  readonly onBuried: (command: InboxCommand) => void
}

function streamNameOf({ decider, streamId }: InboxCommand): string {
  return `${decider}/${streamId}`
}

/** Answers, not failures to be tried again: a demanded version that does not hold, for one. */
const answers: readonly ErrorCode[] = [
  'COMMAND_TYPE_UNKNOWN',
  'FORBIDDEN',
  'IDEMPOTENCY_KEY_REUSED',
  'VERSION_MISMATCH',
]
/** What its sender has to know, and no operator has to mend. */
const senderFaults: readonly string[] = ['FORBIDDEN', 'VERSION_MISMATCH'] satisfies readonly ErrorCode[]
/** The store's own trouble says nothing about the command, so it is never given up for that. */
const storeFaults: readonly ErrorCode[] = [
  'OUTCOME_UNKNOWN',
  'OVERLOADED',
  'STORE_CLOSED',
  'STORE_FULL',
  'STORE_UNAVAILABLE',
  'STREAM_CONTENDED',
]

/** Works through the inbox of one log until it is stopped. */
export class InboxWorker {
  readonly #tools: InboxTools
  readonly #owner: string
  readonly #inHand = new Set<Promise<void>>()
  #bytesInHand = 0
  /** Streams whose failing command is not back in the inbox yet, with how many of them there are. */
  readonly #held = new Map<string, number>()
  #running: Promise<void> | undefined
  #stopping = false
  #wake: () => void = () => {}

  constructor(tools: InboxTools) {
    this.#tools = tools
    this.#owner = tools.runtime.uuid()
  }

  /** Starts working; without effect when it works already. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Claims nothing more and waits for what is in hand. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#wake()
    await this.#running
    await Promise.allSettled(this.#inHand)
  }

  async #run(): Promise<void> {
    const { inbox } = this.#tools
    const unsubscribe = inbox.onAccepted(() => this.#wake())
    while (!this.#stopping) {
      const idle = this.#nextHint()
      const claimed = await this.#claim()
      for (const command of claimed) this.#take(command)
      if (claimed.length === 0) await idle
    }
    unsubscribe()
  }

  /**
   * Resolves at the next hint: a command was accepted or left, the worker stops, or the poll interval is
   * over.
   */
  #nextHint(): Promise<void> {
    return new Promise((resolve) => {
      const { runtime, limits } = this.#tools
      const timer = runtime.setTimer(limits.pollMs, resolve, { keepAlive: false })
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  async #claim(): Promise<readonly InboxCommand[]> {
    const { inbox, limits } = this.#tools
    const limit = limits.inHand - this.#inHand.size
    const bytesMax = limits.inHandBytes - this.#bytesInHand
    if (limit <= 0 || bytesMax <= 0) return []
    try {
      const { nextDueMs } = await inbox.depth()
      if (nextDueMs === null) return []
      const nowMs = this.#timeFor(nextDueMs)
      if (nextDueMs > nowMs) {
        this.#wakeIn(nextDueMs - nowMs)
        return []
      }
      return await inbox.claim({ owner: this.#owner, limit, bytesMax, nowMs, leaseMs: limits.leaseMs })
    } catch (fault) {
      // The store is in trouble; what waits in it is claimed once it is back.
      if (isRampartError(fault)) return []
      throw fault
    }
  }

  #wakeIn(delayMs: number): void {
    const { runtime, limits } = this.#tools
    // Whatever comes later is seen by the poll before it.
    if (delayMs < limits.pollMs) runtime.setTimer(delayMs, () => this.#wake(), { keepAlive: false })
  }

  /** The time, and no less than it was: a clock that was set back must not put off what is due. */
  #timeFor(nextDueMs: number): number {
    const { runtime, limits } = this.#tools
    const nowMs = runtime.nowMs()
    // Nothing is further off, not even the lease of another writer whose clock is somewhat ahead.
    const furthestMs = Math.max(2 * limits.leaseMs, limits.retryMaxMs)
    return nextDueMs - nowMs > furthestMs ? nextDueMs : nowMs
  }

  #take(command: InboxCommand): void {
    const isHeld = this.#held.has(streamNameOf(command))
    const bytes = JSON.stringify(command.data).length
    this.#bytesInHand += bytes
    const handled = (isHeld ? this.#release(command) : this.#handle(command)).finally(() => {
      this.#inHand.delete(handled)
      this.#bytesInHand -= bytes
      this.#wake()
    })
    this.#inHand.add(handled)
  }

  async #handle(command: InboxCommand): Promise<void> {
    const { limits, handle } = this.#tools
    if (command.attempts > limits.claimsMax) {
      const detail = 'The process ended whenever this command was handled.'
      await this.#bury(command, { code: 'HANDLING_NEVER_ENDED', detail })
      return
    }
    let unhold: (() => void) | undefined
    const onFault = (): void => {
      unhold ??= this.#hold(streamNameOf(command))
    }
    try {
      await handle(command, onFault)
    } catch (fault) {
      onFault()
      await this.#afterFault(command, fault)
      unhold?.()
    }
  }

  /**
   * Sends commands of a stream that are claimed from now on back behind the failing one, until that is back
   * in the inbox itself: none may overtake it. Returns what ends this.
   */
  #hold(stream: string): () => void {
    this.#held.set(stream, (this.#held.get(stream) ?? 0) + 1)
    return () => {
      const left = (this.#held.get(stream) ?? 0) - 1
      if (left > 0) this.#held.set(stream, left)
      else this.#held.delete(stream)
    }
  }

  async #afterFault(command: InboxCommand, fault: unknown): Promise<void> {
    const { limits } = this.#tools
    const code = isRampartError(fault) ? fault.code : 'INTERNAL'
    const ownFault = !isDeferred(fault) && !storeFaults.includes(code)
    if (ownFault && !answers.includes(code)) this.#report(command, fault)
    if (answers.includes(code) || (ownFault && command.attempts >= limits.attemptsMax)) {
      await this.#bury(command, { code, detail: causeOf(fault), ...versionIn(fault) })
    } else {
      await this.#release(command, causeOf(fault))
    }
  }

  #report({ commandId, type, attempts }: InboxCommand, fault: unknown): void {
    const { reportFault, limits } = this.#tools
    reportFault(fault, `${type} ${commandId}, attempt ${attempts} of ${limits.attemptsMax}`)
  }

  async #release({ commandId, attempts }: InboxCommand, cause?: string): Promise<void> {
    const { inbox, runtime, limits } = this.#tools
    const delayMs = Math.min(limits.retryFirstMs * 2 ** Math.min(attempts - 1, 20), limits.retryMaxMs)
    // A release that fails is made good by the lease, which runs out.
    await inbox.release([commandId], runtime.nowMs() + delayMs, cause).catch(ignoreStoreFault)
  }

  async #bury(command: InboxCommand, failing: Failing): Promise<void> {
    const { inbox, runtime, outcomeTtlMs, onBuried } = this.#tools
    const { commandId } = command
    const buried = inbox.bury({
      commandId,
      cause: failing.detail,
      outcome: failedOutcome(command, failing),
      expiresAtMs: runtime.nowMs() + outcomeTtlMs,
      deadLetter: !senderFaults.includes(failing.code),
    })
    await buried.then(() => onBuried(command)).catch(ignoreStoreFault)
  }
}

/**
 * A command that could be neither released nor buried stays claimed until its lease runs out, and is tried
 * again.
 */
function ignoreStoreFault(fault: unknown): void {
  if (!isRampartError(fault)) throw fault
}

/** The version that a stream has where another one was demanded. */
function versionIn(fault: unknown): Pick<Failing, 'version'> {
  const version = isRampartError(fault, 'VERSION_MISMATCH') ? fault.details['version'] : undefined
  return typeof version === 'number' ? { version } : {}
}

/** The fault in words, with the causes behind it; bounded, because it is stored. */
function causeOf(fault: unknown): string {
  const texts: string[] = []
  for (let each: unknown = fault; each instanceof Error && texts.length < 5; each = each.cause)
    texts.push(each.message)
  return (texts.length === 0 ? String(fault) : texts.join(' Cause: ')).toWellFormed().slice(0, 4000)
}
