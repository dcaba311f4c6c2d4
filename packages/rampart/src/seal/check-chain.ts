// Checks the chain of seals itself: each follows the one before it, and the one that was kept elsewhere is
// there.
import { noDigest, sealEventsMax, type InspectedEpoch, type Seal } from '../core/seals/index.ts'
import type { Anchor } from './anchor.ts'
import type { Misfits } from './check-epochs.ts'
import type { Finding } from './finding.ts'

interface Link {
  readonly seal: Seal
  /** Null before the first. */
  readonly before: Seal | null
  readonly epochs: readonly InspectedEpoch[]
  /** Absent unless it is the first in a row. */
  readonly misfits: Misfits | undefined
}

interface Chain {
  readonly report: (finding: Omit<Finding, 'log'>) => void
  readonly newest: Seal | null
}

/** Reports what is wrong with a seal; true when its range can be compared with events. */
export function checkChain({ seal, before, epochs, misfits }: Link, { report }: Chain): boolean {
  const position = seal.first
  const tell = (what: string): void => report({ code: 'SEAL_CHANGED', position, what })
  const next = (before?.number ?? 0) + 1
  if (seal.number !== next) tell(`seal ${next} is not there, and seal ${seal.number} follows`)
  else if (seal.previous !== (before?.digest ?? noDigest))
    tell(`seal ${seal.number} names another seal before it`)
  else if (seal.first !== (before?.last ?? 0) + 1)
    tell(`seal ${seal.number} begins elsewhere than its chain goes on`)
  if (misfits !== undefined) tell(misfitOf(seal, misfits))
  if (!epochs.some(({ epoch }) => epoch === seal.epoch)) {
    const what = `seal ${seal.number} is of the epoch ${seal.epoch}, which the log does not know`
    report({ code: 'EPOCH_UNKNOWN', position, what })
  }
  const count = seal.last - seal.first + 1
  if (seal.first > (before?.last ?? 0) && count > 0 && count <= sealEventsMax) return true
  tell(`seal ${seal.number} covers no range that a seal can cover`)
  return false
}

function misfitOf({ number }: Seal, { last, count }: Misfits): string {
  if (count === 1) return `seal ${number} does not have its own digest: it or an epoch under it was changed`
  return `seals ${number} to ${last} do not have their own digests: they or an epoch under them were changed`
}

/** Reports a seal that has the number of the anchor and is another one. */
export function checkAnchored(anchor: Anchor | undefined, seal: Seal, { report }: Chain): void {
  if (anchor === undefined || anchor.seal !== seal.number || anchor.digest === seal.digest) return
  const what = `seal ${seal.number} is not the one that the anchor names: something up to it was written anew`
  report({ code: 'HISTORY_REWRITTEN', position: anchor.position, what })
}

/** Reports a chain that ends before the anchor. */
export function checkReached(anchor: Anchor | undefined, { report, newest }: Chain): void {
  if (anchor === undefined || (newest !== null && newest.number >= anchor.seal)) return
  const end = newest === null ? 'there is none' : `the newest is seal ${newest.number}, up to ${newest.last}`
  const since =
    newest === null || newest.epoch === anchor.epoch ? '' : ', of another epoch, as after a restore'
  const what = `the anchor names seal ${anchor.seal}, up to position ${anchor.position}, and ${end}${since}`
  // Fewer seals over as many events are other seals.
  const isAnew = newest !== null && newest.last >= anchor.position
  report({ code: isAnew ? 'HISTORY_REWRITTEN' : 'TAIL_CUT', position: newest?.last ?? 0, what })
}
