// What a verification finds, one sentence each: what it is, where, and what it means.
import type { EventRecord } from '../core/ports/index.ts'

/** What a finding is about, and what to do about it; the guide of `rampart verify` explains each. */
export const findingCodes = {
  FILE_UNREADABLE: 'verify as a user who may read it and what ends in -wal and -shm beside it',
  FILE_DAMAGED: 'restore a backup; reads.sqlite may be deleted instead, it is derived again',
  SCHEMA_CHANGED: 'somebody changed the tables: restore a backup, or delete reads.sqlite if it is that',
  RIGHTS_CHANGED: 'grant and revoke what the steps of the schema did, and find out who could change it',
  SCHEMA_NEWER: 'nothing of it was verified',
  ROW_MISPLACED: 'rows of a log stand in its places only: restore a backup',
  EVENT_CHANGED: 'it is not what was sealed: restore a backup, and find out who could write the file',
  EVENT_MISSING: 'it was there when it was sealed or numbered: restore a backup',
  EVENT_INSERTED: 'it was not there when this was sealed: restore a backup',
  EVENTS_REORDERED: 'they stood in another order when they were sealed: restore a backup',
  RANGE_CHANGED: 'it does not fit its seal: restore a backup',
  SEAL_CHANGED: 'the chain of seals is broken there: restore a backup',
  TAIL_CUT: 'events at the end were removed, or an older copy was put back: restore a newer backup',
  HISTORY_REWRITTEN: 'events and seals were written anew: restore a backup from before that',
  EPOCH_UNKNOWN: 'the history of epochs was changed: restore a backup',
  EPOCHS_CHANGED: 'places that clients hold are judged by it: restore a backup',
  VERSION_WRONG: 'versions of a stream are 1, 2, 3: restore a backup',
  TIME_BACKWARD: 'recorded times never go back: restore a backup',
  ID_REPEATED: 'ids are unique in a log: restore a backup',
  TAG_WRONG: 'the index must say what events say, conditions of appends are judged by it: restore a backup',
  READ_MODEL_DIFFERS: 'rebuild it: `rampart rebuild`',
  READ_MODEL_UNREADABLE:
    'mend its handler if that throws, else rebuild it: `rampart rebuild`; a file is derived again once it was deleted',
  STATE_DIFFERS: 'delete its row of `states` while the server is stopped; it is folded again',
} as const

/** What kind of finding it is. */
export type FindingCode = keyof typeof findingCodes

/** Something that is not as it was recorded. */
export interface Finding {
  readonly code: FindingCode
  readonly log: string
  /** The position in the log; absent where it concerns none. */
  readonly position?: number
  /** `decider-id` and version; absent where it concerns none. */
  readonly event?: string
  /** What was found, without its end of sentence. */
  readonly what: string
}

/** Takes findings as they are made. */
export type Report = (finding: Finding) => void

/** How an event is named to people: `order-536365@3`. */
export function eventName(event: Pick<EventRecord, 'decider' | 'streamId' | 'version'>): string {
  return `${event.decider}-${event.streamId}@${event.version}`
}
