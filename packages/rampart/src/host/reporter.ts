// Writes what goes wrong to stderr, a line of JSON each, or in words on a terminal: of faults of one kind one
// in some seconds, however many requests meet them, with how many there were since the one before.
import pino, { type DestinationStream } from 'pino'
import { isRampartError, type Runtime } from '../core/index.ts'
import { printedFault, type WrittenFault } from './printed-fault.ts'

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
  const isTerminal = destination === undefined && process.stderr.isTTY
  const write = isTerminal ? print : writeLines(destination ?? pino.destination(2))
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
    write({ fault, what, leftOut: before?.leftOut ?? 0 })
  }
}

function print(written: WrittenFault): void {
  process.stderr.write(printedFault(written))
}

function writeLines(destination: DestinationStream): (written: WrittenFault) => void {
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  return ({ fault, what, leftOut }) => {
    const code = isRampartError(fault) ? fault.code : 'INTERNAL'
    log.error({ err: fault, code, ...(leftOut === 0 ? {} : { leftOut }) }, `${what} failed`)
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
