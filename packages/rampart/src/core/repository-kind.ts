// How the states of a decider's streams are kept: folded from events, or as rows beside them.
import { RampartError } from './errors.ts'

/**
 * How the state of a stream comes about; events are recorded either way. `eventSourced` folds its events,
 * from the last snapshot on; `snapshotEvery` says after how many events another one is stored, and 0 stores
 * none. `stateStored` keeps the state itself as a row, which commits with its events.
 */
export type RepositoryKind = 'eventSourced' | 'stateStored' | { readonly snapshotEvery: number }

/** Repository kinds by decider; `eventSourced` where none is named. */
export type RepositoryKinds = Readonly<Record<string, RepositoryKind | undefined>>

/** How many events lie between two snapshots unless said. */
export const snapshotEveryUnlessSaid = 50

/** Throws `DEFINITION_INVALID` for kinds of deciders that are not there, and for kinds that are none. */
export function requireRepositoryKinds(
  contextName: string,
  kinds: RepositoryKinds,
  deciders: readonly string[],
): void {
  for (const [decider, kind] of Object.entries(kinds)) {
    const place = `Context ${contextName} names a repository for ${decider}`
    if (!deciders.includes(decider)) {
      const message = `${place}, but has the deciders ${deciders.join(', ')}. Name one of these.`
      throw new RampartError('DEFINITION_INVALID', message)
    }
    if (kind === undefined || kind === 'eventSourced' || kind === 'stateStored') continue
    if (typeof kind !== 'object') {
      const known = 'eventSourced, stateStored or { snapshotEvery }'
      throw new RampartError('DEFINITION_INVALID', `${place} of the kind ${String(kind)}. Use ${known}.`)
    }
    if (Number.isSafeInteger(kind.snapshotEvery) && kind.snapshotEvery >= 0) continue
    const message = `${place} with ${kind.snapshotEvery} events between snapshots. Use a whole number from 0.`
    throw new RampartError('DEFINITION_INVALID', message)
  }
}
