// What appends came to that others may build on, by their tickets; the writer remembers it between batches.

/** What appends came to that others may build on, by their tickets; the oldest are forgotten. */
export interface Tickets {
  /**
   * The version that an accepted append left a stream with, or the position that it left a document with;
   * `undefined` when it was not accepted.
   */
  readonly leftBy: (ticket: string, name: string) => number | undefined
  readonly keep: (ticket: string, left: ReadonlyMap<string, number>) => void
}

// More than may wait in one queue, so that no append is forgotten before those that build on it are answered.
const ticketsMax = 20_000

/** Remembers nothing yet. */
export function createTickets(): Tickets {
  const kept = new Map<string, ReadonlyMap<string, number>>()
  return {
    leftBy: (ticket, name) => kept.get(ticket)?.get(name),
    keep: (ticket, left) => {
      kept.set(ticket, left)
      const [oldest] = kept.keys()
      if (kept.size > ticketsMax && oldest !== undefined) kept.delete(oldest)
    },
  }
}

/** Names a stream within the writer. */
export function streamKey(
  log: number,
  { decider, id }: { readonly decider: string; readonly id: string },
): string {
  return `${log}\0${decider}\0${id}`
}
