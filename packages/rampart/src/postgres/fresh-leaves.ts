// Leaves of the events that this process has just appended, so that whoever seals here need not read them
// again. They are made from what was sent, while the database works on it.
//
//   call on its way ──> drafts ──> answer ──> kept in the order of positions ──> taken by the next seals
//
// One run of positions that follow each other is kept. Where another process has appended in between, or an
// outcome was not known at once, the run begins anew, and seals read what it does not hold.
import { hash } from 'node:crypto'
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type { EventRecord, NewEvent, StreamWrite } from '../core/ports/index.ts'
import { usualContentType } from '../core/rows/index.ts'
import { leafOf, type SealedOutcome, type Sha256 } from '../core/seals/index.ts'
import { countEvents, expectedOf, type CallAppend, type CallResult } from './append-call.ts'
import { isTooLong, keepLeaves, leavesAfter, startRun, type LeafRun } from './leaf-run.ts'

/** The hash of seals. */
export const sha256: Sha256 = (data) => hash('sha256', data)

/** The leaves that an append has if its streams and the clock stand as this process expects. */
interface Draft {
  readonly versions: readonly number[]
  readonly recordedAtMs: number
  readonly leaves: readonly string[]
}

/** What came of a call. */
export interface AnsweredCall {
  readonly appends: readonly CallAppend[]
  readonly results: readonly CallResult[]
  readonly recordedAtMs: number
}

/** Leaves of new events by log. */
export interface FreshLeaves {
  /** Makes them for appends that are on their way; none while nobody seals the log here. */
  readonly draft: (
    log: { readonly number: number; readonly nowMs: number },
    appends: readonly CallAppend[],
  ) => readonly Draft[]
  /** Keeps those of the appends that were accepted. */
  readonly keep: (log: number, drafts: readonly Draft[], call: AnsweredCall) => void
  /**
   * The leaves after a position that one seal may cover; empty where they must be read. Who asks seals the
   * log, and does not ask for what lies before any more.
   */
  readonly after: (log: number, position: number) => readonly string[]
}

/** Keeps nothing before somebody asks. */
export function createFreshLeaves(): FreshLeaves {
  const runs = new Map<number, LeafRun>()
  return {
    draft: ({ number, nowMs }, appends) =>
      runs.has(number) ? appends.map((append) => draftOf(append, nowMs)) : [],
    keep(log, drafts, call) {
      const run = runs.get(log)
      if (run === undefined) return
      for (let index = 0; index < call.results.length; index++) {
        const [append, result, draft] = [call.appends[index], call.results[index], drafts[index]]
        if (append === undefined || result?.status !== 'appended') continue
        const settled = { versions: result.versions, recordedAtMs: call.recordedAtMs }
        const fits = draft !== undefined && isAs(draft, settled)
        const leaves = fits ? draft.leaves : leavesOf(append, settled)
        keepLeaves(run, { last: result.place.position, leaves, append })
      }
      // Who seals after all must read them.
      if (isTooLong(run)) runs.delete(log)
    },
    after(log, position) {
      const run = runs.get(log)
      if (run !== undefined) return leavesAfter(run, position)
      runs.set(log, startRun())
      return []
    },
  }
}

interface Settled {
  readonly versions: readonly number[]
  readonly recordedAtMs: number
}

function draftOf(append: CallAppend, recordedAtMs: number): Draft {
  const versions = append.checked.request.writes.map(versionAfter)
  return { versions, recordedAtMs, leaves: leavesOf(append, { versions, recordedAtMs }) }
}

// A write at any version has none that could be expected; its leaves are made anew then.
function versionAfter(write: StreamWrite): number {
  return expectedOf(write) + write.events.length
}

function isAs(draft: Draft, { versions, recordedAtMs }: Settled): boolean {
  return (
    draft.recordedAtMs === recordedAtMs &&
    versions.every((version, index) => version === draft.versions[index])
  )
}

/** The leaves of an append's events in the order of their positions, on which they do not depend. */
function leavesOf(append: CallAppend, settled: Settled): readonly string[] {
  const { writes } = append.checked.request
  const outcome = outcomeOf(append, settled)
  const leaves: string[] = []
  for (let index = 0; index < writes.length; index++) {
    const write = writes[index]
    if (write === undefined) continue
    let version = (settled.versions[index] ?? 0) - write.events.length
    for (const event of write.events) {
      const place = { version: ++version, appendIndex: leaves.length }
      const record = recordOf(append, { write, event, ...place, recordedAtMs: settled.recordedAtMs })
      leaves.push(leafOf({ record, outcome: leaves.length === 0 ? outcome : null }, sha256))
    }
  }
  return leaves
}

function outcomeOf({ checked }: CallAppend, { versions }: Settled): SealedOutcome | null {
  const { command } = checked.request
  if (command === undefined) return null
  const [version = 0] = versions
  const { fingerprint } = command
  return { fingerprint, events: countEvents(checked.request), version, outcome: checked.outcome }
}

interface SentEvent {
  readonly write: StreamWrite
  readonly event: NewEvent
  readonly version: number
  readonly appendIndex: number
  readonly recordedAtMs: number
}

const noTags: readonly string[] = []

/** An event as it is read later. */
function recordOf({ checked, appendId }: CallAppend, sent: SentEvent): EventRecord {
  const { command, correlationId, causationId, actor } = checked.request
  const { write, event } = sent
  return {
    // No part of a leaf.
    position: 0 as Position,
    decider: write.decider,
    streamId: write.id,
    // Counted on from a checked version.
    version: sent.version as StreamVersion,
    type: event.type,
    schemaVersion: event.schemaVersion,
    appendId,
    appendIndex: sent.appendIndex,
    recordedAtMs: sent.recordedAtMs,
    payload: event.payload,
    commandId: command?.id ?? null,
    contentType: event.contentType ?? usualContentType,
    tags: event.tags ?? noTags,
    correlationId: correlationId ?? null,
    causationId: causationId ?? null,
    actor: actor ?? null,
    dataSubjectId: event.dataSubjectId ?? null,
    keyId: event.keyId ?? null,
  }
}
