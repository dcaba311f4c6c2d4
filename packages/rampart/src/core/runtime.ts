// The one source of time, timers, ids and randomness. Everything else receives it, so that tests can replace
// it.

/** A timer that has not fired yet. */
export interface Timer {
  /** Stops it; without effect once it has fired. */
  readonly cancel: () => void
}

/** Time, timers, ids and randomness. Nothing else in the platform may ask the machine for any of them. */
export interface Runtime {
  /** Wall-clock time in whole milliseconds since 1970. May jump; never decides an order. */
  readonly nowMs: () => number
  /** Milliseconds that only grow, for durations. */
  readonly elapsedMs: () => number
  /** Calls back once after at least `delayMs`. `keepAlive: false` lets the process end before it fires. */
  readonly setTimer: (
    delayMs: number,
    callback: () => void,
    options?: { readonly keepAlive: boolean },
  ) => Timer
  /** Calls back after everything that is ready now has run. */
  readonly soon: (callback: () => void) => void
  /** A new time-ordered UUID (version 7, RFC 9562); the machine's own sort in the order they are made. */
  readonly uuid: () => string
  /** A number in [0, 1). */
  readonly random: () => number
}

/** The machine's own clock, timers and randomness. */
export const systemRuntime: Runtime = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
  setTimer(delayMs, callback, options) {
    const handle: unknown = setTimeout(callback, Math.min(Math.max(delayMs, 0), timerDelayMsMax))
    if (options?.keepAlive === false && isUnrefable(handle)) handle.unref()
    // The handle came from setTimeout of the same platform two lines above.
    return { cancel: () => clearTimeout(handle as number) }
  },
  soon: createSoon(),
  uuid: () => uuidVersion7(Date.now()),
  random: () => Math.random(),
}

/** Longest delay that platform timers take; longer ones would fire at once. */
const timerDelayMsMax = 2 ** 31 - 1

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(runtime: Runtime, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(toError(signal.reason))
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(toError(signal?.reason))
    }
    const timer = runtime.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}

function isUnrefable(handle: unknown): handle is { unref: () => void } {
  return typeof handle === 'object' && handle !== null && 'unref' in handle
}

interface PlatformTimers {
  readonly setImmediate?: (callback: () => void) => unknown
}

function createSoon(): Runtime['soon'] {
  // Browsers have no setImmediate; a zero timeout is their nearest equal.
  const { setImmediate } = globalThis as PlatformTimers
  if (setImmediate !== undefined) return (callback) => void setImmediate(callback)
  return (callback) => void setTimeout(callback, 0)
}

// Random bytes are drawn for many ids at once: one system call per id would cost more than the id.
const randomPool = new Uint8Array(4000)
const randomBytesOfId = 10
let randomUsed = randomPool.length
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The next random byte. */
function nextByte(): number {
  return randomPool[randomUsed++] ?? 0
}

/** A byte in hexadecimal. */
function hex(byte: number): string {
  return hexOfByte[byte & 0xff] ?? ''
}

// The last id's time and its number within that millisecond. Indexes of ids take them in order for much less
// than in any other: so an id never sorts before one that was made earlier, also when the clock steps back.
let timeMs = -1
let timeDigits = ''
let ordinal = 0
const ordinalMax = 0xfff
// The first number of a millisecond is random, and leaves room for as many as are made in one.
const ordinalBitsRandom = 0x7ff

function startMillisecond(unixMs: number): void {
  const digits = Math.floor(unixMs).toString(16).padStart(12, '0')
  timeDigits = `${digits.slice(0, 8)}-${digits.slice(8)}-`
  timeMs = unixMs
  ordinal = ((nextByte() << 8) | nextByte()) & ordinalBitsRandom
}

/** UUID version 7 (RFC 9562, section 6.2, method 1): 48 bits of milliseconds, 12 of a number, 62 random. */
function uuidVersion7(unixMs: number): string {
  if (randomPool.length - randomUsed < randomBytesOfId) {
    crypto.getRandomValues(randomPool)
    randomUsed = 0
  }
  if (unixMs > timeMs) startMillisecond(unixMs)
  else if (ordinal === ordinalMax) startMillisecond(timeMs + 1)
  else ordinal++
  const number = hex(0x70 | (ordinal >> 8)) + hex(ordinal)
  const variant = hex(0x80 | (nextByte() & 0x3f)) + hex(nextByte())
  const rest = hex(nextByte()) + hex(nextByte()) + hex(nextByte())
  return `${timeDigits}${number}-${variant}-${rest}${hex(nextByte()) + hex(nextByte()) + hex(nextByte())}`
}
