// Bounds what waits in memory for clients to read it, over all connections of a server.
//
// Whoever reads nothing holds its answers back. The system's own buffers take the first of it; the rest is
// counted here, answer by answer. Above the bound the connections go first that have kept their bytes waiting
// longest, and whoever reads too slowly goes in any case. A client that was cut off while it read a stream
// takes it up again by its `Last-Event-ID`, after the delay that its stream began with.
import type { ServerResponse } from 'node:http'
import type { Runtime, Timer } from '../core/index.ts'

/** The unsent bytes of a server's answers. */
export interface UnsentBytes {
  /** Counts what an answer leaves unsent, from now until it is sent or its connection is gone. */
  readonly watch: (outgoing: ServerResponse) => void
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
    known?.timer.cancel()
    total -= known?.bytes ?? 0
    waiting.delete(outgoing)
  }
  const cut = (outgoing: ServerResponse): void => {
    forget(outgoing)
    outgoing.req.socket.destroy()
  }
  const note = (outgoing: ServerResponse): void => {
    const bytes = outgoing.req.socket.destroyed ? 0 : outgoing.writableLength
    const known = waiting.get(outgoing)
    if (bytes === 0) return forget(outgoing)
    const waitMs = Math.max(unreadMs, bytes / bytesPerMs)
    const timer = known?.timer ?? runtime.setTimer(waitMs, () => cut(outgoing), { keepAlive: false })
    total += bytes - (known?.bytes ?? 0)
    waiting.set(outgoing, { bytes, timer })
    for (const [oldest] of waiting) {
      if (total <= bytesMax) return
      cut(oldest)
    }
  }
  return { note, watch: (outgoing) => watch(outgoing, { note, forget }) }
}

function watch(
  outgoing: ServerResponse,
  { note, forget }: Readonly<Record<'note' | 'forget', (outgoing: ServerResponse) => void>>,
): void {
  const write = outgoing.write.bind(outgoing)
  // The arguments go on as they came, so that every overload stays what it is.
  outgoing.write = ((...args: Parameters<typeof write>) => {
    const flows = write(...args)
    if (!flows) note(outgoing)
    return flows
  }) as typeof write
  outgoing.on('drain', () => note(outgoing))
  outgoing.on('close', () => forget(outgoing))
}
