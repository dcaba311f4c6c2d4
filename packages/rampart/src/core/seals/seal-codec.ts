// What is hashed for a seal: the same bytes on every store, so that seals outlive a change of the store.
//
//   leaf   H(0x00, JSON of everything recorded with an event, its payload as H(payload))
//   node   H(0x01, left, right)              the tree of RFC 6962, section 2.1
//   seal   H(0x03, JSON of the range, its root, the epochs so far and the digest of the seal before it)
//          H(0x02, the same without the epochs): the first format, which older stores hold
//
// The first byte tells them apart, so that none can be passed off as another. Positions are not part of
// a leaf: the tree says the order and the seal says the range, so that an event that was moved is known
// again.
import type { Seal, SealedEvent, SealRange } from '../ports/seal-store.ts'
import type { Position } from '../identity.ts'
import type { Epoch } from '../ports/log.ts'

/** SHA-256 of bytes, or of a text in UTF-8, as 64 hexadecimal digits in lower case. */
export type Sha256 = (data: Uint8Array | string) => string

const leafMark = '\u0000'
const nodeMark = 1
const oldSealMark = '\u0002'
const sealMark = '\u0003'
const digestBytes = 32
const markDigits = 8
// By the codes of the digits.
const valueOfDigit = new Uint8Array(128)
for (let value = 0; value < 16; value++) valueOfDigit[value.toString(16).charCodeAt(0)] = value

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

/** What the digest of a seal stands for. */
export interface SealContent extends Omit<Seal, 'digest' | 'marks'> {
  /** The epochs of the log up to its own, oldest first; absent in the first format. */
  readonly epochs?: readonly Epoch[]
}

/** The digest of a seal of a log. */
export function sealDigest(log: string, seal: SealContent, sha256: Sha256): string {
  const { number, first, last, epoch, root, sealedAtMs, previous, epochs } = seal
  const content = [log, number, first, last, epoch, root, sealedAtMs, previous]
  if (epochs === undefined) return sha256(oldSealMark + JSON.stringify(content))
  const history = epochs.map((one) => [one.epoch, one.forkPosition])
  return sha256(sealMark + JSON.stringify([...content, history]))
}

/** The history that a seal of an epoch covers; empty when the log does not know the epoch. */
export function epochsUpTo(epoch: string, epochs: readonly Epoch[]): readonly Epoch[] {
  return epochs.slice(0, epochs.findIndex((one) => one.epoch === epoch) + 1)
}

// A level is joined in pairs into the next one, and what is left over at its end is taken along as it is: the
// same tree as by the splits of the RFC.
function rootOf(leaves: readonly string[], sha256: Sha256): string {
  let level = leaves
  while (level.length > 1) {
    const next: string[] = []
    for (let index = 1; index < level.length; index += 2) {
      next.push(nodeOf(level[index - 1] ?? '', level[index] ?? '', sha256))
    }
    if (level.length % 2 === 1) next.push(level.at(-1) ?? '')
    level = next
  }
  return level[0] ?? sha256('')
}

// Filled anew for each node, because there is one for every event.
const nodeBytes = new Uint8Array(1 + 2 * digestBytes).fill(nodeMark, 0, 1)

function nodeOf(left: string, right: string, sha256: Sha256): string {
  writeHex(left, 1)
  writeHex(right, 1 + digestBytes)
  return sha256(nodeBytes)
}

function writeHex(digest: string, start: number): void {
  for (let index = 0, digit = 0; index < digestBytes; index++, digit += 2) {
    const high = valueOfDigit[digest.charCodeAt(digit)] ?? 0
    const low = valueOfDigit[digest.charCodeAt(digit + 1)] ?? 0
    nodeBytes[start + index] = (high << 4) | low
  }
}
