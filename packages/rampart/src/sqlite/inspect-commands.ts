// Lists the commands of a store file that have no outcome yet, and those that were given up: for operators.
import { readSql } from './database.ts'
import { inspect } from './inspect-store.ts'
import { numberAt, numberOrNullAt, prepareQuery, textAt, textOrNullAt, type Row } from './rows.ts'
import { writeSchema } from './writer-service.ts'

/** A command as operators see it: it waits, is being handled, or was given up. */
export interface InspectedCommand {
  readonly state: 'received' | 'running' | 'failed'
  readonly log: string
  readonly type: string
  readonly decider: string
  readonly streamId: string
  readonly commandId: string
  /** How often it was claimed so far. */
  readonly attempts: number
  /** When it was accepted, or given up. */
  readonly atMs: number
  /** When it is tried again at the earliest; null when it was not tried yet, or is being handled. */
  readonly nextAttemptAtMs: number | null
  /** Why its last attempt failed; null when none did. */
  readonly cause: string | null
}

/** What to list of a store file. */
export interface InspectCommands {
  readonly file: string
  readonly nowMs: number
  /** Those of one state; all unless given. */
  readonly state?: InspectedCommand['state']
  readonly limit: number
}

/** Lists commands: those without an outcome oldest first, then those given up, newest first. */
export function inspectCommands({ file, nowMs, state, limit }: InspectCommands): readonly InspectedCommand[] {
  return inspect(file, writeSchema, (database) => {
    const query = prepareQuery(database, readSql('inspect-commands'))
    return query.allNamed({ now: nowMs, state: state ?? null, limit }).map(commandOf)
  })
}

function commandOf(row: Row): InspectedCommand {
  return {
    // The statement gives these three.
    state: textAt(row, 0) as InspectedCommand['state'],
    log: textAt(row, 1),
    type: textAt(row, 2),
    decider: textAt(row, 3),
    streamId: textAt(row, 4),
    commandId: textAt(row, 5),
    attempts: numberAt(row, 6),
    atMs: numberAt(row, 7),
    nextAttemptAtMs: numberOrNullAt(row, 8),
    cause: textOrNullAt(row, 9),
  }
}
