// Writes what goes wrong to stderr, a line of JSON each: of faults of one kind one in some seconds, however
// many requests meet them, with how many there were since the line before.
import pino, { type DestinationStream } from 'pino'
import { isRampartError, type Runtime } from '../core/index.ts'

/** Hears what goes wrong, and where. */
export type ReportFault = (fault: unknown, what: string) => void

const everyMs = 5000
// Kinds that are remembered; further ones are written each time.
const kindsMax = 1000

interface Written {
  readonly atMs: number
  /** How many were left out since. */
  leftOut: number
}

/** Makes the reporter of a process; `destination` is stderr unless given. */
export function createReporter(runtime: Runtime, destination?: DestinationStream): ReportFault {
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime }
  const log = pino(options, destination ?? pino.destination(2))
  const written = new Map<string, Written>()
  return (fault, what) => {
    const kind = kindOf(fault)
    const nowMs = runtime.elapsedMs()
    const before = written.get(kind)
    if (before !== undefined && nowMs - before.atMs < everyMs) {
      before.leftOut += 1
      return
    }
    if (written.size >= kindsMax) forgetOld(written, nowMs)
    if (before !== undefined || written.size < kindsMax) written.set(kind, { atMs: nowMs, leftOut: 0 })
    const code = isRampartError(fault) ? fault.code : 'INTERNAL'
    const alike = before === undefined || before.leftOut === 0 ? {} : { leftOut: before.leftOut }
    log.error({ err: fault, code, ...alike }, `${what} failed`)
  }
}

function forgetOld(written: Map<string, Written>, nowMs: number): void {
  for (const [kind, { atMs }] of written) if (nowMs - atMs >= everyMs) written.delete(kind)
}

const waits = /\d+(?= ms\b)/g

// Whoever waited for an answer says how long. Other people's errors say the same of many things.
function kindOf(fault: unknown): string {
  if (isRampartError(fault)) return `${fault.code} ${fault.message.replaceAll(waits, 'some')}`
  return fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
}
