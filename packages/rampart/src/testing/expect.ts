// What rules of a suite say about what they saw; throws errors that any test runner shows.
import { isRampartError, type ErrorCode } from '../core/index.ts'

/** Throws, with both values, unless they are the same JSON; object members may stand in any order. */
export function expectSame(what: string, actual: unknown, expected: unknown): void {
  const seen = canonical(actual)
  const wanted = canonical(expected)
  if (seen === wanted) return
  throw new Error(`${what}:\n  expected ${wanted}\n  but saw  ${seen}`)
}

/** Throws unless the condition holds. */
export function expectTrue(what: string, condition: boolean): void {
  if (!condition) throw new Error(`${what}: does not hold`)
}

/** Throws unless the promise rejects with a fault of this code. */
export async function expectFault(what: string, code: ErrorCode, attempt: Promise<unknown>): Promise<void> {
  const outcome = await attempt.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  if (outcome === undefined) throw new Error(`${what}: expected the fault ${code}, but nothing was thrown`)
  if (isRampartError(outcome.error, code)) return
  throw new Error(`${what}: expected the fault ${code}, but saw another`, { cause: outcome.error })
}

function canonical(value: unknown): string {
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
  // Absent values have no JSON.
  return text ?? 'undefined'
}
