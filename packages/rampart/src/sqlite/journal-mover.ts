// Moves the journal of a store into its file in a thread of its own, while the writer goes on.
import { statSync } from 'node:fs'
import type { Runtime } from '../core/index.ts'
import { movedPagesMin } from './journal.ts'
import { startWorker, type WorkerService } from './worker.ts'

/** Moves the journal of a store file. */
export interface JournalMover {
  /** Hears of each commit, and sees to it that the journal is looked at now and then. */
  readonly note: () => void
  readonly close: () => Promise<void>
}

// A store that never has as much needs no thread.
const journalBytesMin = movedPagesMin * 4096
const lookEveryMs = 20

/** Creates the mover of a store file; its thread starts when there is something to move. */
export function createJournalMover(file: string, runtime: Runtime): JournalMover {
  let worker: Promise<WorkerService<null, null, null>> | undefined
  let lookedAtMs = Number.NEGATIVE_INFINITY
  let isBusy = false
  let isClosed = false
  const look = async (): Promise<void> => {
    const module = new URL('./journal.ts', import.meta.url)
    worker ??= startWorker({ module, name: `The mover of the journal of ${file}`, init: file })
    await (await worker).call(null)
    isBusy = false
  }
  return {
    note() {
      if (isBusy || isClosed || runtime.elapsedMs() - lookedAtMs < lookEveryMs) return
      lookedAtMs = runtime.elapsedMs()
      if (worker === undefined && bytesOf(`${file}-wal`) < journalBytesMin) return
      isBusy = true
      // What fails here stays undone, and no more is tried: the writer does it when the journal is long,
      // finds the same disk, and stops if that cannot be trusted.
      look().catch(() => undefined)
    },
    async close() {
      isClosed = true
      const running = await worker?.catch(() => undefined)
      await running?.close()
    },
  }
}

function bytesOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}
