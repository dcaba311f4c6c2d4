// Readers that wait for a read model to move: a bounded number, each woken by what may concern it.
import type { Position } from '../core/codec/index.ts'
import { PassingMap } from '../core/collections/index.ts'
import { RampartError, type Runtime } from '../core/index.ts'

/** How a read model moved. */
export interface Move {
  /** The place that it now contains; `undefined` when every waiter shall look again. */
  readonly reached: Position | undefined
  /** Keys of the documents that changed. */
  readonly keys: { readonly has: (key: string) => boolean }
}

/** What a reader waits for; either wakes it. */
export interface Need {
  /** How often the read model had moved when the reader looked last. */
  readonly moves: number
  readonly position?: Position
  readonly key?: string
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/** The waiting readers of one read model. */
export interface Waiters {
  /**
   * How often it has moved so far. Take it before looking, and hand it to `wait`: no move between is
   * missed.
   */
  readonly moves: () => number
  /** Wakes those whom a move may concern. */
  readonly wake: (move: Move) => void
  /**
   * Resolves when it is worth to look again, at the latest after `waitMs`. Rejects with the signal's reason
   * when it aborts, and with `OVERLOADED` when too many wait.
   */
  readonly wait: (need: Need) => Promise<void>
}

interface Waiting {
  readonly need: Need
  readonly wake: () => void
}

/** Makes the waiters of one read model. */
export function createWaiters(runtime: Runtime, countMax: number): Waiters {
  const waiting = new PassingMap<Waiting, Waiting>()
  let moves = 0
  return {
    moves: () => moves,
    wake(move) {
      moves += 1
      for (const one of waiting.values()) if (concerns(move, one.need)) one.wake()
    },
    async wait(need) {
      need.signal?.throwIfAborted()
      if (need.moves !== moves) return
      if (waiting.size >= countMax) throw tooManyWaiting(countMax)
      await waitFor(need, { runtime, waiting })
    },
  }
}

interface Room {
  readonly runtime: Runtime
  readonly waiting: PassingMap<Waiting, Waiting>
}

function waitFor(need: Need, { runtime, waiting }: Room): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      timer.cancel()
      waiting.delete(one)
      need.signal?.removeEventListener('abort', onAbort)
    }
    const wake = (): void => {
      leave()
      resolve()
    }
    const onAbort = (): void => {
      leave()
      const reason: unknown = need.signal?.reason
      reject(reason instanceof Error ? reason : new Error(String(reason)))
    }
    const one: Waiting = { need, wake }
    const timer = runtime.setTimer(need.waitMs, wake)
    waiting.set(one, one)
    need.signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function concerns({ reached, keys }: Move, need: Need): boolean {
  if (reached === undefined) return true
  if (need.position !== undefined && reached >= need.position) return true
  return need.key !== undefined && keys.has(need.key)
}

function tooManyWaiting(countMax: number): RampartError {
  const message = `${countMax} readers wait for this read model already. Try again in a moment.`
  return new RampartError('OVERLOADED', message)
}
