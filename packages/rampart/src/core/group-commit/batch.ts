// What the commit queue hands to the writer and gets back; both cross threads, so they are plain data.
import type { CheckedAppend, CheckedBurial, CheckedInboxCommand } from '../checks/checked-request.ts'
import type { ErrorCode, FaultEffect } from '../errors.ts'
import type { CommandId } from '../identity.ts'
import type { AcceptResult, ClaimRequest, InboxCommand } from '../ports/command-inbox.ts'
import type { AppendResult } from '../ports/event-store.ts'
import type { LogKey, LogPlace } from '../ports/log.ts'
import type { CollectionShape, StoredDocument } from '../ports/document-collection.ts'
import type { Seal } from '../ports/seal-store.ts'

/** A log as the rows of a database name it. */
export interface LogIdentity {
  readonly number: number
  readonly epoch: string
}

/** Documents of events that were recorded before, and the checkpoint that they lead to. */
export interface DocumentBuild {
  /** The number of their collection. */
  readonly number: number
  readonly from: LogPlace
  readonly to: LogPlace
  readonly documents: readonly StoredDocument[]
}

/** One thing to do within a batch; `log` is the log's number. */
export type Operation =
  /** Writes a page, and changes nothing: shows whether there is room. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'openLog'; readonly key: LogKey; readonly epoch: string }
  | { readonly kind: 'beginEpoch'; readonly log: number; readonly epoch: string }
  | { readonly kind: 'append'; readonly log: number; readonly append: CheckedAppend }
  | { readonly kind: 'accept'; readonly log: number; readonly accepted: CheckedInboxCommand }
  | { readonly kind: 'claim'; readonly log: number; readonly request: ClaimRequest }
  | {
      readonly kind: 'release'
      readonly log: number
      readonly commandIds: readonly CommandId[]
      readonly retryAtMs: number
      readonly cause: string | null
      readonly owner: string | null
      readonly untried: number
    }
  | { readonly kind: 'bury'; readonly log: number; readonly burial: CheckedBurial }
  | {
      readonly kind: 'seal'
      readonly log: number
      readonly key: LogKey
      readonly seals: readonly Seal[]
    }
  | { readonly kind: 'openDocuments'; readonly log: number; readonly shape: CollectionShape }
  | { readonly kind: 'buildDocuments'; readonly log: number; readonly build: DocumentBuild }
  | { readonly kind: 'keepDocuments'; readonly log: number; readonly number: number }

/** What each kind of operation comes to. */
export interface ResultOf {
  readonly probe: null
  readonly openLog: LogIdentity
  readonly beginEpoch: null
  readonly append: AppendResult
  readonly accept: AcceptResult
  readonly claim: readonly InboxCommand[]
  readonly release: null
  readonly bury: null
  readonly seal: null
  readonly openDocuments: { readonly number: number }
  readonly buildDocuments: null
  readonly keepDocuments: null
}

/** What any operation comes to. */
export type OperationResult = ResultOf[keyof ResultOf]

/** Operations that are committed together. */
export interface Batch {
  /** The wall-clock time of the batch. */
  readonly nowMs: number
  readonly operations: readonly Operation[]
}

/** An operation that changed nothing, or, with effect `unknown`, may have. */
export interface Failure {
  readonly failed: { readonly code: ErrorCode; readonly message: string; readonly effect: FaultEffect }
}

/** The answer to a batch: results in the order of its operations. */
export interface BatchReply {
  readonly results: readonly (OperationResult | Failure)[]
  /** Why the writer takes no more batches; null while it does. */
  readonly fault: string | null
}

/** Commits batches, one at a time unless it says otherwise. */
export interface BatchWriter {
  /** Rejects when it cannot be known whether the batch was committed. */
  readonly commit: (batch: Batch) => BatchReply | Promise<BatchReply>
  readonly close: () => Promise<void>
  readonly overlap?: Overlap
}

/** What a writer says that works on several batches at once. */
export interface Overlap {
  readonly batchesMax: number
  /** Whether it gains by several now; if not, callers who have just been answered share the next batch. */
  readonly isWorthwhile: () => boolean
  /**
   * How many of the first operations that wait go as the next batch, beside those that are in its hands; 0
   * when they wait until one of these is answered. There is always one for a writer whose hands are empty.
   */
  readonly take: (waiting: readonly Operation[]) => number
}

/** True for an operation that failed. */
export function isFailure(result: OperationResult | Failure): result is Failure {
  return result !== null && 'failed' in result
}
