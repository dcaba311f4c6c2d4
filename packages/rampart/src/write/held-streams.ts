// Streams whose commands the inbox worker sends back: none may overtake one that is not back itself yet.
import type { InboxCommand } from '../core/ports/index.ts'

/** Holds streams, each as often as one of its commands asks for it. */
export class HeldStreams {
  readonly #counts = new Map<string, number>()

  has(command: InboxCommand): boolean {
    return this.#counts.has(streamNameOf(command))
  }

  /** Holds the stream of a command. Returns what ends this. */
  hold(command: InboxCommand): () => void {
    const stream = streamNameOf(command)
    this.#counts.set(stream, (this.#counts.get(stream) ?? 0) + 1)
    return () => {
      const left = (this.#counts.get(stream) ?? 0) - 1
      if (left > 0) this.#counts.set(stream, left)
      else this.#counts.delete(stream)
    }
  }
}

function streamNameOf({ decider, streamId }: InboxCommand): string {
  return `${decider}/${streamId}`
}
