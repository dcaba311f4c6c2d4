// The ports that adapters implement: what write side, subscriptions and projections need from a database.
export {
  appendBytesMax,
  appendEventsMax,
  eventId,
  logKey,
  nameLengthMax,
  payloadBytesMax,
} from './event-store.ts'
export type {
  AppendRequest,
  AppendResult,
  CommandClaim,
  Epoch,
  EventRecord,
  EventStore,
  EventStoreCapabilities,
  ExpectedVersion,
  LogKey,
  LogPage,
  LogPlace,
  LogQuery,
  MatchCondition,
  NewEvent,
  StoredOutcome,
  StreamQuery,
  StreamWrite,
  WriteStore,
} from './event-store.ts'
export type {
  AcceptResult,
  Burial,
  ClaimRequest,
  CommandInbox,
  DeadLetter,
  InboxCommand,
  NewInboxCommand,
} from './command-inbox.ts'
export type {
  ChangeCursor,
  ChangeQuery,
  CollectionShape,
  CommitRequest,
  DocumentCollection,
  DocumentPage,
  PageQuery,
  ReadStore,
  StoredDocument,
} from './read-store.ts'
