// Inbox operations within a batch: accept, claim, release, bury. The inbox itself is the `inbox` table.
import type { CommandId } from '../core/codec/index.ts'
import {
  claimBytesMaxUnlessSaid,
  type CheckedBurial,
  type CheckedInboxCommand,
} from '../core/checks/index.ts'
import type { Operation } from '../core/group-commit/index.ts'
import type { AcceptResult, ClaimRequest, InboxCommand } from '../core/ports/index.ts'
import { findStream, keepOutcome } from './append-step.ts'
import { inboxCommandOf } from '../core/rows/index.ts'
import { numberAt } from './rows.ts'
import type { LogHead } from './log-head.ts'
import type { WriterState } from './writer-state.ts'

/** Accepts a command, or answers with what is known of its id. */
export function accept(
  state: WriterState,
  log: LogHead,
  { command, data }: CheckedInboxCommand,
): AcceptResult {
  const id = command.commandId
  const outcome = state.outcomes.findWithEvents(log, id) ?? state.outcomes.findKept(log, id, state.nowMs)
  if (outcome !== undefined) {
    const isSame = outcome.fingerprint === command.fingerprint
    return isSame ? { status: 'repeated', outcome } : { status: 'reused' }
  }
  const waiting = findCommand(state, log, id)
  if (waiting !== undefined) {
    const isSame = waiting.fingerprint === command.fingerprint
    return isSame ? { status: 'waiting', command: waiting } : { status: 'reused' }
  }
  if (log.inboxCommands >= state.inboxCommandsMax) return { status: 'full' }
  state.statements.insertInboxCommand.run(
    log.number,
    id,
    command.fingerprint,
    command.decider,
    command.streamId,
    command.type,
    data,
    command.expectedVersion,
    command.actor,
    command.correlationId,
    command.receivedAtMs,
    command.roles === null ? null : JSON.stringify(command.roles),
  )
  log.inboxCommands++
  return { status: 'accepted' }
}

/** Claims due commands, oldest first. */
export function claim(state: WriterState, log: LogHead, request: ClaimRequest): readonly InboxCommand[] {
  if (log.inboxCommands === 0) return []
  const rows = state.statements.claimInboxCommands.allNamed({
    log: log.number,
    owner: request.owner,
    now: request.nowMs,
    lease: request.leaseMs,
    limit: request.limit,
    bytes: request.bytesMax ?? claimBytesMaxUnlessSaid,
  })
  const sequenceColumn = 12
  return rows
    .toSorted((one, other) => numberAt(one, sequenceColumn) - numberAt(other, sequenceColumn))
    .map(inboxCommandOf)
}

/** Gives claimed commands back. */
export function release(
  state: WriterState,
  log: LogHead,
  { commandIds, retryAtMs: due, cause, owner, untried }: Extract<Operation, { readonly kind: 'release' }>,
): null {
  const terms = { due, cause, owner, untried, log: log.number }
  for (const command of commandIds) state.statements.releaseInboxCommand.run({ ...terms, command })
  return null
}

/**
 * Ends a command with an outcome and a cause; without effect when it does not stand in the inbox any more.
 */
export function bury(state: WriterState, log: LogHead, { burial, outcome }: CheckedBurial): null {
  const command = findCommand(state, log, burial.commandId)
  if (command === undefined) return null
  const { statements, nowMs } = state
  if (burial.deadLetter) {
    statements.buryInboxCommand.run({
      cause: burial.cause,
      buried: Math.max(nowMs, log.recordedAtMs),
      log: log.number,
      command: burial.commandId,
    })
  }
  statements.deleteInboxCommand.run(log.number, burial.commandId)
  log.inboxCommands--
  const stream = findStream(state, log, { decider: command.decider, id: command.streamId })
  keepOutcome(state, log, {
    command: {
      id: burial.commandId,
      fingerprint: command.fingerprint,
      expiresAtMs: burial.expiresAtMs,
    },
    outcome: outcome === 'null' ? null : outcome,
    version: stream?.version ?? 0,
  })
  return null
}

function findCommand({ statements }: WriterState, log: LogHead, id: CommandId): InboxCommand | undefined {
  const row = statements.findInboxCommand.get(log.number, id)
  return row === undefined ? undefined : inboxCommandOf(row)
}
