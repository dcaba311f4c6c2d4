// The inbox port in memory.
import type { CommandId } from '../core/codec/index.ts'
import {
  claimBytesMaxUnlessSaid,
  checkBurial,
  checkInboxCommand,
  type CheckedBurial,
  type CheckedInboxCommand,
} from '../core/checks/index.ts'
import type { AcceptResult, ClaimRequest, CommandInbox, InboxCommand } from '../core/ports/index.ts'
import { liveOutcome, placeAt, requireOpen, streamKey, versionOf } from './log-state.ts'
import type { InboxEntry, LogState, MemoryLogOptions } from './log-state.ts'

type ReleaseTerms = NonNullable<Parameters<CommandInbox['release']>[2]>

const encoder = new TextEncoder()

/** The inbox over the state of one log. */
export function createCommandInbox(state: LogState, options: MemoryLogOptions): CommandInbox {
  return {
    accept: async (command) => {
      requireOpen(state)
      const result = accept(state, checkInboxCommand(command), options)
      if (result.status === 'accepted') for (const callback of state.onAccepted) callback()
      return result
    },
    claim: async (request) => {
      requireOpen(state)
      return claim(state, request)
    },
    release: async (commandIds, retryAtMs, terms = {}) => {
      requireOpen(state)
      for (const id of commandIds) release(state, { ...terms, id, retryAtMs })
    },
    bury: async (burial) => {
      requireOpen(state)
      bury(state, checkBurial(burial), options.runtime.nowMs())
    },
    find: async (id) => state.inbox.get(id)?.command,
    depth: async () => ({ commands: state.inbox.size, nextDueMs: nextDueMs(state) }),
    deadLetters: async (limit) => state.deadLetters.toReversed().slice(0, limit),
    onAccepted: (callback) => {
      state.onAccepted.add(callback)
      return () => void state.onAccepted.delete(callback)
    },
  }
}

function accept(
  state: LogState,
  { command, data }: CheckedInboxCommand,
  { runtime, inboxCommandsMax }: MemoryLogOptions,
): AcceptResult {
  const outcome = liveOutcome(state, command.commandId, runtime.nowMs())
  if (outcome !== undefined) {
    return outcome.fingerprint === command.fingerprint
      ? { status: 'repeated', outcome }
      : { status: 'reused' }
  }
  const waiting = state.inbox.get(command.commandId)?.command
  if (waiting !== undefined) {
    const isSame = waiting.fingerprint === command.fingerprint
    return isSame ? { status: 'waiting', command: waiting } : { status: 'reused' }
  }
  if (state.inbox.size >= inboxCommandsMax) return { status: 'full' }
  state.inbox.set(command.commandId, {
    command: { ...command, data: JSON.parse(data), attempts: 0 },
    bytes: encoder.encode(data).length,
    owner: null,
    leaseUntilMs: 0,
    dueAtMs: 0,
  })
  return { status: 'accepted' }
}

function claim(state: LogState, request: ClaimRequest): readonly InboxCommand[] {
  const { owner, limit, bytesMax = claimBytesMaxUnlessSaid, nowMs, leaseMs } = request
  let bytes = 0
  const blocked = new Set<string>()
  const claimed: InboxCommand[] = []
  for (const entry of state.inbox.values()) {
    if (claimed.length === limit) break
    const stream = streamKey(entry.command.decider, entry.command.streamId)
    const isHeld = entry.owner !== null && entry.leaseUntilMs > nowMs
    const isDue = !isHeld && entry.dueAtMs <= nowMs
    if (isDue && !blocked.has(stream)) {
      bytes += entry.bytes
      if (bytes > bytesMax && claimed.length > 0) break
      claimed.push(hand(entry, owner, nowMs + leaseMs))
    } else if (!isHeld || entry.owner !== owner) blocked.add(stream)
  }
  return claimed
}

function hand(entry: InboxEntry, owner: string, leaseUntilMs: number): InboxCommand {
  entry.command = { ...entry.command, attempts: entry.command.attempts + 1 }
  entry.owner = owner
  entry.leaseUntilMs = leaseUntilMs
  return entry.command
}

function release(
  state: LogState,
  {
    id,
    retryAtMs,
    owner,
    untried = 0,
  }: ReleaseTerms & { readonly id: CommandId; readonly retryAtMs: number },
): void {
  const entry = state.inbox.get(id)
  if (entry === undefined || (owner !== undefined && entry.owner !== owner)) return
  const { command } = entry
  if (entry.owner !== null) entry.command = { ...command, attempts: Math.max(command.attempts - untried, 0) }
  entry.owner = null
  entry.dueAtMs = retryAtMs
}

function bury(state: LogState, { burial, outcome }: CheckedBurial, nowMs: number): void {
  const entry = state.inbox.get(burial.commandId)
  if (entry === undefined) return
  const { command } = entry
  const recordedAtMs = Math.max(nowMs, state.events.at(-1)?.recordedAtMs ?? 0)
  state.inbox.delete(command.commandId)
  state.outcomes.set(command.commandId, {
    expiresAtMs: burial.expiresAtMs,
    outcome: {
      commandId: command.commandId,
      fingerprint: command.fingerprint,
      outcome: JSON.parse(outcome),
      version: versionOf(state, command.decider, command.streamId),
      place: placeAt(state, state.events.length),
      recordedAtMs,
    },
  })
  if (burial.deadLetter) state.deadLetters.push({ ...command, cause: burial.cause, buriedAtMs: recordedAtMs })
}

// Only the first command of a stream can be due: the others wait for it.
function nextDueMs(state: LogState): number | null {
  const seen = new Set<string>()
  let next: number | null = null
  for (const { command, owner, dueAtMs, leaseUntilMs } of state.inbox.values()) {
    const stream = streamKey(command.decider, command.streamId)
    const freeAtMs = owner === null ? dueAtMs : Math.max(dueAtMs, leaseUntilMs)
    if (!seen.has(stream)) next = Math.min(next ?? freeAtMs, freeAtMs)
    seen.add(stream)
  }
  return next
}
