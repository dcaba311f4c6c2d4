// Checks of seals before a store keeps them (SE-1, SE-2); every adapter uses them.
import { RampartError } from '../errors.ts'
import type { Position } from '../identity.ts'
import { noDigest, sealEventsMax, sealsMax, type Seal } from '../ports/seal-store.ts'

/** What the next seal of a log must follow. */
export interface SealedSoFar {
  /** The newest seal; absent when there is none. */
  readonly last: Pick<Seal, 'number' | 'last' | 'digest'> | undefined
  /** The last position of the log. */
  readonly head: Position
}

const digestPattern = /^[0-9a-f]{64}$/
const marksPattern = /^([0-9a-f]{8})+$/

/** Checks seals by themselves, and answers with their bytes. Throws `INPUT_INVALID`. */
export function checkSeals(seals: readonly Seal[]): number {
  if (seals.length === 0 || seals.length > sealsMax) {
    throw invalid(`${seals.length} seals are given; 1 to ${sealsMax} are allowed.`)
  }
  return seals.reduce((bytes, seal) => bytes + checkSeal(seal), 0)
}

/** Throws `STORE_UNAVAILABLE` unless seals go on where the last one ended, within the log. */
export function requireFollowing(log: string, { last, head }: SealedSoFar, seals: readonly Seal[]): void {
  let before = last
  for (const seal of seals) {
    const follows =
      seal.number === (before?.number ?? 0) + 1 &&
      seal.first === (before?.last ?? 0) + 1 &&
      seal.previous === (before?.digest ?? noDigest)
    if (!follows) throw unavailable(log, seal, `does not follow seal ${before?.number ?? 0}`)
    if (seal.last > head) throw unavailable(log, seal, `ends beyond position ${head}, the last one`)
    before = seal
  }
}

function checkSeal(seal: Seal): number {
  const { number, first, last, epoch, sealedAtMs } = seal
  const count = last - first + 1
  for (const whole of [number, first, last, sealedAtMs]) {
    if (!Number.isSafeInteger(whole) || whole < 0) throw invalid(`${whole} is no whole number from 0.`)
  }
  if (number < 1 || first < 1 || count < 1 || count > sealEventsMax) {
    throw invalid(`Seal ${number} covers ${first} to ${last}; 1 to ${sealEventsMax} positions are allowed.`)
  }
  if (epoch === '') throw invalid(`Seal ${number} has no epoch.`)
  const digests = [seal.root, seal.previous, seal.digest]
  if (digests.every((digest) => digestPattern.test(digest)) && isMarks(seal.marks, count)) {
    return 400 + seal.marks.length
  }
  throw invalid(`Seal ${number} has a digest that is none. Use 64 hexadecimal digits, and 8 for each mark.`)
}

function isMarks(marks: string, count: number): boolean {
  return marks.length === 8 * count && marksPattern.test(marks)
}

function invalid(message: string): RampartError {
  return new RampartError('INPUT_INVALID', message)
}

function unavailable(log: string, { number }: Seal, why: string): RampartError {
  const message = `Seal ${number} of ${log} ${why}: another process may seal it too. Read the newest again.`
  return new RampartError('STORE_UNAVAILABLE', message)
}
