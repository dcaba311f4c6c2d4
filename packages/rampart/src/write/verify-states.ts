// Verifies stored states: each must be what the events of its stream fold to.
import { decodeEvent, isSameJson, streamVersion } from '../core/codec/index.ts'
import type { Context, Json } from '../core/index.ts'
import type { InspectedState, LogInspection } from '../core/seals/index.ts'
import { fold, initialState, type LoadedState } from './fold.ts'
import { readState, type StateName } from './stored-state.ts'

/** A stored state that is not what it must be. */
export interface StateFinding {
  readonly state: Pick<InspectedState, 'decider' | 'streamId' | 'version'>
  readonly what: string
}

/** How many states were compared, and how many are of another version than this code's. */
export interface VerifiedStates {
  readonly compared: number
  readonly others: number
}

/** Folds the events of each stream that has a stored state, and compares. */
export async function verifyStates(
  context: Context,
  log: Pick<LogInspection, 'states' | 'readStream'>,
  report: (finding: StateFinding) => void,
): Promise<VerifiedStates> {
  const definitions = new Map(context.deciders.map(({ name, definition }) => [name, definition]))
  let compared = 0
  let others = 0
  for await (const states of log.states()) {
    for (const state of states) {
      const definition = definitions.get(state.decider)
      if (definition === undefined || definition.state.version !== state.stateVersion) {
        others += 1
        continue
      }
      compared += 1
      // oxlint-disable-next-line no-await-in-loop -- one stream after the other, to hold little
      const what = await faultOf({ definition, id: state.streamId }, state, log)
      if (what !== undefined) report({ state, what })
    }
  }
  return { compared, others }
}

async function faultOf(
  name: StateName,
  state: InspectedState,
  log: Pick<LogInspection, 'readStream'>,
): Promise<string | undefined> {
  const read = readState(name, state)
  if ('fault' in read) return `the stored state cannot be used: ${read.fault}`
  try {
    const folded = await foldTo(name, state, log)
    if (folded.version < state.version) return `the stored state is ahead of its stream, at ${folded.version}`
    // What is stored went through JSON.
    const value: Json = JSON.parse(JSON.stringify(folded.state) ?? 'null')
    return isSameJson(value, read.state) ? undefined : 'the stored state is not what its events fold to'
  } catch (fault) {
    return `its events cannot be folded: ${fault instanceof Error ? fault.message : String(fault)}`
  }
}

async function foldTo(
  { definition, id }: StateName,
  { version }: InspectedState,
  log: Pick<LogInspection, 'readStream'>,
): Promise<LoadedState> {
  let folded = initialState(definition)
  const query = { decider: definition.of.name, id, to: streamVersion(version) }
  for await (const page of log.readStream(query)) {
    const events = page.map((record) => ({
      type: record.type,
      data: decodeEvent(definition.of, record).data,
      payloadBytes: 0,
    }))
    folded = fold(definition, folded, events)
  }
  return folded
}
