// Which columns the reads of events select, and what their rows become; used by the event reader.
import type { CommandId, FoldRecord, Position, StreamId, StreamVersion } from '../core/codec/index.ts'
import type { EventRecord } from '../core/ports/index.ts'
import { contentTypeAt, originAt, tagsAt } from '../core/rows/index.ts'
import type { SealedEvent, SealedOutcome } from '../core/seals/index.ts'
import { bytesAt, numberAt, numbersAt, textAt, textOrNullAt, type Row } from './rows.ts'

const ofAll = `
  found.bytes, found.position, s.decider, s.id, found.version, t.name, found.schema_version, found.append_id,
  found.append_index, found.recorded_at_ms`
const ofRecords = `${ofAll},
  found.payload, found.command_id, found.content_type, found.tags, found.correlation_id, found.causation_id,
  found.actor, found.data_subject_id, found.key_id`

/** The columns of `select-events` for each kind of row. */
export const eventColumns = {
  fold: `${ofAll}, convert_from(found.payload, 'UTF8')`,
  record: ofRecords,
  sealed: `${ofRecords}, found.fingerprint, coalesce(found.append_events, 1),
    coalesce(found.outcome_version, found.version + coalesce(found.append_events, 1) - 1), found.outcome`,
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

const separator = '\u001E'

/** Whose page it is, and in which order its events come. */
interface FoldedStream {
  readonly decider: string
  readonly id: StreamId
  readonly isForward: boolean
}

/**
 * The events of a page of one stream that came as one row; `undefined` when a payload is large, or holds what
 * separates them.
 */
export function foldStreamOf(
  row: Row,
  { decider, id, isForward }: FoldedStream,
): readonly FoldRecord[] | undefined {
  const [first, last] = [numberAt(row, 1), numberAt(row, 2)]
  if (last === 0) return []
  const [appendIndexes, times] = [sameOrEach(numbersAt(row, 4)), sameOrEach(numbersAt(row, 5))]
  const appendIds = sameOrEach(textAt(row, 6).split(separator))
  const [schemaVersions, types] = [sameOrEach(numbersAt(row, 7)), sameOrEach(numbersAt(row, 8))]
  const names = namesIn(row)
  const [positions, texts] = [numbersAt(row, 3), textAt(row, 11).split(separator)]
  const isLarge = numberAt(row, 0) > 0
  if (isLarge || names === undefined || texts.length !== positions.length) return undefined
  // Versions have no gaps; what was damaged is read as it stands.
  if (texts.length !== last - first + 1) return undefined
  return texts.map((text, index) => ({
    position: (positions[index] ?? 0) as Position,
    decider,
    streamId: id,
    version: (isForward ? first + index : last - index) as StreamVersion,
    type: names.get(types(index) ?? 0) ?? '',
    schemaVersion: schemaVersions(index) ?? 0,
    appendId: appendIds(index) ?? '',
    appendIndex: appendIndexes(index) ?? 0,
    recordedAtMs: times(index) ?? 0,
    text,
  }))
}

/** Tells the value of each event, of which there is one for all where all have the same. */
function sameOrEach<Value>(values: readonly Value[]): (index: number) => Value | undefined {
  const [same] = values
  return values.length === 1 ? () => same : (index) => values[index]
}

/** The names of the types of a page by their numbers; `undefined` when one holds what separates them. */
function namesIn(row: Row): ReadonlyMap<number, string> | undefined {
  const [numbers, names] = [numbersAt(row, 9), textAt(row, 10).split(separator)]
  if (numbers.length === 0) return new Map()
  if (numbers.length !== names.length) return undefined
  return new Map(numbers.map((number, index) => [number, names[index] ?? '']))
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
