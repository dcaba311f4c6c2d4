// Stored states over SQLite: the writer keeps them beside the events of an append, readers find them.
import type { DatabaseSync } from 'node:sqlite'
import type { StreamVersion } from '../core/codec/index.ts'
import type { StoredState, StreamWrite } from '../core/ports/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import { readSql } from './database.ts'
import { numberAt, prepareQuery, textAt } from './rows.ts'
import type { StreamHead } from './log-head.ts'
import type { WriterState } from './writer-state.ts'

/** Finds the stored state of a stream. */
export type StateFinder = (log: LogIdentity, decider: string, id: string) => StoredState | undefined

/** Prepares the look-up on a connection. */
export function createStateFinder(database: DatabaseSync): StateFinder {
  const find = prepareQuery(database, readSql('find-state'))
  return ({ number }, decider, id) => {
    const row = find.get(number, decider, id)
    if (row === undefined) return undefined
    return {
      // Stored versions are whole numbers.
      version: numberAt(row, 0) as StreamVersion,
      stateVersion: numberAt(row, 1),
      digest: textAt(row, 2),
      text: textAt(row, 3),
    }
  }
}

/** Keeps the states that the writes of an accepted append carry; `streams` stand as they are after it. */
export function keepStates(
  { statements }: WriterState,
  writes: readonly StreamWrite[],
  streams: readonly (StreamHead | undefined)[],
): void {
  for (let index = 0; index < writes.length; index++) {
    const state = writes[index]?.state
    const stream = streams[index]
    // A checked append has no state for a stream without events.
    if (state === undefined || stream === undefined) continue
    statements.keepState.run(stream.number, stream.version, state.stateVersion, state.digest, state.text)
  }
}
