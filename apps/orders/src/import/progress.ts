// Shows how far an import has come: a bar on a terminal, a plain line now and then elsewhere.
import { SingleBar } from 'cli-progress'
import type { Runtime } from 'rampart'
import { counted, type Tally } from './tally.ts'

/** Where the progress of one import goes; disposing of it gives the terminal back. */
export interface Progress extends Disposable {
  readonly show: (tally: Tally) => void
}

/** Least time between two plain lines. */
const lineIntervalMs = 2_000

/** Progress on a stream, from nothing to `total` invoices. `label` says what is imported. */
export function createProgress(
  stream: NodeJS.WriteStream,
  options: { readonly label: string; readonly total: number; readonly runtime: Runtime },
): Progress {
  return stream.isTTY ? createBar(stream, options) : createLines(stream, options)
}

function createBar(
  stream: NodeJS.WriteStream,
  { label, total, runtime }: { readonly label: string; readonly total: number; readonly runtime: Runtime },
): Progress {
  const format = `${label} [{bar}] {value} of {total} invoices, {rate} per second, {eta_formatted} left`
  // It cuts lines instead of changing the terminal, which a signal could leave in that state.
  const bar = new SingleBar({ format, stream, linewrap: true, etaBuffer: 200 })
  const startedMs = runtime.elapsedMs()
  bar.start(total, 0, { rate: 0 })
  return {
    show(tally) {
      const done = counted(tally)
      const seconds = (runtime.elapsedMs() - startedMs) / 1000
      bar.update(done, { rate: seconds > 0 ? Math.round(done / seconds) : 0 })
    },
    [Symbol.dispose]: () => bar.stop(),
  }
}

function createLines(
  stream: NodeJS.WriteStream,
  { label, total, runtime }: { readonly label: string; readonly total: number; readonly runtime: Runtime },
): Progress {
  let shownAtMs = runtime.elapsedMs()
  stream.write(`${label}: ${total} invoices\n`)
  return {
    show(tally) {
      const nowMs = runtime.elapsedMs()
      const done = counted(tally)
      if (nowMs - shownAtMs < lineIntervalMs && done < total) return
      shownAtMs = nowMs
      stream.write(`${label}: ${done} of ${total} invoices\n`)
    },
    [Symbol.dispose]() {},
  }
}
