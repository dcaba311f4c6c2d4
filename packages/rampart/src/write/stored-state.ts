// States as they are stored beside events: written with a digest, and read back only if nothing was changed.
import { hash } from 'node:crypto'
import { stateLengthMax } from '../core/checks/index.ts'
import { jsonFaults, type DeciderDefinition, type StreamId } from '../core/codec/index.ts'
import { RampartError, type Json } from '../core/index.ts'
import type { StoredState } from '../core/ports/index.ts'
import { deepFreeze, type LoadedState } from './fold.ts'

/** Whose state it is. */
export interface StateName {
  readonly definition: DeciderDefinition
  readonly id: StreamId
}

/** As much of it as its digest needs. */
interface OwnerName {
  readonly definition: { readonly of: Pick<DeciderDefinition['of'], 'name'> }
  readonly id: StreamId
}

/** A state ready to be stored, and the same state as it will be read again. */
export interface WrittenState {
  readonly stored: StoredState
  readonly after: LoadedState
}

/** Writes a state, or says why it cannot be stored. */
export function writeState(name: StateName, loaded: LoadedState): WrittenState | { readonly fault: string } {
  const text = textOf(loaded.state)
  if (text === undefined) return { fault: 'it is not JSON' }
  if (text.length > stateLengthMax) {
    return { fault: `it has ${text.length} characters as JSON, and ${stateLengthMax} are allowed` }
  }
  const { version } = loaded
  const stateVersion = name.definition.state.version
  const stored = { stateVersion, text, version, digest: digestOf(name, { stateVersion, version, text }) }
  // Whatever else is known of the state stays: which append it builds on, for one.
  return { stored, after: { ...loaded, ...loadedFrom(stored, JSON.parse(text), version) } }
}

/** Reads a stored state of whatever version, or says why it is unusable. */
export function readState(
  name: OwnerName,
  stored: StoredState,
): { readonly state: Json } | { readonly fault: string } {
  if (stored.digest !== digestOf(name, stored)) return { fault: 'it is not what was stored' }
  try {
    return { state: JSON.parse(stored.text) }
  } catch {
    // The digest tells that it was written like this.
    return { fault: 'it is not JSON' }
  }
}

/** A state that was read, as the base of further events. */
export function loadedFrom(stored: StoredState, state: unknown, storedVersion: number): LoadedState {
  const { length } = stored.text
  return { state: deepFreeze(state), version: stored.version, weight: length, weighed: length, storedVersion }
}

/**
 * Brings a stored state to the version of the decider. Throws `STATE_UNREADABLE` when a step is missing or
 * throws, and for a state of newer code.
 */
export function migrateState(name: StateName, { stateVersion }: StoredState, state: Json): Json {
  const { version, migrate = {} } = name.definition.state
  if (stateVersion > version) {
    throw unreadable(name, `it has the state version ${stateVersion}, and this code knows ${version}`)
  }
  let current = state
  for (let from = stateVersion; from < version; from++) {
    const step = migrate[from]
    if (step === undefined) {
      throw unreadable(name, `no migration leads from its state version ${from} to ${from + 1}`)
    }
    try {
      current = step(current)
    } catch (cause) {
      throw unreadable(name, `the migration from its state version ${from} threw`, cause)
    }
  }
  return current
}

/** Whether migrations lead from a version of the state to that of the decider. */
export function isMigrated({ state: { version, migrate = {} } }: DeciderDefinition, from: number): boolean {
  for (let step = from; step < version; step++) if (migrate[step] === undefined) return false
  return from <= version
}

/** The fault of a state row that cannot be used. */
export function unreadable({ definition, id }: StateName, reason: string, cause?: unknown): RampartError {
  const message =
    `The stored state of ${definition.of.name} ${JSON.stringify(id)} cannot be used: ${reason}. ` +
    'Add a migration to its state, or keep the decider event-sourced, which folds its events anew.'
  return new RampartError('STATE_UNREADABLE', message, { cause })
}

// Whose state it is and at which versions are part of the digest, so that a row in a wrong place is noticed.
function digestOf({ definition, id }: OwnerName, stored: Omit<StoredState, 'digest'>): string {
  const { stateVersion, version, text } = stored
  const place = [definition.of.name, id, stateVersion, version].join('\0')
  return hash('sha256', `${place}\0${text}`, 'base64url').slice(0, 22)
}

function textOf(state: unknown): string | undefined {
  if (state === undefined || jsonFaults(state).length > 0) return undefined
  return JSON.stringify(state)
}
