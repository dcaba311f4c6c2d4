// Rows of seals and of stored states. Whoever verifies looks at whatever stands there, so nothing is
// checked here.
import type { Position, StreamId, StreamVersion } from '../identity.ts'
import type { Seal } from '../ports/seal-store.ts'
import type { InspectedState } from '../seals/inspection.ts'
import { numberAt, textAt, type Row } from './row.ts'

/** The seal in a row of its number, ends, epoch, root, time, digest before, own digest and marks. */
export function sealOf(row: Row): Seal {
  return {
    number: numberAt(row, 0),
    first: numberAt(row, 1) as Position,
    last: numberAt(row, 2) as Position,
    epoch: textAt(row, 3),
    root: textAt(row, 4),
    sealedAtMs: numberAt(row, 5),
    previous: textAt(row, 6),
    digest: textAt(row, 7),
    marks: textAt(row, 8),
  }
}

/**
 * The state in a row that has, after its place, decider, id, version, version of the state, digest and
 * text.
 */
export function inspectedStateOf(row: Row): InspectedState {
  return {
    decider: textAt(row, 1),
    streamId: textAt(row, 2) as StreamId,
    version: numberAt(row, 3) as StreamVersion,
    stateVersion: numberAt(row, 4),
    digest: textAt(row, 5),
    text: textAt(row, 6),
  }
}
