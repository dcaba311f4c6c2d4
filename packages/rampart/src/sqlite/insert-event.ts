// Inserts one event: by the columns that most events fill, or by all of them. A value that is bound costs as
// much as a short one that is stored, also when it is NULL.
import type { NewEvent } from '../core/ports/index.ts'
import { contentTypeText, tagsText } from '../core/rows/index.ts'
import type { WriterStatements } from './writer-state.ts'

/** The columns of the event that claims a command id for its append. */
export interface ClaimColumns {
  readonly fingerprint: string | null
  /** How many events its append has; null for one. */
  readonly events: number | null
  /** The version that the outcome tells; null where it can be counted from the event. */
  readonly version: number | null
  readonly outcome: string | null
}

/** Those of every other event. */
export const noClaim: ClaimColumns = { fingerprint: null, events: null, version: null, outcome: null }

/** One event and the columns beside what it says itself. */
export interface EventRow {
  readonly place: number
  readonly stream: number
  readonly version: number
  readonly type: number
  readonly event: NewEvent
  readonly appendId: string
  readonly appendIndex: number
  readonly recordedAtMs: number
  readonly commandKey: Uint8Array | null
  readonly correlationId: string | null
  readonly causationId: string | null
  readonly actor: string | null
  readonly claim: ClaimColumns
}

type Statements = Pick<WriterStatements, 'insertEvent' | 'insertPlainEvent'>

/** False when the command id is taken; then nothing was inserted. */
export function insertEvent(statements: Statements, row: EventRow): boolean {
  const { event, claim } = row
  const contentType = contentTypeText(event)
  const tags = tagsText(event)
  const { dataSubjectId = null, keyId = null } = event
  const isPlain =
    (contentType ?? tags ?? dataSubjectId ?? keyId) === null &&
    (row.correlationId ?? row.causationId ?? row.actor) === null &&
    (claim.events ?? claim.version) === null
  if (isPlain) return insertPlain(statements, row)
  const { changes } = statements.insertEvent.run(
    row.place,
    row.stream,
    row.version,
    row.type,
    event.schemaVersion,
    row.appendId,
    row.appendIndex,
    row.recordedAtMs,
    row.commandKey,
    contentType,
    tags,
    row.correlationId,
    row.causationId,
    row.actor,
    dataSubjectId,
    keyId,
    claim.fingerprint,
    claim.events,
    claim.version,
    claim.outcome,
    event.payload,
  )
  return changes !== 0
}

function insertPlain({ insertPlainEvent }: Statements, row: EventRow): boolean {
  const { changes } = insertPlainEvent.run(
    row.place,
    row.stream,
    row.version,
    row.type,
    row.event.schemaVersion,
    row.appendId,
    row.appendIndex,
    row.recordedAtMs,
    row.commandKey,
    row.claim.fingerprint,
    row.claim.outcome,
    row.event.payload,
  )
  return changes !== 0
}
