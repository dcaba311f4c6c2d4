// What is hashed for a seal: the same bytes on every store, so that seals outlive a change of the store.
//
//   leaf   H(0x00, JSON of everything recorded with an event, its payload as H(payload))
//   node   H(0x01, left, right)              the tree of RFC 6962, section 2.1
//   seal   H(0x02, JSON of the range, its root and the digest of the seal before it)
//
// The first byte tells the three apart, so that none can be passed off as another. Positions are not part of
// a leaf: the tree says the order and the seal says the range, so that an event that was moved is known
// again.
import type { Seal, SealedEvent, SealRange } from '../ports/seal-store.ts'
import type { Position } from '../identity.ts'

/** SHA-256 of bytes, or of a text in UTF-8, as 64 hexadecimal digits in lower case. */
export type Sha256 = (data: Uint8Array | string) => string

const leafMark = '\u0000'
const nodeMark = 1
const sealMark = '\u0002'
const digestBytes = 32
const markDigits = 8
const [codeOf0, codeOf9, codeOfA] = [48, 57, 97]

/** The leaf of an event, as 64 hexadecimal digits; the digest of its payload may be known. */
export function leafOf(
  { record, outcome }: SealedEvent,
  sha256: Sha256,
  payloadDigest = sha256(record.payload),
): string {
  const content = [
    record.decider,
    record.streamId,
    record.version,
    record.type,
    record.schemaVersion,
    record.appendId,
    record.appendIndex,
    record.commandId,
    record.contentType,
    payloadDigest,
    record.tags,
    record.correlationId,
    record.causationId,
    record.actor,
    record.dataSubjectId,
    record.keyId,
    record.recordedAtMs,
    outcome === null ? null : [outcome.fingerprint, outcome.events, outcome.version, outcome.outcome],
  ]
  return sha256(leafMark + JSON.stringify(content))
}

/** The marks of a range, in the order of its positions. */
export function marksOf({ marks }: Pick<SealRange, 'marks'>): readonly string[] {
  return Array.from({ length: marks.length / markDigits }, (_, index) =>
    marks.slice(index * markDigits, (index + 1) * markDigits),
  )
}

/** The range of events of which the first has position `first`, by their leaves; there is at least one. */
export function sealRangeOf(first: Position, leaves: readonly string[], sha256: Sha256): SealRange {
  return {
    first,
    // Counted on from a checked position.
    last: (first + leaves.length - 1) as Position,
    root: rootOf(leaves, sha256),
    marks: leaves.map((leaf) => leaf.slice(0, markDigits)).join(''),
  }
}

/** The digest of a seal of a log. */
export function sealDigest(log: string, seal: Omit<Seal, 'digest' | 'marks'>, sha256: Sha256): string {
  const { number, first, last, epoch, root, sealedAtMs, previous } = seal
  const content = [log, number, first, last, epoch, root, sealedAtMs, previous]
  return sha256(sealMark + JSON.stringify(content))
}

// Whole trees of equal height are joined as they come; what is left over is joined from the right.
function rootOf(leaves: readonly string[], sha256: Sha256): string {
  const trees: { readonly size: number; readonly digest: string }[] = []
  const join = (): void => {
    const [left, right] = trees.splice(-2)
    if (left === undefined || right === undefined) return
    trees.push({ size: left.size + right.size, digest: nodeOf(left.digest, right.digest, sha256) })
  }
  for (const digest of leaves) {
    trees.push({ size: 1, digest })
    while (trees.length > 1 && trees.at(-1)?.size === trees.at(-2)?.size) join()
  }
  while (trees.length > 1) join()
  return trees[0]?.digest ?? sha256('')
}

// Filled anew for each node, because there is one for every event.
const nodeBytes = new Uint8Array(1 + 2 * digestBytes).fill(nodeMark, 0, 1)

function nodeOf(left: string, right: string, sha256: Sha256): string {
  writeHex(left, 1)
  writeHex(right, 1 + digestBytes)
  return sha256(nodeBytes)
}

function writeHex(digest: string, start: number): void {
  for (let index = 0; index < digestBytes; index++) {
    nodeBytes[start + index] = 16 * digitAt(digest, 2 * index) + digitAt(digest, 2 * index + 1)
  }
}

function digitAt(digest: string, index: number): number {
  const code = digest.charCodeAt(index)
  return code <= codeOf9 ? code - codeOf0 : code - codeOfA + 10
}
