// Runs a module of this folder in a worker thread, so that a slow disk never stops the caller's event loop.
import { Worker } from 'node:worker_threads'
import { errorCodes, RampartError, type ErrorCode } from '../core/index.ts'
import type { Answer, Call, Fault, Start } from './worker-main.ts'

/** What to run in a worker. */
export interface WorkerOptions<Init> {
  /** `new URL('./file.ts', import.meta.url)` of a module that exports `serve` (see `Serve`). */
  readonly module: URL
  /** What the worker is for, as it stands in messages: `the writer of /data/write.sqlite`. */
  readonly name: string
  /** Handed to `serve`; must survive a structured clone. */
  readonly init: Init
}

/** A service that runs in a worker thread. */
export interface WorkerService<Ready, Request, Reply> {
  readonly ready: Ready
  /**
   * Calls are handled in order, one at a time. Rejects with the fault that the service threw, with
   * `OUTCOME_UNKNOWN` when the worker died before it answered, and with `STORE_UNAVAILABLE` when it is dead.
   */
  readonly call: (request: Request, transfer?: readonly ArrayBuffer[]) => Promise<Reply>
  /** Why the worker takes no more calls; `undefined` while it does. */
  readonly fault: () => string | undefined
  /** Ends the worker after the calls that were made before. */
  readonly close: () => Promise<void>
}

interface Pending {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: Error) => void
}

/** Starts a worker and resolves once its service is open. Rejects with the fault that opening it threw. */
export async function startWorker<Init, Ready, Request, Reply>(
  options: WorkerOptions<Init>,
): Promise<WorkerService<Ready, Request, Reply>> {
  const start: Start = { module: runnable(options.module).href, init: options.init }
  const worker = new Worker(runnable(new URL('./worker-main.ts', import.meta.url)), { workerData: start })
  const calls = createCalls(worker, options.name)
  const ready = await calls.ready
  // An idle worker must not keep a finished program running.
  worker.unref()
  return {
    // The module named by the caller answers with the caller's types.
    ready: ready as Ready,
    call: (request, transfer) => calls.call(request, transfer) as Promise<Reply>,
    fault: calls.fault,
    close: calls.close,
  }
}

// The built package holds the same files as JavaScript.
function runnable(source: URL): URL {
  return import.meta.url.endsWith('.ts') ? source : new URL(source.href.replace(/\.ts$/, '.js'))
}

interface Calls {
  readonly ready: Promise<unknown>
  readonly call: (request: unknown, transfer?: readonly ArrayBuffer[]) => Promise<unknown>
  readonly fault: () => string | undefined
  readonly close: () => Promise<void>
}

// length: the state of the calls is shared by the closures below and by nothing else.
function createCalls(worker: Worker, name: string): Calls {
  const pending = new Map<number, Pending>()
  const ended = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<unknown>()
  let lastNumber = 0
  let isClosing = false
  let deathCause: string | undefined

  const settle = (number: number, act: (call: Pending) => void): void => {
    const call = pending.get(number)
    pending.delete(number)
    if (pending.size === 0 && !isClosing) worker.unref()
    if (call !== undefined) act(call)
  }
  const onAnswer = (answer: Answer): void => {
    if (answer.kind === 'ready') ready.resolve(answer.ready)
    else if (answer.kind === 'unready') ready.reject(revive(answer.fault))
    else if (answer.kind === 'reply') settle(answer.number, (call) => call.resolve(answer.reply))
    else settle(answer.number, (call) => call.reject(revive(answer.fault)))
  }
  const onDeath = (cause: string): void => {
    deathCause ??= cause
    ready.reject(new RampartError('STORE_UNAVAILABLE', `${name} could not start: ${deathCause}`))
    for (const call of pending.values()) call.reject(lostReply(name, deathCause))
    pending.clear()
  }
  worker.on('message', onAnswer)
  worker.on('messageerror', (error) => onDeath(error.message))
  worker.on('error', (error) => onDeath(error instanceof Error ? error.message : String(error)))
  worker.on('exit', (exitCode) => {
    onDeath(isClosing ? 'it was closed' : `its thread ended with exit code ${exitCode}`)
    ended.resolve()
  })
  return {
    ready: ready.promise,
    call: (request, transfer = []) => {
      if (deathCause !== undefined || isClosing) return Promise.reject(deadWorker(name, deathCause))
      const number = ++lastNumber
      const reply = new Promise((resolve, reject) => pending.set(number, { resolve, reject }))
      if (pending.size === 1) worker.ref()
      worker.postMessage({ kind: 'call', number, request } satisfies Call, transfer)
      return reply
    },
    fault: () => (deathCause === undefined ? undefined : `${name} is gone: ${deathCause}`),
    close: () => {
      if (!isClosing) {
        isClosing = true
        worker.ref()
        worker.postMessage({ kind: 'close' } satisfies Call, [])
      }
      return ended.promise
    },
  }
}

function lostReply(name: string, cause: string): RampartError {
  const message = `${name} ended before it answered (${cause}). It may have stored this: retry with the id.`
  return new RampartError('OUTCOME_UNKNOWN', message, { effect: 'unknown' })
}

function deadWorker(name: string, cause = 'it is closing'): RampartError {
  return new RampartError('STORE_UNAVAILABLE', `${name} takes no more work: ${cause}. Open the store again.`)
}

function revive(fault: Fault): Error {
  const code = errorCodes.find((known): known is ErrorCode => known === fault.code)
  if (code === undefined) return new Error(fault.message)
  const effect = fault.effect === 'unknown' ? 'unknown' : 'definite'
  const details = typeof fault.details === 'object' && fault.details !== null ? { ...fault.details } : {}
  return new RampartError(code, fault.message, { effect, details })
}
