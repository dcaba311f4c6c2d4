// Lists the commands of a store file that have no outcome yet, and those that were given up: for operators.
import type { InspectedCommand, WantedCommands } from '../core/inspection/index.ts'
import { readSql, requireTables, schemaStep } from './database.ts'
import { inspect } from './inspect-store.ts'
import { numberAt, numberOrNullAt, prepareQuery, textAt, textOrNullAt, type Row } from './rows.ts'
import { writeSchema } from './writer-service.ts'

/** Which commands to list of which store file. */
export interface InspectCommands extends WantedCommands {
  readonly file: string
}

/**
 * Lists commands: those without an outcome oldest first, then those given up, newest first. Reads files of
 * older versions, too. Throws `STORE_SCHEMA_NEWER`, or `STORE_UNAVAILABLE` for what cannot be read.
 */
export function inspectCommands({ file, nowMs, state, limit }: InspectCommands): readonly InspectedCommand[] {
  return inspect(file, writeSchema, (database) => {
    requireTables(database, file, writeSchema)
    const { steps } = writeSchema
    const hasCauses = steps.indexOf(readSql('add-inbox-causes')) < schemaStep(database, file, writeSchema)
    const sql = readSql('inspect-commands').replace('{cause}', hasCauses ? 'inbox.cause' : 'NULL')
    const query = prepareQuery(database, sql)
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
