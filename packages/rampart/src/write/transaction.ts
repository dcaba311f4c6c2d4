// Decisions that a program makes in its own code: load, decide, append, with all that commands have.
import { commandId as asCommandId, quoted, streamId, type DeciderDefinition } from '../core/codec/index.ts'
import { RampartError, type Runtime } from '../core/index.ts'
import type { LogKey } from '../core/ports/index.ts'
import { commandIdOfKey, fingerprintOf, unkeyedFingerprint } from './command-identity.ts'
import type { Transaction } from './command-service.ts'
import type { CheckedCommand } from './decide.ts'

/** What a transaction is checked with. */
export interface TransactionTools {
  readonly definition: DeciderDefinition
  readonly log: LogKey
  readonly runtime: Runtime
}

/** A transaction as the command that its stream's line handles. Throws `INPUT_INVALID` for a bad id. */
export function checkTransaction(asked: Transaction, tools: TransactionTools): CheckedCommand {
  const { definition, log, runtime } = tools
  const { decider, decide, key, actor, expectedVersion = null } = asked
  const id = definition.of.streamId.parse(asked.streamId)
  if (id === undefined) {
    const rule = `A stream id of ${decider} is ${definition.of.streamId.describe}`
    throw new RampartError('INPUT_INVALID', `${rule}, and ${quoted(asked.streamId)} is not.`)
  }
  const keyed = key !== undefined
  // Nothing that a command is named, so that no command has the fingerprint of a transaction.
  const type = `${decider} in place`
  return {
    commandId: keyed ? commandIdOfKey({ log, actor, key }) : asCommandId(runtime.uuid()),
    fingerprint: keyed ? fingerprintOf({ type, streamId: id, data: null }) : unkeyedFingerprint,
    type,
    streamId: streamId(id),
    data: null,
    expectedVersion,
    actor,
    roles: null,
    correlationId: null,
    receivedAtMs: runtime.nowMs(),
    leavesToInbox: false,
    inPlace: { decider, decide },
  }
}
