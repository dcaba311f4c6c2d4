// Waits of senders for outcomes, each with a bound, and all of them cut short when the process drains.
import type { Runtime } from '../core/index.ts'

/** Waits in progress. */
export class BoundedWaits {
  readonly #runtime: Runtime
  readonly #cutShort = new Set<() => void>()

  constructor(runtime: Runtime) {
    this.#runtime = runtime
  }

  /** What is waited for if it comes in time; `undefined` when the wait runs out. */
  within<T>(waitMs: number, awaited: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const runOut = (): void => {
        this.#cutShort.delete(cutShort)
        resolve(undefined)
      }
      let timer = this.#runtime.setTimer(waitMs, runOut)
      const cutShort = (): void => {
        timer.cancel()
        timer = this.#runtime.setTimer(Math.min(waitMs, drainWaitMs), runOut)
      }
      const end = (): void => {
        timer.cancel()
        this.#cutShort.delete(cutShort)
      }
      this.#cutShort.add(cutShort)
      awaited.then(
        (value) => {
          end()
          resolve(value)
        },
        (fault: unknown) => {
          end()
          reject(fault)
        },
      )
    })
  }

  /** Leaves every wait in progress three seconds at most. */
  cutShort(): void {
    for (const cutShort of this.#cutShort) cutShort()
  }
}

/** How long a wait may go on once the process drains, in milliseconds. */
const drainWaitMs = 3000
