// Handles accepted commands: claims them from the inbox, has them handled in order, retries, and gives up in
// the end.
//
// A claim counts as an attempt before the command is handed out, so that one that ends its process counts,
// too; a claim that came to no attempt is taken back when the command is given back. What was lost so often
// that it may end the process is handled with nothing else in hand, so that no other is blamed for it.
import type { CommandId } from '../core/codec/index.ts'
import { isRampartError, type Runtime } from '../core/index.ts'
import type { CommandInbox, InboxCommand } from '../core/ports/index.ts'
import { HeldStreams } from './held-streams.ts'
import {
  causeOf,
  concernsOperators,
  failingOf,
  isStoreTrouble,
  kindOf,
  type FaultKind,
} from './inbox-faults.ts'
import type { InboxLimits } from './inbox-limits.ts'
import { failedOutcome, type Failing } from './outcome.ts'
import { RetryDelays } from './retry-delays.ts'

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

/** A command in hand. */
interface InHand {
  readonly command: InboxCommand
  /** How often it was claimed for that: again whenever its lease ran out meanwhile. */
  claims: number
  /** Whether it is just being given back. */
  isLeaving: boolean
  /** The command as it was claimed once more before the answer came that it is back. */
  next: InboxCommand | undefined
}

/** Works through the inbox of one log until it is stopped. */
export class InboxWorker {
  readonly #tools: InboxTools
  readonly #owner: string
  readonly #handling = new Set<Promise<void>>()
  readonly #inHand = new Map<CommandId, InHand>()
  #bytesInHand = 0
  /** Whether one command is claimed at a time, and handled alone. */
  #isOneByOne = false
  readonly #delays: RetryDelays
  /** Streams of failing commands that are not back in the inbox yet. */
  readonly #held = new HeldStreams()
  #running: Promise<void> | undefined
  #stopping = false
  #wake: () => void = () => {}

  constructor(tools: InboxTools) {
    this.#tools = tools
    this.#owner = tools.runtime.uuid()
    this.#delays = new RetryDelays(tools.runtime, tools.limits)
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
    while (this.#handling.size > 0) await Promise.allSettled(this.#handling)
  }

  async #run(): Promise<void> {
    const { inbox } = this.#tools
    const unsubscribe = inbox.onAccepted(() => this.#wake())
    while (!this.#stopping) {
      const idle = this.#nextHint()
      const claimed = await this.#claim()
      this.#takeAll(claimed)
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
    const limit = (this.#isOneByOne ? 1 : limits.inHand) - this.#handling.size
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

  #takeAll(claimed: readonly InboxCommand[]): void {
    const taken = claimed.filter((command) => !this.#isClaimedAgain(command))
    if (taken.length === 0) return
    const isAlone = taken.length === 1 && this.#handling.size === 0
    this.#isOneByOne = taken.some((command) => this.#isSuspect(command))
    for (const command of taken) this.#take(command, isAlone)
  }

  #isClaimedAgain(command: InboxCommand): boolean {
    const known = this.#inHand.get(command.commandId)
    if (known === undefined) return false
    if (known.isLeaving) known.next = command
    else known.claims++
    return true
  }

  /** Attempts that failed end at the bound; with more, a command was lost with its process. */
  #isSuspect({ attempts }: InboxCommand): boolean {
    return attempts > this.#tools.limits.attemptsMax
  }

  #take(command: InboxCommand, isAlone: boolean): void {
    const inHand: InHand = { command, claims: 1, isLeaving: false, next: undefined }
    const bytes = JSON.stringify(command.data).length
    this.#inHand.set(command.commandId, inHand)
    this.#bytesInHand += bytes
    const handled = this.#deal(inHand, isAlone).finally(() => {
      this.#handling.delete(handled)
      this.#inHand.delete(command.commandId)
      this.#bytesInHand -= bytes
      if (inHand.next !== undefined) this.#take(inHand.next, false)
      this.#wake()
    })
    this.#handling.add(handled)
  }

  async #deal(inHand: InHand, isAlone: boolean): Promise<void> {
    const { command } = inHand
    if (this.#held.has(command)) return this.#giveBack(inHand, 'deferred')
    if (isAlone || !this.#isSuspect(command)) return this.#handle(inHand)
    const unhold = this.#held.hold(command)
    await this.#giveBack(inHand, 'deferred')
    unhold()
  }

  async #handle(inHand: InHand): Promise<void> {
    const { command } = inHand
    const { limits, handle } = this.#tools
    if (command.attempts > limits.claimsMax) {
      const detail = 'The process ended whenever this command was handled.'
      await this.#bury(command, { code: 'HANDLING_NEVER_ENDED', detail })
      return
    }
    let unhold: (() => void) | undefined
    const onFault = (): void => {
      unhold ??= this.#held.hold(command)
    }
    try {
      await handle(command, onFault)
    } catch (fault) {
      onFault()
      await this.#afterFault(inHand, fault)
      unhold?.()
    }
  }

  async #afterFault(inHand: InHand, fault: unknown): Promise<void> {
    const { command } = inHand
    const kind = kindOf(fault)
    if (kind === 'failure') this.#report(command, fault)
    const isLast = kind === 'failure' && command.attempts >= this.#tools.limits.attemptsMax
    if (kind === 'answer' || isLast) await this.#bury(command, failingOf(fault))
    else await this.#giveBack(inHand, kind, causeOf(fault))
  }

  #report({ commandId, type, attempts }: InboxCommand, fault: unknown): void {
    const { reportFault, limits } = this.#tools
    reportFault(fault, `${type} ${commandId}, attempt ${attempts} of ${limits.attemptsMax}`)
  }

  async #giveBack(inHand: InHand, kind: FaultKind, cause?: string): Promise<void> {
    const { inbox, runtime } = this.#tools
    const { commandId, attempts } = inHand.command
    const delayMs = this.#delays.delayMs(kind, attempts)
    await this.#persist(async () => {
      const untried = inHand.claims - (kind === 'failure' ? 1 : 0)
      const terms = { owner: this.#owner, untried, ...(cause === undefined ? {} : { cause }) }
      inHand.isLeaving = true
      await inbox.release([commandId], runtime.nowMs() + delayMs, terms).catch((fault: unknown) => {
        inHand.isLeaving = false
        throw fault
      })
    })
  }

  async #bury(command: InboxCommand, failing: Failing): Promise<void> {
    const { inbox, runtime, outcomeTtlMs, onBuried } = this.#tools
    const burial = {
      commandId: command.commandId,
      cause: failing.detail,
      outcome: failedOutcome(command, failing),
      deadLetter: concernsOperators(failing),
    }
    const isBuried = await this.#persist(() =>
      inbox.bury({ ...burial, expiresAtMs: runtime.nowMs() + outcomeTtlMs }),
    )
    if (isBuried) onBuried(command)
  }

  /**
   * Changes the inbox, again and again while the store is in trouble: a claim that nobody ends counts as an
   * attempt. Says whether it came to that; otherwise the command stays claimed until its lease runs out.
   */
  async #persist(change: () => Promise<void>): Promise<boolean> {
    const { runtime, limits } = this.#tools
    for (;;) {
      try {
        await change()
        return true
      } catch (fault) {
        if (!isRampartError(fault)) throw fault
        const isLasting = !isStoreTrouble(fault) || isRampartError(fault, 'STORE_CLOSED')
        if (isLasting || this.#stopping) return false
      }
      await new Promise<void>((resolve) => {
        runtime.setTimer(limits.pollMs, resolve, { keepAlive: false })
      })
    }
  }
}
