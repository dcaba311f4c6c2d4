// Checks the history of epochs: that it is one, and that it is the one that seals cover.
//
//   epoch a   1 ── 2 ── 3 ── 4 ── 5
//   epoch b             └─── 4'── 5'── 6'     begins after 3: what a has sealed ends there
import {
  epochsUpTo,
  sealDigest,
  type InspectedEpoch,
  type LogInspection,
  type Seal,
  type Sha256,
} from '../core/seals/index.ts'
import type { Report } from './finding.ts'

/** Seals in a row that do not have their own digests. */
export interface Misfits {
  /** The number that the last of them has. */
  readonly last: number
  readonly count: number
}

/** What seals say of a log, before their ranges are compared. */
export interface SurveyedSeals {
  /** By the number of the first in a row. */
  readonly misfits: ReadonlyMap<number, Misfits>
  /** The position up to which the log is sealed. */
  readonly sealed: number
  /** The farthest seal of each epoch. */
  readonly reach: ReadonlyMap<string, Seal>
}

/** Looks at all seals of a log by themselves. */
export async function surveySeals(inspection: LogInspection, sha256: Sha256): Promise<SurveyedSeals> {
  const misfits = new Map<number, Misfits>()
  const reach = new Map<string, Seal>()
  let sealed = 0
  let first: number | undefined
  for await (const seal of inspection.seals()) {
    sealed = Math.max(sealed, seal.last)
    if (seal.last > (reach.get(seal.epoch)?.last ?? 0)) reach.set(seal.epoch, seal)
    if (hasOwnDigest(inspection, seal, sha256)) {
      first = undefined
      continue
    }
    first ??= seal.number
    misfits.set(first, { last: seal.number, count: (misfits.get(first)?.count ?? 0) + 1 })
  }
  return { misfits, sealed, reach }
}

// A seal of the first format covers no epochs.
function hasOwnDigest({ log, epochs }: LogInspection, seal: Seal, sha256: Sha256): boolean {
  const content = { ...seal, epochs: epochsUpTo(seal.epoch, epochs) }
  // Of a history without its epoch nothing fits, and that it is not there is told by itself.
  if (content.epochs.length === 0) return true
  return [content, seal].some((one) => sealDigest(log, one, sha256) === seal.digest)
}

/** Reports what cannot be a history of epochs, or not one of what was sealed. */
export function checkEpochs(
  { log, epochs, head }: LogInspection,
  { sealed, reach }: SurveyedSeals,
  report: Report,
): void {
  const tell = (what: string): void => report({ code: 'EPOCHS_CHANGED', log, what })
  if (epochs.length === 0) tell('the log has no epoch')
  const names = new Set<string>()
  let before: InspectedEpoch | undefined
  let farthest: Seal | undefined
  for (const one of epochs) {
    const what = wrongOf(one, before)
    if (what !== undefined) tell(what)
    const { ordinal, epoch, forkPosition } = one
    if (names.has(epoch)) tell(`epoch ${ordinal} has the name of an earlier one`)
    if (forkPosition > Math.max(head, sealed)) {
      tell(`epoch ${ordinal} begins after position ${forkPosition}, and the log ends at ${head}`)
    }
    if (farthest !== undefined && farthest.last > forkPosition) {
      const reached = `seal ${farthest.number}, made before, reaches ${farthest.last}`
      tell(`epoch ${ordinal} begins after position ${forkPosition}, and ${reached}`)
    }
    names.add(epoch)
    const own = reach.get(epoch)
    if (own !== undefined && own.last > (farthest?.last ?? 0)) farthest = own
    before = one
  }
}

function wrongOf(
  { ordinal, forkPosition }: InspectedEpoch,
  before: InspectedEpoch | undefined,
): string | undefined {
  const next = (before?.ordinal ?? 0) + 1
  if (ordinal !== next) return `epoch ${next} is not there, and epoch ${ordinal} follows`
  if (before === undefined) {
    return forkPosition === 0 ? undefined : `the first epoch begins after position ${forkPosition}, not 0`
  }
  if (forkPosition >= before.forkPosition) return undefined
  const earlier = before.forkPosition
  return `epoch ${ordinal} begins after position ${forkPosition}, and the one before it after ${earlier}`
}
