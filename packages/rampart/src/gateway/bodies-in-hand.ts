// Bounds the request bodies that are in hand at once, from their first byte until their request is answered.
import { RampartError } from '../core/index.ts'
import type { Exchange } from './exchange.ts'

/** A body up to this size is not counted: all connections together hold little of them. */
export const smallBodyBytes = 64 * 1024
/** What larger bodies may hold together: parsed and checked, a body weighs several times as much. */
export const bodiesBytesMax = 32 * 1024 * 1024

/** The bodies that a gateway has in hand. */
export class BodiesInHand {
  readonly #bytesMax: number
  readonly #held = new WeakMap<Exchange, number>()
  #bytes = 0

  constructor(bytesMax: number = bodiesBytesMax) {
    this.#bytesMax = bytesMax
  }

  /**
   * Counts a body as this large, until `release`. Throws `OVERLOADED` when too much is in hand; one that is
   * alone always fits.
   */
  hold(exchange: Exchange, bytes: number): void {
    if (bytes <= smallBodyBytes) return
    const more = bytes - (this.#held.get(exchange) ?? 0)
    const others = this.#bytes - (this.#held.get(exchange) ?? 0)
    if (others > 0 && others + bytes > this.#bytesMax) {
      throw new RampartError(
        'OVERLOADED',
        'The server has too many large bodies in hand. Try again in a moment.',
      )
    }
    this.#bytes += more
    this.#held.set(exchange, bytes)
  }

  /** Gives back what the exchange holds. */
  release(exchange: Exchange): void {
    if (this.#bytes === 0) return
    const bytes = this.#held.get(exchange)
    if (bytes === undefined) return
    this.#held.delete(exchange)
    this.#bytes -= bytes
  }
}
