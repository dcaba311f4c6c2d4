// The entry of a worker thread: loads the module that its parent names and answers the parent's calls.
import { parentPort, workerData } from 'node:worker_threads'

/** What a served module exports as `serve`: it opens the service in the worker. */
export type Serve<Init, Ready, Request, Reply> = (init: Init) => Service<Ready, Request, Reply>

/** A service that lives in a worker thread and handles one call at a time. */
export interface Service<Ready, Request, Reply> {
  /** Told to the parent once the service is open. */
  readonly ready: Ready
  readonly handle: (request: Request) => Reply
  readonly close: () => void
}

/** A call from the parent; `close` ends the worker after all calls before it. */
export type Call =
  | { readonly kind: 'call'; readonly number: number; readonly request: unknown }
  | { readonly kind: 'close' }

/** An answer to the parent. */
export type Answer =
  | { readonly kind: 'ready'; readonly ready: unknown }
  | { readonly kind: 'unready'; readonly fault: Fault }
  | { readonly kind: 'reply'; readonly number: number; readonly reply: unknown }
  | { readonly kind: 'fault'; readonly number: number; readonly fault: Fault }

/** An error as it crosses threads, which keep no classes. */
export interface Fault {
  readonly message: string
  readonly code: string | undefined
  readonly effect: unknown
  readonly details: unknown
}

/** What the parent hands to the worker at its start. */
export interface Start {
  readonly module: string
  readonly init: unknown
}

if (parentPort !== null) {
  const port = parentPort
  const answer = (value: Answer): void => port.postMessage(value)
  try {
    const service = await load()
    answer({ kind: 'ready', ready: service.ready })
    port.on('message', (call: Call) => {
      if (call.kind === 'call') return answer(answerTo(service, call))
      service.close()
      port.close()
    })
  } catch (error) {
    answer({ kind: 'unready', fault: describe(error) })
    port.close()
  }
}

async function load(): Promise<Service<unknown, unknown, unknown>> {
  // The parent is this package's own code, and names a module that exports `serve`.
  const start = workerData as Start
  const { serve }: { serve: Serve<unknown, unknown, unknown, unknown> } = await import(start.module)
  return serve(start.init)
}

function answerTo(
  service: Service<unknown, unknown, unknown>,
  { number, request }: Call & { kind: 'call' },
): Answer {
  try {
    return { kind: 'reply', number, reply: service.handle(request) }
  } catch (error) {
    return { kind: 'fault', number, fault: describe(error) }
  }
}

function describe(error: unknown): Fault {
  if (!(error instanceof Error)) {
    return { message: String(error), code: undefined, effect: undefined, details: undefined }
  }
  const fault: Error & { code?: unknown; effect?: unknown; details?: unknown } = error
  const code = error.name === 'RampartError' ? String(fault.code) : undefined
  return { message: error.message, code, effect: fault.effect, details: fault.details }
}
