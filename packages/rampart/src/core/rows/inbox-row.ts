// Rows of the inbox and of the dead letters as commands; writers and readers use the same columns.
import type { CommandId, StreamId, StreamVersion } from '../identity.ts'
import type { DeadLetter, InboxCommand } from '../ports/command-inbox.ts'
import { numberAt, numberOrNullAt, textAt, textOrNullAt, type Row } from './row.ts'

/** The columns that make a command. */
export const inboxColumns =
  'command_id, fingerprint, decider, stream_id, type, data, expected_version, actor, correlation_id, ' +
  'received_at_ms, attempts, roles'

/** The command in a row that begins with those columns. */
export function inboxCommandOf(row: Row): InboxCommand {
  return {
    // Ids and versions were checked when the command was accepted.
    commandId: textAt(row, 0) as CommandId,
    fingerprint: textAt(row, 1),
    decider: textAt(row, 2),
    streamId: textAt(row, 3) as StreamId,
    type: textAt(row, 4),
    data: JSON.parse(textAt(row, 5)),
    expectedVersion: numberOrNullAt(row, 6) as StreamVersion | null,
    actor: textOrNullAt(row, 7),
    correlationId: textOrNullAt(row, 8),
    receivedAtMs: numberAt(row, 9),
    attempts: numberAt(row, 10),
    roles: rolesOf(textOrNullAt(row, 11)),
  }
}

/** The dead letter in a row that has its cause and time after the columns of its command. */
export function deadLetterOf(row: Row): DeadLetter {
  return { ...inboxCommandOf(row), cause: textAt(row, 12), buriedAtMs: numberAt(row, 13) }
}

function rolesOf(text: string | null): readonly string[] | null {
  return text === null ? null : JSON.parse(text)
}
