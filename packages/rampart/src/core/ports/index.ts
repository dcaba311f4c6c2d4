// The ports that adapters implement: what write side, subscriptions and projections need from a database.
export { eventId } from './event-record.ts'
export type { EventRecord } from './event-record.ts'
export type {
  AppendRequest,
  AppendResult,
  EventFilter,
  EventStore,
  LogPage,
  LogQuery,
  MatchCondition,
  NewEvent,
  StreamQuery,
  StreamWrite,
  WriteStore,
} from './event-store.ts'
export { logKey } from './log.ts'
export type { Epoch, LogKey, LogPlace } from './log.ts'
export type { CommandClaim, StoredOutcome } from './outcome-store.ts'
export type { DocumentWrite, KeptChange, KeptCollection } from './document-store.ts'
export type { StoredState } from './state-store.ts'
export type { AcceptResult, ClaimRequest, CommandInbox, DeadLetter, InboxCommand } from './command-inbox.ts'
export type {
  ChangeCursor,
  CollectionShape,
  CommitRequest,
  DocumentCollection,
  DocumentPage,
  PageQuery,
  QuarantineChange,
  QuarantinedKey,
  QueuedEvent,
  StoredDocument,
} from './document-collection.ts'
export type { CollectionState, ReadStore } from './read-store.ts'
