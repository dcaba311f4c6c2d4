// How read models are looked at beside the process that writes them, the same of every adapter.
import type { CollectionState, DocumentCollection, LogKey } from '../ports/index.ts'

/** A collection as it is read beside its writer. */
export interface ViewedCollection {
  readonly state: CollectionState
  readonly documents: Pick<DocumentCollection, 'load' | 'page' | 'quarantined' | 'skipped'>
}

/** Read models that stand in one place. */
export interface ReadModelViews extends AsyncDisposable {
  /** The documents that readers of a projection get; `undefined` when there are none. */
  readonly live: (log: LogKey, name: string) => Promise<ViewedCollection | undefined>
  /** From here on all is read from one moment. */
  readonly holdStill: () => Promise<void>
}
