// Lists the commands of a database that have no outcome yet, and those that were given up: for operators.
import type { InspectedCommand, WantedCommands } from '../../core/inspection/index.ts'
import { readSql, type Statement } from '../database.ts'
import { numberAt, numberOrNullAt, textAt, textOrNullAt, type Row } from '../rows.ts'
import { appsIn, atOneMoment, withoutApp } from './one-moment.ts'

/** A command and its app. */
export interface AppCommand extends InspectedCommand {
  readonly app: string
}

/** Lists commands of each app: those without an outcome oldest first, then those given up, newest first. */
export async function inspectDatabaseCommands(
  url: string,
  { nowMs, state, limit }: WantedCommands,
): Promise<readonly AppCommand[]> {
  const statement: Statement = { name: 'inspect-commands', text: readSql('inspect-commands') }
  return atOneMoment(url, async (query) => {
    const found: AppCommand[] = []
    for (const app of await appsIn(query)) {
      // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
      const rows = await query(statement, [nowMs, app, state ?? null, limit])
      found.push(...rows.map((row) => ({ app, ...commandOf(row) })))
    }
    return found
  })
}

function commandOf(row: Row): InspectedCommand {
  return {
    // The statement gives these three.
    state: textAt(row, 0) as InspectedCommand['state'],
    log: withoutApp(textAt(row, 1)),
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
