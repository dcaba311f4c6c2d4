// Verifies stored states: each must be what the events of its stream fold to.
import { decodeEvent, isSameJson, streamVersion, type DeciderDefinition } from '../core/codec/index.ts'
import type { Context, Json } from '../core/index.ts'
import type { InspectedState, LogInspection } from '../core/seals/index.ts'
import { fold, initialState, type LoadedState } from './fold.ts'
import { isMigrated, migrateState, readState, type StateName } from './stored-state.ts'

/** A stored state that is not what it must be. */
export interface StateFinding {
  readonly state: Pick<InspectedState, 'decider' | 'streamId' | 'version'>
  readonly what: string
}

/** How many states were compared, and how many are of a version that this code does not load. */
export interface VerifiedStates {
  readonly compared: number
  readonly others: number
}

/** Folds the events of each stream that has a stored state that is still loaded, and compares. */
export async function verifyStates(
  context: Context,
  log: Pick<LogInspection, 'states' | 'readStream'>,
  report: (finding: StateFinding) => void,
): Promise<VerifiedStates> {
  let compared = 0
  let others = 0
  for await (const states of log.states()) {
    for (const state of states) {
      const definition = definitionFor(context, state)
      if (definition === undefined) others += 1
      else compared += 1
      // oxlint-disable-next-line no-await-in-loop -- one stream after the other, to hold little
      const what = await faultOf(definition, state, log)
      if (what !== undefined) report({ state, what })
    }
  }
  return { compared, others }
}

/** Who loads a state; `undefined` when it is folded anew, or refused. */
function definitionFor(
  { deciders, repositories }: Context,
  { decider, stateVersion }: InspectedState,
): DeciderDefinition | undefined {
  const definition = deciders.find(({ name }) => name === decider)?.definition
  if (definition === undefined) return undefined
  const isLoaded =
    definition.state.version === stateVersion ||
    (repositories[decider] === 'stateStored' && isMigrated(definition, stateVersion))
  return isLoaded ? definition : undefined
}

async function faultOf(
  definition: DeciderDefinition | undefined,
  stored: InspectedState,
  log: Pick<LogInspection, 'readStream'>,
): Promise<string | undefined> {
  const { decider, streamId: id } = stored
  const read = readState({ definition: { of: { name: decider } }, id }, stored)
  if ('fault' in read) return `the stored state cannot be used: ${read.fault}`
  if (definition === undefined) return undefined
  const name = { definition, id }
  try {
    const state = migrateState(name, stored, read.state)
    const folded = await foldTo(name, stored, log)
    if (folded.version < stored.version)
      return `the stored state is ahead of its stream, at ${folded.version}`
    const isSame = isSameJson(asStored(folded.state), asStored(state))
    return isSame ? undefined : 'the stored state is not what its events fold to'
  } catch (fault) {
    const reason = fault instanceof Error ? fault.message : String(fault)
    return `it cannot be compared with its events: ${reason.replace(/\.$/, '')}`
  }
}

// What is stored went through JSON.
function asStored(state: unknown): Json {
  return JSON.parse(JSON.stringify(state) ?? 'null')
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
