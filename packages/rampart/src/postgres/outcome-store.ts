// Finds recorded outcomes of commands; the writer asks after an append, readers ask for a status.
import type { CommandId, Position, StreamVersion } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { StoredOutcome } from '../core/ports/index.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import { numberAt, textAt, textOrNullAt, type Row } from './rows.ts'

const findRecorded: Statement = { name: 'find-outcome', text: readSql('find-outcome') }

/** The outcome of a command, unless it has expired. */
export async function findOutcome(
  query: RunQuery,
  log: LogIdentity,
  { id, nowMs }: { readonly id: CommandId; readonly nowMs: number },
): Promise<StoredOutcome | undefined> {
  const [row] = await query(findRecorded, [log.number, id, nowMs])
  return row === undefined ? undefined : outcomeOf(log, id, row)
}

function outcomeOf({ epoch }: LogIdentity, commandId: CommandId, row: Row): StoredOutcome {
  const outcome = textOrNullAt(row, 1)
  return {
    commandId,
    fingerprint: textAt(row, 0),
    outcome: outcome === null ? null : JSON.parse(outcome),
    // Stored versions and positions are whole numbers.
    version: numberAt(row, 2) as StreamVersion,
    place: { epoch, position: numberAt(row, 3) as Position, eventId: textAt(row, 4) },
    recordedAtMs: numberAt(row, 5),
  }
}
