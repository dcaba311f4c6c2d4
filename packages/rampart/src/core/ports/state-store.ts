// The state store, a part of the event store port: states of streams that commit with the events they were
// folded from. The write side keeps state rows and snapshots in it; to the store both are the same.
//
// Promises, each proved by the rules of the same number in the conformance suite:
//
// SS-1  A state is stored by the append that carries it, or not at all: whatever an append comes to but
//       `appended`, the state stored before it stays.
// SS-2  The version of a stored state is the one that its stream has after the append. Later appends without
//       a state leave it behind; it is never ahead of its stream, also for a reader beside the writer.
// SS-3  A stream has one state, the last one stored, also when appends of one batch chain. Streams of other
//       deciders and logs have their own.
// SS-4  A state comes back as it went in.
// SS-5  An acknowledged state is as durable as events are.
// SS-6  A state needs a write that demands a version and leaves the stream with at least one event; its
//       version, digest and size are checked before the append is queued.
import type { StreamVersion } from '../identity.ts'

/** The state of a stream to store with a write, as it is after the events of that write. */
export interface NewState {
  /** The version of the decider's `state(version, …)` that made it, from 1. */
  readonly stateVersion: number
  /** JSON; at most `stateLengthMax` characters. The store does not look into it. */
  readonly text: string
  /** What tells its reader that nothing was changed; 1 to 64 characters. The store does not look into it. */
  readonly digest: string
}

/** A state as it was stored. */
export interface StoredState extends NewState {
  /** The version that the stream had with it. */
  readonly version: StreamVersion
}

/** Longest text of a stored state, in UTF-16 code units. */
export const stateLengthMax = 4 * 1024 * 1024
