// Lets senders wait for the outcome of a command: told by this process, or found by looking again now and
// then.
import type { CommandId } from '../core/codec/index.ts'
import { PassingMap } from '../core/collections/index.ts'
import { RampartError, type Runtime } from '../core/index.ts'
import type { FinalCommand } from './command-service.ts'

/** What a watch needs, and its bounds. */
export interface OutcomeWatchOptions {
  readonly runtime: Runtime
  /** Looks the outcome up where it is recorded. */
  readonly find: (id: CommandId) => Promise<FinalCommand | undefined>
  /** How many may wait at once; 10,000 unless said. */
  readonly waitersMax?: number
  /** Milliseconds between two looks, for outcomes that another process records; 1,000 unless said. */
  readonly pollMs?: number
}

interface Waiter {
  readonly resolve: (status: FinalCommand) => void
  readonly reject: (fault: unknown) => void
}

/** Those who wait for outcomes. */
export class OutcomeWatch {
  readonly #options: Required<OutcomeWatchOptions>
  readonly #waiters = new PassingMap<CommandId, Set<Waiter>>()
  #waiting = 0

  constructor(options: OutcomeWatchOptions) {
    this.#options = { waitersMax: 10_000, pollMs: 1000, ...options }
  }

  /** Resolves with the outcome; rejects with the signal's reason, or with `OVERLOADED` when too many wait. */
  async final(id: CommandId, signal: AbortSignal): Promise<FinalCommand> {
    const found = await this.#options.find(id)
    if (found !== undefined) return found
    signal.throwIfAborted()
    if (this.#waiting >= this.#options.waitersMax) {
      throw new RampartError(
        'OVERLOADED',
        'Too many senders wait for outcomes. Ask for the status a little later.',
      )
    }
    this.#waiting++
    try {
      return await this.#wait(id, signal)
    } finally {
      this.#waiting--
    }
  }

  /** Tells an outcome to those who wait for it. */
  settle(status: FinalCommand): void {
    for (const waiter of this.#waiters.get(status.commandId) ?? []) waiter.resolve(status)
  }

  /** Looks an outcome up for those who wait for it. */
  look(id: CommandId): void {
    const waiters = this.#waiters.get(id)
    if (waiters === undefined) return
    this.#options.find(id).then(
      (status) => {
        if (status !== undefined) this.settle(status)
      },
      (fault: unknown) => {
        for (const waiter of waiters) waiter.reject(fault)
      },
    )
  }

  async #wait(id: CommandId, signal: AbortSignal): Promise<FinalCommand> {
    const { runtime, pollMs } = this.#options
    const waiters = this.#waiters.get(id) ?? new Set()
    this.#waiters.set(id, waiters)
    let timer = runtime.setTimer(0, () => {})
    const poll = (): void => {
      this.look(id)
      timer = runtime.setTimer(pollMs, poll)
    }
    const { promise, resolve, reject } = Promise.withResolvers<FinalCommand>()
    const waiter: Waiter = { resolve, reject }
    const onAbort = (): void => reject(signal.reason)
    waiters.add(waiter)
    signal.addEventListener('abort', onAbort, { once: true })
    // Looked up once more now that it is listed, because the outcome may have come in between.
    poll()
    try {
      return await promise
    } finally {
      timer.cancel()
      signal.removeEventListener('abort', onAbort)
      waiters.delete(waiter)
      if (waiters.size === 0) this.#waiters.delete(id)
    }
  }
}
