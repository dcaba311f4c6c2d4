// Documents that a runner has just written, so that a busy key is not loaded again for every batch.
import type { Json } from '../core/index.ts'
import type { StoredDocument } from '../core/ports/index.ts'

/**
 * A bounded set of documents by key; what was written longest ago goes first. It is never stale, because the
 * runner is the only writer of its collection, keeps here what was committed, and forgets all of it when a
 * commit fails.
 */
export interface HotDocuments {
  readonly get: (key: string) => StoredDocument | undefined
  readonly keep: (document: StoredDocument) => void
  readonly forgetAll: () => void
}

/**
 * Larger documents are not kept: the set is bounded in bytes as well, and loading them is their smaller
 * cost.
 */
const weightMax = 4096

/**
 * Makes an empty set that holds `countMax` documents at most. They live in a young and an old half: when
 * the young one is full it becomes the old one, and what the old one held is forgotten. Taking single
 * documents out of a large map would cost more than all else here.
 */
export function createHotDocuments(countMax: number): HotDocuments {
  let young = new Map<string, StoredDocument>()
  let old = new Map<string, StoredDocument>()
  return {
    get: (key) => young.get(key) ?? old.get(key),
    keep(document) {
      if (weightLeft(document.data, weightMax) < 0) {
        young.delete(document.key)
        old.delete(document.key)
        return
      }
      young.set(document.key, document)
      if (young.size < countMax / 2) return
      old = young
      young = new Map()
    },
    forgetAll() {
      young = new Map()
      old = new Map()
    },
  }
}

// About one per byte. It ends as soon as nothing is left, so that a large document costs no more than a
// small one.
function weightLeft(value: Json | undefined, left: number): number {
  if (typeof value === 'string') return left - 8 - value.length
  if (typeof value !== 'object' || value === null) return left - 8
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.entries(value).flat()
  let rest = left - 32
  for (const member of members) {
    if (rest < 0) return rest
    // Members and names of JSON are JSON.
    rest = weightLeft(member as Json | undefined, rest)
  }
  return rest
}
