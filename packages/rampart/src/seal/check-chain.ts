// Checks the chain of seals itself: each follows the one before it, and the one that was kept elsewhere is
// there.
import { noDigest, sealDigest, sealEventsMax, type Seal, type Sha256 } from '../core/seals/index.ts'
import type { Anchor } from './anchor.ts'
import type { Finding } from './finding.ts'

interface Link {
  readonly log: string
  readonly seal: Seal
  /** Null before the first. */
  readonly before: Seal | null
  readonly epochs: ReadonlySet<string>
}

interface Chain {
  readonly report: (finding: Omit<Finding, 'log'>) => void
  readonly newest: Seal | null
}

/** Reports what is wrong with a seal; true when its range can be compared with events. */
export function checkChain(link: Link, { report }: Chain, sha256: Sha256): boolean {
  const { seal, before, epochs, log } = link
  const position = seal.first
  const tell = (what: string): void => report({ code: 'SEAL_CHANGED', position, what })
  const next = (before?.number ?? 0) + 1
  if (seal.number !== next) tell(`seal ${next} is not there, and seal ${seal.number} follows`)
  else if (seal.previous !== (before?.digest ?? noDigest))
    tell(`seal ${seal.number} names another seal before it`)
  else if (seal.first !== (before?.last ?? 0) + 1)
    tell(`seal ${seal.number} begins elsewhere than its chain goes on`)
  if (seal.digest !== sealDigest(log, seal, sha256)) tell(`seal ${seal.number} does not have its own digest`)
  if (!epochs.has(seal.epoch)) {
    const what = `seal ${seal.number} is of the epoch ${seal.epoch}, which the log does not know`
    report({ code: 'EPOCH_UNKNOWN', position, what })
  }
  const count = seal.last - seal.first + 1
  const isRange = seal.first > (before?.last ?? 0) && count > 0 && count <= sealEventsMax
  if (isRange && seal.marks.length === 8 * count) return true
  tell(`seal ${seal.number} covers no range that a seal can cover`)
  return false
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
  report({ code: 'TAIL_CUT', position: newest?.last ?? 0, what })
}
