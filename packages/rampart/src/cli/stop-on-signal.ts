// Ends a command at its next step when its process is told to end, so that it can tidy up before.
import { RampartError } from '../core/index.ts'

/** Told to end, a command looks here between two steps. */
export interface Stopping extends Disposable {
  /** Throws `SHUTTING_DOWN` once the process was told to end. */
  readonly check: () => void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** From here on a first signal is left to `check`, and a second one ends the process at once. */
export function stopOnSignal(what: string): Stopping {
  let told: string | undefined
  const listen = (signal: string): void => void (told = signal)
  for (const signal of signals) process.once(signal, listen)
  return {
    check() {
      if (told !== undefined) throw new RampartError('SHUTTING_DOWN', `${told}: ${what}`)
    },
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, listen)
    },
  }
}
