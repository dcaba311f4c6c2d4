// Documents that a runner has just written, so that a busy key is not loaded again for every batch.
import type { StoredDocument } from '../core/ports/index.ts'
import { weightOf } from '../core/checks/index.ts'

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
      if (weightOf(document.data, weightMax) > weightMax) {
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
