// Group commit, shared by the adapters of the write store: operations, batches, the queue, its listeners.
export { isFailure } from './batch.ts'
export { createCommitQueue } from './commit-queue.ts'
export { createInboxChanges } from './inbox-changes.ts'
export { openKeptCollection } from './kept-collection.ts'
export { notifyListeners } from './listeners.ts'
export type {
  Batch,
  BatchReply,
  BatchWriter,
  DocumentBuild,
  Failure,
  LogIdentity,
  Operation,
  OperationResult,
  Overlap,
} from './batch.ts'
export type { CommitQueue } from './commit-queue.ts'
export type { KeptReads } from './kept-collection.ts'
export type { LogListeners } from './listeners.ts'
