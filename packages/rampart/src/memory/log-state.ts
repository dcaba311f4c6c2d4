// What one log in memory holds; its event store and its inbox share it, as they would share a database.
import { position, type CommandId, type Position, type StreamVersion } from '../core/codec/index.ts'
import { RampartError, type Runtime } from '../core/index.ts'
import {
  eventId,
  type CollectionShape,
  type DeadLetter,
  type Epoch,
  type EventRecord,
  type InboxCommand,
  type KeptChange,
  type LogKey,
  type LogPlace,
  type StoredDocument,
  type StoredOutcome,
  type StoredState,
} from '../core/ports/index.ts'
import type { Seal } from '../core/seals/index.ts'

/** What a log in memory needs. */
export interface MemoryLogOptions {
  readonly runtime: Runtime
  readonly inboxCommandsMax: number
}

/** An outcome, and when its command id is free again (null = never). */
export interface KeptOutcome {
  readonly outcome: StoredOutcome
  readonly expiresAtMs: number | null
}

/** A command in the inbox, with who handles it. */
export interface InboxEntry {
  command: InboxCommand
  /** Of its data as JSON. */
  readonly bytes: number
  /** Null while nobody handles it. */
  owner: string | null
  leaseUntilMs: number
  dueAtMs: number
}

/** Documents that commit with the events of a log. */
export interface MemoryCollection {
  readonly number: number
  readonly shape: CollectionShape
  readonly documents: Map<string, StoredDocument>
  /** The ticket of the append that changed each document last, by key. */
  readonly tickets: Map<string, string | undefined>
  readonly onChanged: Set<(change: KeptChange) => void>
  readonly onCommitted: Set<() => void>
  /** The stored checkpoint until it is kept; from then on it is the head of the log. */
  checkpoint: LogPlace
  isKept: boolean
}

/** Everything that one log holds. */
export interface LogState {
  readonly key: LogKey
  /** Oldest first. */
  readonly epochs: Epoch[]
  /** The event at index i has position i + 1. */
  readonly events: EventRecord[]
  /** Events of each stream in order of version, by `streamKey`. */
  readonly streams: Map<string, EventRecord[]>
  /** The ticket of the append that made each stream's last event, by `streamKey`. */
  readonly tickets: Map<string, string | undefined>
  /** The last state of each stream that has one, by `streamKey`. */
  readonly states: Map<string, StoredState>
  /** Events with each tag in order of position. */
  readonly tagged: Map<string, EventRecord[]>
  readonly outcomes: Map<CommandId, KeptOutcome>
  /** The seal at index i has number i + 1. */
  readonly seals: Seal[]
  /** In the order of acceptance. */
  readonly inbox: Map<CommandId, InboxEntry>
  readonly deadLetters: DeadLetter[]
  /** Documents that commit with events, by the number of their collection. */
  readonly collections: Map<number, MemoryCollection>
  lastCollection: number
  readonly onAppended: Set<() => void>
  readonly onAccepted: Set<() => void>
  isClosed: boolean
}

/** An empty log. */
export function createLogState(key: LogKey, epoch: string): LogState {
  return {
    key,
    epochs: [{ epoch, forkPosition: position(0) }],
    events: [],
    streams: new Map(),
    tickets: new Map(),
    states: new Map(),
    tagged: new Map(),
    outcomes: new Map(),
    seals: [],
    inbox: new Map(),
    deadLetters: [],
    collections: new Map(),
    lastCollection: 0,
    onAppended: new Set(),
    onAccepted: new Set(),
    isClosed: false,
  }
}

/** One text for a decider and an id; NUL cannot stand in either. */
export function streamKey(decider: string, id: string): string {
  return `${decider}\0${id}`
}

/** How many events a stream has. */
export function versionOf(state: LogState, decider: string, id: string): StreamVersion {
  // A length is a whole number from 0.
  return (state.streams.get(streamKey(decider, id))?.length ?? 0) as StreamVersion
}

/** The place at a position that the log has reached. */
export function placeAt({ epochs, events }: LogState, at: number): LogPlace {
  const event = events[at - 1]
  return {
    epoch: epochs.at(-1)?.epoch ?? '',
    // Positions of events are checked where they are made; 0 stands before the first.
    position: at as Position,
    eventId: event === undefined ? '' : eventId(event),
  }
}

/** The outcome of a command that has not expired. */
export function liveOutcome(state: LogState, id: CommandId, nowMs: number): StoredOutcome | undefined {
  const kept = state.outcomes.get(id)
  if (kept === undefined) return undefined
  if (kept.expiresAtMs === null || kept.expiresAtMs > nowMs) return kept.outcome
  state.outcomes.delete(id)
  return undefined
}

/** Throws `STORE_CLOSED` once the store is closed. */
export function requireOpen(state: LogState): void {
  if (!state.isClosed) return
  throw new RampartError('STORE_CLOSED', `The store in memory of the log ${state.key} is closed.`)
}
