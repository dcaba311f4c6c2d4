// The seals of a log in memory.
import { hash } from 'node:crypto'
import { position, type Position } from '../core/codec/index.ts'
import { pageBytesMax } from '../core/checks/index.ts'
import type { EventRecord } from '../core/ports/index.ts'
import {
  checkSeals,
  leafOf,
  requireFollowing,
  sealEventsMax,
  sealRangeOf,
  type SealedEvent,
  type SealRange,
  type SealStore,
  type Sha256,
} from '../core/seals/index.ts'
import { requireOpen, type LogState } from './log-state.ts'

const sha256: Sha256 = (data) => hash('sha256', data)

/** The seal store over the state of one log. */
export function createSealStore(state: LogState): SealStore {
  return {
    async rangeAfter(after) {
      requireOpen(state)
      return rangeAfter(state, after)
    },
    async append(seals) {
      requireOpen(state)
      checkSeals(seals)
      const head = position(state.events.length)
      requireFollowing(state.key, { last: state.seals.at(-1), head }, seals)
      state.seals.push(...seals.map((seal) => ({ ...seal })))
    },
    async last() {
      requireOpen(state)
      return state.seals.at(-1)
    },
    async list(after, limit) {
      requireOpen(state)
      return state.seals.slice(after, after + limit)
    },
  }
}

function rangeAfter(state: LogState, after: Position): SealRange | undefined {
  const leaves: string[] = []
  let bytes = 0
  for (const record of state.events.slice(after, after + sealEventsMax)) {
    bytes += record.payload.length
    if (bytes > pageBytesMax && leaves.length > 0) break
    leaves.push(leafOf(sealedEvent(state, record), sha256))
  }
  return leaves.length === 0 ? undefined : sealRangeOf(position(after + 1), leaves, sha256)
}

function sealedEvent({ outcomes }: LogState, record: EventRecord): SealedEvent {
  const { commandId, appendIndex } = record
  const kept = commandId === null || appendIndex > 0 ? undefined : outcomes.get(commandId)?.outcome
  if (kept === undefined) return { record, outcome: null }
  const { fingerprint, version, outcome, place } = kept
  const events = place.position - record.position + 1
  const text = outcome === null ? null : JSON.stringify(outcome)
  return { record, outcome: { fingerprint, events, version, outcome: text } }
}
