// Inbox operations of the writer: accept, claim, release, bury. The inbox itself is the `inbox` table.
import type { Client } from 'pg'
import {
  claimBytesMaxUnlessSaid,
  type CheckedBurial,
  type CheckedInboxCommand,
} from '../core/checks/index.ts'
import type { LogIdentity, Operation } from '../core/group-commit/index.ts'
import type { AcceptResult, ClaimRequest, InboxCommand } from '../core/ports/index.ts'
import { bigints, texts, uuids } from './binary-array.ts'
import { run, type Statement } from './database.ts'
import { inboxColumns, inboxCommandOf } from '../core/rows/index.ts'
import { findOutcome } from './outcome-store.ts'
import { numbersAt } from './rows.ts'
import type { WriterState } from './writer-state.ts'

type Log = Pick<LogIdentity, 'number'> & { readonly epoch: string; readonly nowMs: number }

const acceptCommands: Statement = {
  name: 'accept-commands',
  text: `SELECT rampart_write.accept_commands(${parameters(14)})`,
}
const claimCommands: Statement = {
  name: 'claim-commands',
  text: `SELECT ${inboxColumns} FROM rampart_write.claim_commands(${parameters(6)})`,
}
const releaseCommands: Statement = {
  name: 'release-commands',
  text: `UPDATE rampart_write.inbox
    SET owner = NULL, lease_until_ms = 0, due_at_ms = $1, cause = coalesce($4, cause),
      attempts = greatest(attempts - CASE WHEN owner IS NULL THEN 0 ELSE $6::integer END, 0)
    WHERE log = $2 AND command_id = ANY($3::uuid[]) AND ($5::text IS NULL OR owner = $5)`,
}
const buryCommand: Statement = {
  name: 'bury-command',
  text: `SELECT rampart_write.bury_command(${parameters(7)})`,
}
const findWaiting: Statement = {
  name: 'find-waiting',
  text: `SELECT ${inboxColumns} FROM rampart_write.inbox WHERE log = $1 AND command_id = $2`,
}

/** Accepts commands, each on its own, or answers with what is known of their ids. */
export async function accept(
  client: Client,
  { log, state }: { readonly log: Log; readonly state: WriterState },
  commands: readonly CheckedInboxCommand[],
): Promise<readonly AcceptResult[]> {
  const list = commands.map(({ command }) => command)
  const [row = []] = await run(client, acceptCommands, [
    log.number,
    log.nowMs,
    state.inboxCommandsMax,
    uuids(list.map(({ commandId }) => commandId)),
    texts(list.map(({ fingerprint }) => fingerprint)),
    texts(list.map(({ decider }) => decider)),
    texts(list.map(({ streamId }) => streamId)),
    texts(list.map(({ type }) => type)),
    texts(commands.map(({ data }) => data)),
    bigints(list.map(({ expectedVersion }) => expectedVersion)),
    texts(list.map(({ actor }) => actor)),
    texts(list.map(({ correlationId }) => correlationId)),
    bigints(list.map(({ receivedAtMs }) => receivedAtMs)),
    texts(list.map(({ roles }) => (roles === null ? null : JSON.stringify(roles)))),
  ])
  const results: AcceptResult[] = []
  for (const [index, status] of numbersAt(row, 0).entries()) {
    const command = list[index]
    if (command !== undefined) results.push(await acceptResultOf(client, log, { command, status }))
  }
  return results
}

async function acceptResultOf(
  client: Client,
  log: Log,
  { command, status }: { readonly command: CheckedInboxCommand['command']; readonly status: number },
): Promise<AcceptResult> {
  if (status === 0) return { status: 'accepted' }
  if (status === 6) return { status: 'full' }
  if (status === 5) return { status: 'reused' }
  if (status === 4) {
    const [waiting] = await run(client, findWaiting, [log.number, command.commandId])
    if (waiting !== undefined) return { status: 'waiting', command: inboxCommandOf(waiting) }
  }
  const ask = (statement: Statement, values: readonly unknown[]) => run(client, statement, values)
  const outcome = await findOutcome(ask, log, { id: command.commandId, nowMs: log.nowMs })
  // Its outcome has expired in this very moment.
  if (outcome === undefined) return { status: 'full' }
  return outcome.fingerprint === command.fingerprint ? { status: 'repeated', outcome } : { status: 'reused' }
}

/** Claims due commands, oldest first. */
export async function claim(
  client: Client,
  log: Log,
  { owner, nowMs, leaseMs, limit, bytesMax = claimBytesMaxUnlessSaid }: ClaimRequest,
): Promise<readonly InboxCommand[]> {
  const rows = await run(client, claimCommands, [log.number, owner, nowMs, leaseMs, limit, bytesMax])
  return rows.map(inboxCommandOf)
}

/** Gives claimed commands back. */
export async function release(
  client: Client,
  log: Log,
  { commandIds, retryAtMs, ...terms }: Extract<Operation, { readonly kind: 'release' }>,
): Promise<null> {
  const { cause, owner, untried } = terms
  await run(client, releaseCommands, [retryAtMs, log.number, uuids(commandIds), cause, owner, untried])
  return null
}

/** Ends a command with an outcome and a cause. */
export async function bury(client: Client, log: Log, { burial, outcome }: CheckedBurial): Promise<null> {
  const { commandId, cause, expiresAtMs, deadLetter } = burial
  const kept = outcome === 'null' ? null : outcome
  await run(client, buryCommand, [log.number, log.nowMs, commandId, cause, kept, expiresAtMs, deadLetter])
  return null
}

/** The placeholders of a call with that many arguments. */
export function parameters(count: number): string {
  return Array.from({ length: count }, (_, index) => `$${index + 1}`).join(', ')
}
