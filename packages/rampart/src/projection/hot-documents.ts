// Documents that a runner has just written, so that a busy key is not loaded again for every batch.
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

/** Makes an empty set that holds `countMax` documents at most. */
export function createHotDocuments(countMax: number): HotDocuments {
  // A map keeps its order of insertion, so its first key is the one that was written longest ago.
  const documents = new Map<string, StoredDocument>()
  return {
    get: (key) => documents.get(key),
    keep(document) {
      documents.delete(document.key)
      documents.set(document.key, document)
      const [oldest] = documents.keys()
      if (documents.size > countMax && oldest !== undefined) documents.delete(oldest)
    },
    forgetAll: () => documents.clear(),
  }
}
