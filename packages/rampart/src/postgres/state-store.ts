// Stored states over PostgreSQL: appends keep them in their own call, readers find them.
import type { StreamId, StreamVersion } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { StoredState } from '../core/ports/index.ts'
import type { RunQuery, Statement } from './database.ts'
import { numberAt, textAt } from './rows.ts'

const findStored: Statement = {
  name: 'find-state',
  text: `SELECT stored.version, stored.state_version, stored.digest, stored.state
    FROM rampart_write.streams AS s JOIN rampart_write.states AS stored ON stored.stream = s.number
    WHERE s.log = $1 AND s.decider = $2 AND s.id = $3`,
}

/** Finds the stored state of a stream. */
export async function findState(
  query: RunQuery,
  { number }: LogIdentity,
  { decider, id }: { readonly decider: string; readonly id: StreamId },
): Promise<StoredState | undefined> {
  const [row] = await query(findStored, [number, decider, id])
  if (row === undefined) return undefined
  return {
    // Stored versions are whole numbers.
    version: numberAt(row, 0) as StreamVersion,
    stateVersion: numberAt(row, 1),
    digest: textAt(row, 2),
    text: textAt(row, 3),
  }
}
