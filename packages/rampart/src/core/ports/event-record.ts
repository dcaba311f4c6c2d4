// Events as stores keep them and give them back.
import type { CommandId, Position, StreamId, StreamVersion } from '../identity.ts'

/** An event as a fold of its stream reads it: what it is, and its payload as text. */
export interface StreamFoldRecord {
  readonly version: StreamVersion
  readonly type: string
  readonly schemaVersion: number
  /** The payload, decoded as UTF-8. */
  readonly text: string
}

/** An event as folds read it: where it stands, what it is, and its payload as text. */
export interface FoldRecord extends StreamFoldRecord {
  readonly position: Position
  readonly decider: string
  readonly streamId: StreamId
  /** Unique per append; with `appendIndex` it makes the event's id. */
  readonly appendId: string
  /** The place of the event among those of its append, from 0. */
  readonly appendIndex: number
  /** Milliseconds since 1970. */
  readonly recordedAtMs: number
}

/** What a log keeps of each event. */
export interface EventRecord extends Omit<FoldRecord, 'text'> {
  /** The command that caused it; null for events appended without one. */
  readonly commandId: CommandId | null
  /** `application/json` unless said when it was appended. */
  readonly contentType: string
  readonly payload: Uint8Array
  readonly tags: readonly string[]
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly actor: string | null
  /** Whose personal data the payload holds; null until erasure is in use. */
  readonly dataSubjectId: string | null
  /** Which key encrypts the payload; null until erasure is in use. */
  readonly keyId: string | null
}

/** The id of an event, unique in its log. */
export function eventId(record: Pick<FoldRecord, 'appendId' | 'appendIndex'>): string {
  return `${record.appendId}.${record.appendIndex}`
}
