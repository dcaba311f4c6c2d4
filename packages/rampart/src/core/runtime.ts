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
  /** A new time-ordered UUID (version 7, RFC 9562). */
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

/** The next random byte in hexadecimal; `keep` and `set` are the bits of it that stay and that are set. */
function nextHex(keep = 0xff, set = 0): string {
  return hexOfByte[((randomPool[randomUsed++] ?? 0) & keep) | set] ?? ''
}

let timeMs = Number.NaN
let timeDigits = ''

/** The time as an id begins with it. Ids of one millisecond share it, so the last answer is kept. */
function digitsOf(unixMs: number): string {
  if (unixMs !== timeMs) {
    const digits = Math.floor(unixMs).toString(16).padStart(12, '0')
    timeDigits = `${digits.slice(0, 8)}-${digits.slice(8)}-`
    timeMs = unixMs
  }
  return timeDigits
}

/** UUID version 7 (RFC 9562 section 5.7): 48 bits of milliseconds, 74 random bits. */
function uuidVersion7(unixMs: number): string {
  if (randomPool.length - randomUsed < randomBytesOfId) {
    crypto.getRandomValues(randomPool)
    randomUsed = 0
  }
  const [version, variant] = [nextHex(0x0f, 0x70) + nextHex(), nextHex(0x3f, 0x80) + nextHex()]
  const rest = nextHex() + nextHex() + nextHex() + nextHex() + nextHex() + nextHex()
  return `${digitsOf(unixMs)}${version}-${variant}-${rest}`
}
