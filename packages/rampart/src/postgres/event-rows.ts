// Which columns the reads of events select, and what their rows become; used by the event reader.
import type { CommandId, FoldRecord, Position, StreamId, StreamVersion } from '../core/codec/index.ts'
import type { EventRecord } from '../core/ports/index.ts'
import { contentTypeAt, originAt, tagsAt } from '../core/rows/index.ts'
import { leafOf, type SealedEvent, type SealedOutcome, type Sha256 } from '../core/seals/index.ts'
import { bytesAt, numberAt, textAt, textOrNullAt, type Row } from './rows.ts'

const ofAll = `
  found.bytes, found.position, s.decider, s.id, found.version, t.name, found.schema_version, found.append_id,
  found.append_index, found.recorded_at_ms`
const ofRecords = (payload: string) => `${ofAll},
  ${payload}, found.command_id, found.content_type, found.tags, found.correlation_id, found.causation_id,
  found.actor, found.data_subject_id, found.key_id`

function ofSealed(payload: string): string {
  return `${ofRecords(payload)}, found.fingerprint, coalesce(found.append_events, 1),
    coalesce(found.outcome_version, found.version + coalesce(found.append_events, 1) - 1), found.outcome`
}

/** The columns of `select-events` for each kind of row. */
export const eventColumns = {
  fold: `${ofAll}, convert_from(found.payload, 'UTF8')`,
  record: ofRecords('found.payload'),
  sealed: ofSealed('found.payload'),
  /** One array, in which the payload's digest stands in its place. */
  digested: `json_build_array(${ofSealed("encode(sha256(found.payload), 'hex')")})`,
} as const

/** The bytes of the payloads of a page up to a row, that of the row included. */
export function bytesThrough(row: Row): number {
  return numberAt(row, 0)
}

/** An event as folds read it. */
export function foldRecordOf(row: Row): FoldRecord {
  return { ...placedOf(row), text: textAt(row, 10) }
}

// Ids, versions and positions were checked when they were appended.
function placedOf(row: Row): Omit<FoldRecord, 'text'> {
  return {
    position: numberAt(row, 1) as Position,
    decider: textAt(row, 2),
    streamId: textAt(row, 3) as StreamId,
    version: numberAt(row, 4) as StreamVersion,
    type: textAt(row, 5),
    schemaVersion: numberAt(row, 6),
    appendId: textAt(row, 7),
    appendIndex: numberAt(row, 8),
    recordedAtMs: numberAt(row, 9),
  }
}

/** An event with everything that readers may see of it. */
export function recordOf(row: Row): EventRecord {
  const commandId = textOrNullAt(row, 11) as CommandId | null
  return {
    ...placedOf(row),
    payload: bytesAt(row, 10),
    commandId,
    contentType: contentTypeAt(row, 12),
    tags: tagsAt(row, 13),
    correlationId: originAt(row, 14, commandId),
    causationId: originAt(row, 15, commandId),
    actor: textOrNullAt(row, 16),
    dataSubjectId: textOrNullAt(row, 17),
    keyId: textOrNullAt(row, 18),
  }
}

/** An event with the outcome that is recorded with it. */
export function sealedOf(row: Row): SealedEvent {
  return { record: recordOf(row), outcome: outcomeOf(row) }
}

/** The leaf of an event whose payload was digested by the database. */
export function digestedLeafOf(row: Row, sha256: Sha256): string {
  return leafOf(sealedOf(row), sha256, textAt(row, 10))
}

function outcomeOf(row: Row): SealedOutcome | null {
  const fingerprint = textOrNullAt(row, 19)
  if (fingerprint === null) return null
  return {
    fingerprint,
    events: numberAt(row, 20),
    version: numberAt(row, 21),
    outcome: textOrNullAt(row, 22),
  }
}
