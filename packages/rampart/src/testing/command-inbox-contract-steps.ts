// Steps that the rules of the inbox share.
import { streamId } from '../core/codec/index.ts'
import type { ClaimRequest, CommandInbox, InboxCommand } from '../core/ports/index.ts'
import { commandNumber } from './event-store-contract-steps.ts'
import { expectSame } from './expect.ts'

type NewInboxCommand = Parameters<CommandInbox['accept']>[0]

/** The command with a number, for a stream of the decider `note`. */
export function newCommand(number: number, id: string, more: Partial<NewInboxCommand> = {}): NewInboxCommand {
  return {
    commandId: commandNumber(number),
    fingerprint: 'print-1',
    decider: 'note',
    streamId: streamId(id),
    type: 'Note',
    data: { number },
    expectedVersion: null,
    actor: null,
    roles: null,
    correlationId: null,
    receivedAtMs: 1000,
    ...more,
  }
}

/** Accepts a command that must be new. */
export async function accept(inbox: CommandInbox, command: NewInboxCommand): Promise<void> {
  expectSame(`accepting ${command.commandId}`, await inbox.accept(command), { status: 'accepted' })
}

/** Accepts the command with a number, which must be new. */
export function acceptNumber(inbox: CommandInbox, number: number, id: string): Promise<void> {
  return accept(inbox, newCommand(number, id))
}

/** Claims up to 100 commands at 1000 ms, for a minute. */
export function claimAll(
  inbox: CommandInbox,
  more: Partial<ClaimRequest> = {},
): Promise<readonly InboxCommand[]> {
  return inbox.claim({ owner: 'worker-1', limit: 100, nowMs: 1000, leaseMs: 60_000, ...more })
}

/** The numbers of the commands that a claim hands out. */
export async function claimNumbers(
  inbox: CommandInbox,
  more: Partial<ClaimRequest> = {},
): Promise<readonly number[]> {
  const claimed = await claimAll(inbox, more)
  return claimed.map((command) => Number(command.commandId.slice(-12)))
}
