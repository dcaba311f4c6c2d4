// Bounds what waits in memory for clients to read it, over all connections of a server.
//
// Whoever reads nothing holds its answers back. The system's own buffers take the first of it; the rest is
// counted here, answer by answer. Above the bound the connections go first that have kept their bytes waiting
// longest, and whoever reads too slowly goes in any case. A client that was cut off while it read a stream
// takes it up again by its `Last-Event-ID`, after the delay that its stream began with.
import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Runtime, Timer } from '../core/index.ts'

/** The unsent bytes of a server's answers. */
export interface UnsentBytes {
  /** Answers of this kind are counted whenever a write leaves something unsent. */
  readonly Answer: typeof ServerResponse<IncomingMessage>
  /** Counts an answer anew, after all of it was written. */
  readonly note: (outgoing: ServerResponse) => void
}

/** Bounds of unsent bytes. */
export interface UnsentLimits {
  /** Bytes of all answers together. */
  readonly bytesMax: number
  /** How long what was written at one time may wait; large answers get longer, by a slow line's measure. */
  readonly unreadMs: number
}

interface Waiting {
  readonly bytes: number
  readonly timer: Timer
  /** Takes back what listens to the answer. */
  readonly unlisten: () => void
}

/** What the slowest line that is served takes: 64 KiB a second. */
const bytesPerMs = 64

/** Counts nothing yet. */
export function createUnsentBytes(runtime: Runtime, { bytesMax, unreadMs }: UnsentLimits): UnsentBytes {
  // A map keeps its order of insertion: whoever waits longest stands first.
  const waiting = new Map<ServerResponse, Waiting>()
  let total = 0
  const forget = (outgoing: ServerResponse): void => {
    const known = waiting.get(outgoing)
    if (known === undefined) return
    known.timer.cancel()
    known.unlisten()
    total -= known.bytes
    waiting.delete(outgoing)
  }
  const cut = (outgoing: ServerResponse): void => {
    forget(outgoing)
    outgoing.req.socket.destroy()
  }
  const begin = (outgoing: ServerResponse, bytes: number): Waiting => {
    const waitMs = Math.max(unreadMs, bytes / bytesPerMs)
    const timer = runtime.setTimer(waitMs, () => cut(outgoing), { keepAlive: false })
    return { bytes, timer, unlisten: listen(outgoing, { note, forget }) }
  }
  const note = (outgoing: ServerResponse): void => {
    const bytes = outgoing.req.socket.destroyed ? 0 : outgoing.writableLength
    const known = waiting.get(outgoing)
    if (bytes === 0) return forget(outgoing)
    total += bytes - (known?.bytes ?? 0)
    waiting.set(outgoing, known === undefined ? begin(outgoing, bytes) : { ...known, bytes })
    for (const [oldest] of waiting) {
      if (total <= bytesMax) return
      cut(oldest)
    }
  }
  return { note, Answer: answersThat(note) }
}

type OnAnswer = (outgoing: ServerResponse) => void

function listen(
  outgoing: ServerResponse,
  { note, forget }: { readonly note: OnAnswer; readonly forget: OnAnswer },
): () => void {
  const onDrain = (): void => note(outgoing)
  const onClose = (): void => forget(outgoing)
  outgoing.on('drain', onDrain)
  outgoing.on('close', onClose)
  return () => {
    outgoing.off('drain', onDrain)
    outgoing.off('close', onClose)
  }
}

// Node asks for a class; a function around the `write` of each answer would cost also those that are written
// at once.
function answersThat(note: OnAnswer): UnsentBytes['Answer'] {
  return class extends ServerResponse {
    override write(...given: readonly [chunk: unknown, ...others: unknown[]]): boolean {
      // The arguments go on as they came, whichever overload they are meant for.
      const flows = super.write(...(given as Parameters<ServerResponse['write']>))
      if (!flows) note(this)
      return flows
    }
  }
}
