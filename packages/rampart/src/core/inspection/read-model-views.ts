// How read models are looked at beside the process that writes them, the same of every adapter.
import type { CollectionState, DocumentCollection, LogKey, StoredDocument } from '../ports/index.ts'

/** Documents of which something is not as it should be: how many, and the first of them. */
export interface FoundDocuments {
  readonly documents: number
  readonly sample: readonly string[]
}

/** A collection as it is read beside its writer. */
export interface ViewedCollection {
  readonly state: CollectionState
  readonly documents: Pick<
    DocumentCollection,
    'load' | 'page' | 'changes' | 'quarantined' | 'queued' | 'skipped'
  >
  /** The keys of those of them whose columns for indexes and searches do not say what their data do. */
  readonly misfiled: (documents: readonly StoredDocument[]) => Promise<readonly string[]>
  /** Documents for which an index of words beside them has others than theirs. */
  readonly misindexed: () => Promise<FoundDocuments>
  /** Every key that a row of the quarantine names. */
  readonly namedInQuarantine: () => Promise<readonly string[]>
}

/** Read models that stand in one place. */
export interface ReadModelViews extends AsyncDisposable {
  /** The documents that readers of a projection get; `undefined` when there are none. */
  readonly live: (log: LogKey, name: string) => Promise<ViewedCollection | undefined>
  /** Whether documents of any projection ever stood here, as far as that can be told. */
  readonly isUsed: () => Promise<boolean>
  /** From here on all is read from one moment. */
  readonly holdStill: () => Promise<void>
}
