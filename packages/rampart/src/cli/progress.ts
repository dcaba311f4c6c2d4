// Shows how far long work has come: a bar with rate and time left on a terminal, a few lines elsewhere.
import type { WriteStream } from 'node:tty'
import { SingleBar } from 'cli-progress'
import { systemRuntime, type Runtime } from '../core/index.ts'

/** What is done, and how much of it there is. */
export interface ProgressOptions {
  /** What the work is: `restore orders`. */
  readonly label: string
  /** How much there is to do; 0 when there is nothing. */
  readonly total: number
  /** What is counted: `events`. `bytes` are shown in megabytes. */
  readonly unit: string
  /** Where it is shown; stderr unless given, so that results can be piped. */
  readonly stream?: Pick<WriteStream, 'write' | 'isTTY'>
  readonly runtime?: Runtime
}

/** The progress of one piece of work. Disposing of it gives the terminal back. */
export interface Progress extends Disposable {
  /** So much is done, of a total that may have moved; cheap enough to be called for every item. */
  readonly advanceTo: (done: number, total?: number) => void
}

/** Least time between two plain lines; work that ends sooner prints none. */
const lineIntervalMs = 5000

/** Shows progress until it is disposed of. */
export function openProgress(options: ProgressOptions): Progress {
  const { stream = process.stderr, runtime = systemRuntime, ...work } = options
  const rate = createRate(runtime)
  return stream.isTTY
    ? openBar({ ...work, stream: stream as WriteStream, rate })
    : openLines({ ...work, stream, rate }, runtime)
}

interface Shown {
  readonly label: string
  readonly total: number
  readonly unit: string
  readonly stream: Pick<WriteStream, 'write'>
  readonly rate: Rate
}

/** Brackets and percentage, and room for the time left, the rate and the counts. */
const besideBar = 66

function openBar({ label, total, unit, stream, rate }: Shown & { readonly stream: WriteStream }): Progress {
  const format = `${label} [{bar}] {percentage}% {told}`
  const barsize = Math.min(24, Math.max(6, (stream.columns ?? 80) - label.length - besideBar))
  // It cuts lines instead of changing the terminal, which a signal could leave in that state.
  const bar = new SingleBar({ format, stream, barsize, linewrap: true })
  let last = total
  bar.start(total, 0, { told: '' })
  return {
    advanceTo(done, target = last) {
      if (target !== last) bar.setTotal((last = target))
      // What a narrow terminal cuts stands last.
      bar.update(done, { told: told({ done, total: target, unit }, rate(done)).toReversed().join(', ') })
    },
    [Symbol.dispose]: () => bar.stop(),
  }
}

function openLines({ label, total, unit, stream, rate }: Shown, runtime: Runtime): Progress {
  let shownAtMs = runtime.elapsedMs()
  let last = total
  return {
    advanceTo(done, target = last) {
      last = target
      const nowMs = runtime.elapsedMs()
      if (nowMs - shownAtMs < lineIntervalMs) return
      shownAtMs = nowMs
      stream.write(`${label}: ${told({ done, total: target, unit }, rate(done)).join(', ')}\n`)
    },
    [Symbol.dispose]() {},
  }
}

interface Place {
  readonly done: number
  readonly total: number
  readonly unit: string
}

/** `812 of 4000 events`, `350 per second`, `9 s left`. */
function told({ done, total, unit }: Place, perSecond: number): readonly string[] {
  const place = `${shown(done, unit)} of ${shown(total, unit)} ${unit === 'bytes' ? 'MB' : unit}`
  if (perSecond <= 0) return [place]
  const left = Math.ceil(Math.max(0, total - done) / perSecond)
  return [place, `${shown(perSecond, unit)} per second`, `${time(left)} left`]
}

function shown(count: number, unit: string): string {
  return unit === 'bytes' ? (count / 1e6).toFixed(1) : String(Math.round(count))
}

function time(seconds: number): string {
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

/** Gives what was done per second of late, from what is done now. */
type Rate = (done: number) => number

/** How far back a rate looks, at least: long enough to be calm, short enough to follow what changes. */
const rateWindowMs = 5000

function createRate(runtime: Runtime): Rate {
  let older = { done: 0, atMs: runtime.elapsedMs() }
  let newer = older
  return (done) => {
    const nowMs = runtime.elapsedMs()
    if (nowMs - newer.atMs >= rateWindowMs) {
      older = newer
      newer = { done, atMs: nowMs }
    }
    const seconds = (nowMs - older.atMs) / 1000
    return seconds > 0 ? (done - older.done) / seconds : 0
  }
}
