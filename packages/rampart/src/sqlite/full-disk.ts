// Tells whether the disk of a store is full: from the batch that it had no room for until a small write of
// its own succeeds again.
import { isRampartError, type Runtime, type Timer } from '../core/index.ts'
import { isFailure, type BatchReply } from '../core/group-commit/index.ts'

/** The watch over the room of one store. */
export interface FullDisk {
  /** Why nothing can be stored; `undefined` while there is room. */
  readonly fault: () => string | undefined
  /** Looks at what became of a batch. */
  readonly note: (results: BatchReply['results']) => void
  readonly close: () => void
}

const probeEveryMs = 1000

/**
 * Starts the watch. A batch that only looks something up succeeds on a full disk too, so that nothing but
 * `probe` shows that there is room: it writes a page, and rejects with `STORE_FULL` while it cannot.
 */
export function watchFullDisk(runtime: Runtime, probe: () => Promise<unknown>): FullDisk {
  let fault: string | undefined
  let timer: Timer | undefined
  const probeLater = (): void => {
    timer ??= runtime.setTimer(probeEveryMs, look, { keepAlive: false })
  }
  const look = (): void => {
    timer = undefined
    probe().then(
      () => void (fault = undefined),
      (error: unknown) => {
        // What stops the store for good is told by the store.
        if (isRampartError(error, 'STORE_FULL') || isRampartError(error, 'OVERLOADED')) probeLater()
        else fault = undefined
      },
    )
  }
  return {
    fault: () => fault,
    note(results) {
      const full = results.find((result) => isFailure(result) && result.failed.code === 'STORE_FULL')
      if (full === undefined || !isFailure(full)) return
      fault = full.failed.message
      probeLater()
    },
    close: () => timer?.cancel(),
  }
}
