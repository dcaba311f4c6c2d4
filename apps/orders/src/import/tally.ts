// Counts what became of invoices, and says it in lines.
import type { Invoice } from './invoice-file.ts'

/** What became of one invoice. */
export type Outcome = 'placed' | 'returned' | { readonly refused: string }

/** The outcome of an invoice whose command succeeded. */
export function outcomeOf({ command }: Invoice): Outcome {
  return command === 'PlaceOrder' ? 'placed' : 'returned'
}

/** How many invoices had which outcome. */
export interface Tally {
  placed: number
  returned: number
  readonly refusedByCode: Map<string, number>
}

/** A tally of nothing. */
export function createTally(): Tally {
  return { placed: 0, returned: 0, refusedByCode: new Map() }
}

/** Counts one outcome. */
export function count(tally: Tally, outcome: Outcome): void {
  if (typeof outcome === 'string') tally[outcome] += 1
  else tally.refusedByCode.set(outcome.refused, (tally.refusedByCode.get(outcome.refused) ?? 0) + 1)
}

/** How many invoices were counted, whatever became of them. */
export function counted(tally: Tally): number {
  return tally.placed + tally.returned + refused(tally)
}

/** The tally in lines: placed, returned, refused, and refused by code in the order of the codes. */
export function reportLines(tally: Tally): readonly string[] {
  const codes = [...tally.refusedByCode].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return [
    `placed ${tally.placed}`,
    `returned ${tally.returned}`,
    `refused ${refused(tally)}`,
    ...codes.map(([code, times]) => `  ${code} ${times}`),
  ]
}

function refused(tally: Tally): number {
  return [...tally.refusedByCode.values()].reduce((sum, times) => sum + times, 0)
}
