// Server-sent events: one bounded set of open streams, each written only as fast as its client reads.
import { RampartError, type Runtime, type Timer } from '../core/index.ts'
import type { Visitor } from './visitor.ts'

/** An event of a stream: its id and JSON data; `event` names kinds other than plain messages. */
export interface StreamEvent {
  readonly id?: string
  readonly event?: string
  readonly data: unknown
}

/** Makes the events of one stream, and ends when its signal aborts. What it yields is emptied. */
export type StreamSource = (signal: AbortSignal) => AsyncGenerator<StreamEvent[]>

/** The open streams of a gateway. */
export interface EventStreams {
  /**
   * Answers with a stream that ends when its visitor's token does. Throws `SERVER_FULL` when too many are
   * open, `SHUTTING_DOWN` while draining.
   */
  readonly open: (source: StreamSource, visitor: Visitor) => Response
  readonly count: () => number
  /** Ends every stream with a hint to reconnect, and opens no more. */
  readonly endAll: () => void
}

/** After this long without an event a comment is sent, so that proxies and clients know the stream lives. */
export const heartbeatMs = 15_000
const retryMs = 2000
const encoder = new TextEncoder()

/** Creates the set of streams; `reportFault` hears why a stream ended that should not have. */
export function createEventStreams(options: {
  readonly runtime: Runtime
  readonly streamsMax: number
  readonly reportFault: (fault: unknown) => void
}): EventStreams {
  const open = new Set<LiveStream>()
  let isDraining = false
  return {
    open(source, { untilMs }) {
      if (isDraining) throw new RampartError('SHUTTING_DOWN', 'The server is shutting down. Try again.')
      if (open.size >= options.streamsMax) {
        const message = `${options.streamsMax} event streams are open, and no more fit. Try again later.`
        throw new RampartError('SERVER_FULL', message)
      }
      const stream: LiveStream = new LiveStream(source, { ...options, untilMs }, () => open.delete(stream))
      open.add(stream)
      return new Response(stream.body, { headers: streamHeaders })
    },
    count: () => open.size,
    endAll() {
      isDraining = true
      for (const stream of open) stream.end()
    },
  }
}

const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
}

/** The bytes of an event. */
export function eventText({ id, event, data }: StreamEvent): string {
  const name = event === undefined ? '' : `event: ${event}\n`
  // Without an id a client keeps the one before, and so takes the stream up from there again.
  const place = id === undefined ? '' : `id: ${id}\n`
  return `${name}${place}data: ${JSON.stringify(data)}\n\n`
}

interface StreamOptions {
  readonly runtime: Runtime
  readonly reportFault: (fault: unknown) => void
  readonly untilMs: number
}

/** One stream. Its body is pulled chunk by chunk, so that a client that reads slowly holds one chunk back. */
class LiveStream {
  readonly body: ReadableStream<Uint8Array>
  readonly #events: AsyncGenerator<StreamEvent[]>
  readonly #options: StreamOptions
  readonly #ending = new AbortController()
  readonly #onEnd: () => void
  #pending: Promise<IteratorResult<StreamEvent[]>> | undefined
  #hasBegun = false

  constructor(source: StreamSource, options: StreamOptions, onEnd: () => void) {
    this.#options = options
    this.#onEnd = onEnd
    this.#events = source(this.#ending.signal)
    this.body = new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.#close() },
      { highWaterMark: 0 },
    )
  }

  end(): void {
    this.#ending.abort(new Error('The stream ends, because the server is shutting down.'))
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (!this.#hasBegun) {
      // The first bytes tell a client at once that the stream is open.
      this.#hasBegun = true
      controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`))
      return
    }
    const text = await this.#next()
    if (text !== undefined) {
      controller.enqueue(encoder.encode(text))
      return
    }
    if (this.#ending.signal.aborted) controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`))
    controller.close()
    this.#close()
  }

  /** The next text to send; `undefined` when the stream is over. */
  async #next(): Promise<string | undefined> {
    try {
      const next = await this.#nextOrHeartbeat()
      // Asked after every wait, which a heartbeat ends: nothing is sent on a token that has run out.
      if (this.#options.runtime.nowMs() >= this.#options.untilMs) return undefined
      if (next === undefined) return ': still here\n\n'
      if (next.done === true) return undefined
      // A generator holds what it yielded last for as long as it waits, and most streams wait.
      return next.value.splice(0).map(eventText).join('')
    } catch (fault) {
      if (!this.#ending.signal.aborted) this.#options.reportFault(fault)
      return undefined
    }
  }

  async #nextOrHeartbeat(): Promise<IteratorResult<StreamEvent[]> | undefined> {
    let timer: Timer | undefined
    const heartbeat = new Promise<undefined>((resolve) => {
      timer = this.#options.runtime.setTimer(heartbeatMs, () => resolve(undefined), { keepAlive: false })
    })
    this.#pending ??= this.#events.next()
    try {
      const next = await Promise.race([this.#pending, heartbeat])
      if (next !== undefined) this.#pending = undefined
      return next
    } finally {
      timer?.cancel()
    }
  }

  #close(): void {
    this.#ending.abort(new Error('The stream is over.'))
    this.#onEnd()
    // A wait that was cut short rejects after its last reader has gone.
    this.#pending?.catch(() => undefined)
  }
}
