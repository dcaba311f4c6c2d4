// Which batches are on their way to the database at the same moment: while the server works on one, this
// process answers the last and writes the next, which otherwise wait for each other.
//
// Both go over the writer's one connection, which the server reads in order. Yet a batch that failed is sent
// again behind the other, so what depends on an append waits until that is answered: only appends overlap, of
// which neither batch has conditions or documents, and no two share a stream or a command id. Everything else
// has the connection to itself.
import type { Operation, Overlap } from '../core/group-commit/index.ts'
import type { Pace } from './pace.ts'
import { streamKey } from './tickets.ts'

/** The batches that are on their way. */
export interface Flights extends Overlap {
  /** Notes that a batch is on its way; the answer notes its end. */
  readonly begin: (operations: readonly Operation[]) => () => void
}

const batchesMax = 2

/** No batch is on its way yet. */
export function createFlights(pace: Pace): Flights {
  const flights = new Set<readonly Operation[]>()
  let areTwo = false
  return {
    batchesMax,
    isWorthwhile: () => areTwo,
    take(waiting) {
      const [flight] = flights
      if (flight === undefined) {
        areTwo = pace.isWorthwhile(waiting.length, false)
        return areTwo ? halfOf(waiting) : waiting.length
      }
      // Callers of a batch come back together: a small one beside a large one would stay small.
      const enough = flight.length / 2
      if (waiting.length < enough) return 0
      areTwo = pace.isWorthwhile(flight.length + waiting.length, areTwo)
      if (!areTwo) return 0
      const free = countFree(waiting, flight)
      return free < enough ? 0 : free
    },
    begin(operations) {
      flights.add(operations)
      return () => void flights.delete(operations)
    },
  }
}

// All of them, where the second half could not follow the first at once.
function halfOf(waiting: readonly Operation[]): number {
  const half = Math.ceil(waiting.length / 2)
  const isFree = countFree(waiting.slice(half), waiting.slice(0, half)) === waiting.length - half
  return isFree ? half : waiting.length
}

/** How many of the first operations that wait depend on nothing in a batch. */
function countFree(waiting: readonly Operation[], batch: readonly Operation[]): number {
  const taken = new Set<string>()
  for (const operation of batch) {
    const names = namesOf(operation)
    if (names === undefined) return 0
    for (const name of names) taken.add(name)
  }
  const bound = waiting.findIndex((operation) => namesOf(operation)?.some((name) => taken.has(name)) ?? true)
  return bound === -1 ? waiting.length : bound
}

/** The streams and the command id of an append; `undefined` for an operation that never overlaps. */
function namesOf(operation: Operation): readonly string[] | undefined {
  if (operation.kind !== 'append') return undefined
  const { writes, failIfMatch = [], documents = [], command } = operation.append.request
  if (failIfMatch.length > 0 || documents.length > 0) return undefined
  const streams = writes.map((write) => streamKey(operation.log, write))
  return command === undefined ? streams : [...streams, `${operation.log}\0${command.id}`]
}
