// Turns of decisions in this process: those that stand on the same events go one after the other.
import { PassingMap } from '../core/collections/index.ts'
import { RampartError } from '../core/index.ts'

/** A place among the decisions that stand on the same events. */
export interface Turn {
  /** Resolves once every earlier turn with one of its keys has ended. */
  readonly begun: Promise<unknown>
  /** Lets the next one begin; without effect from the second call on. */
  readonly end: () => void
}

interface Queue {
  readonly last: Promise<void>
  readonly length: number
}

/**
 * Hands out turns by key. They spare decisions of this process to fail each other; the conditions of their
 * appends decide, for those of other processes too. Turns begin in the order in which they were taken, so
 * that none waits for a later one.
 */
export class DecisionTurns {
  readonly #queues = new PassingMap<string, Queue>()
  readonly #perKeyMax: number

  constructor(perKeyMax: number) {
    this.#perKeyMax = perKeyMax
  }

  /** Takes a turn. Throws `OVERLOADED` when too many wait for one of its keys. */
  take(keys: readonly string[]): Turn {
    const distinct = [...new Set(keys)]
    const ahead = distinct.flatMap((key) => this.#queues.get(key) ?? [])
    if (ahead.some(({ length }) => length >= this.#perKeyMax)) {
      const message = 'The command was not taken: too many wait for the same events. Try again in a moment.'
      throw new RampartError('OVERLOADED', message)
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const key of distinct) this.#join(key, promise)
    let isOver = false
    const end = (): void => {
      if (isOver) return
      isOver = true
      for (const key of distinct) this.#leave(key)
      resolve()
    }
    return { begun: Promise.all(ahead.map(({ last }) => last)), end }
  }

  #join(key: string, last: Promise<void>): void {
    this.#queues.set(key, { last, length: (this.#queues.get(key)?.length ?? 0) + 1 })
  }

  #leave(key: string): void {
    const queue = this.#queues.get(key)
    if (queue === undefined) return
    if (queue.length === 1) this.#queues.delete(key)
    else this.#queues.set(key, { ...queue, length: queue.length - 1 })
  }
}
