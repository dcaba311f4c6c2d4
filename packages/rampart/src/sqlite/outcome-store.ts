// Finds recorded outcomes of commands; the writer asks before it appends, readers ask for a status.
import type { DatabaseSync } from 'node:sqlite'
import type { CommandId, StreamVersion } from '../core/codec/index.ts'
import type { StoredOutcome } from '../core/ports/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import { readSql } from './database.ts'
import { commandKey, positionOf } from './places.ts'
import { numberAt, prepareQuery, textAt, textOrNullAt, type Row } from './rows.ts'

/** Finds outcomes over one connection. */
export interface OutcomeFinder {
  /** The outcome of a command that recorded events. */
  readonly findWithEvents: (log: LogIdentity, id: CommandId) => StoredOutcome | undefined
  /** The outcome of a command that recorded none, unless it has expired. */
  readonly findKept: (log: LogIdentity, id: CommandId, nowMs: number) => StoredOutcome | undefined
}

/** Prepares the look-ups on a connection. */
export function createOutcomeFinder(database: DatabaseSync): OutcomeFinder {
  const withEvents = prepareQuery(database, readSql('find-event-outcome'))
  const kept = prepareQuery(database, readSql('find-kept-outcome'))
  return {
    findWithEvents: (log, id) => {
      const row = withEvents.get(commandKey(log.number, id))
      return row === undefined ? undefined : fromEvent(log, id, row)
    },
    findKept: (log, id, nowMs) => {
      const row = kept.get(commandKey(log.number, id), nowMs)
      return row === undefined ? undefined : fromOutcome(log, id, row)
    },
  }
}

function fromEvent({ epoch }: LogIdentity, commandId: CommandId, row: Row): StoredOutcome {
  const events = numberAt(row, 4)
  return {
    commandId,
    fingerprint: textAt(row, 0),
    outcome: outcomeOf(row, 1),
    // Stored versions are whole numbers.
    version: numberAt(row, 2) as StreamVersion,
    place: {
      epoch,
      position: positionOf(numberAt(row, 3) + events - 1),
      eventId: `${textAt(row, 5)}.${events - 1}`,
    },
    recordedAtMs: numberAt(row, 6),
  }
}

function fromOutcome({ epoch }: LogIdentity, commandId: CommandId, row: Row): StoredOutcome {
  return {
    commandId,
    fingerprint: textAt(row, 0),
    outcome: outcomeOf(row, 1),
    // Stored versions are whole numbers.
    version: numberAt(row, 2) as StreamVersion,
    place: { epoch, position: positionOf(numberAt(row, 3)), eventId: textAt(row, 4) },
    recordedAtMs: numberAt(row, 5),
  }
}

function outcomeOf(row: Row, index: number): StoredOutcome['outcome'] {
  const text = textOrNullAt(row, index)
  return text === null ? null : JSON.parse(text)
}
