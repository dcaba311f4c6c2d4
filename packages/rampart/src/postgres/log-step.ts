// Operations of one log that go to the database one by one: claims, releases, burials, seals, epochs,
// documents.
import type { Client } from 'pg'
import type { Operation, OperationResult } from '../core/group-commit/index.ts'
import type { BatchLog } from './append-step.ts'
import { run, type Statement } from './database.ts'
import { buildDocuments, keepCollection, openCollection } from './document-collections.ts'
import { bury, claim, parameters, release } from './inbox-step.ts'
import { keepSeals } from './seal-step.ts'
import type { WriterState } from './writer-state.ts'

/** An operation that goes to the database alone. */
type LogOperation = Exclude<Operation, { kind: 'openLog' | 'probe' | 'append' | 'accept' }>

/** Does one operation of a log; each may be done twice. */
export function applyToLog(
  { state, client }: { readonly state: WriterState; readonly client: Client },
  log: BatchLog,
  operation: LogOperation,
): Promise<OperationResult> {
  switch (operation.kind) {
    case 'claim':
      return claim(client, log, operation.request)
    case 'release':
      return release(client, log, operation)
    case 'bury':
      return bury(client, log, operation.burial)
    case 'seal':
      return keepSeals(client, log, operation)
    case 'beginEpoch':
      return beginEpoch(state, client, operation)
    case 'openDocuments':
      return openCollection(client, state.collections, { log, shape: operation.shape })
    case 'buildDocuments':
      return buildDocuments(client, state.collections, operation.build)
    case 'keepDocuments':
      return keepCollection(state, client, operation.number)
  }
}

const beginEpochStatement: Statement = {
  name: 'begin-epoch',
  text: `SELECT rampart_write.begin_epoch(${parameters(2)})`,
}

async function beginEpoch(
  state: WriterState,
  client: Client,
  { log, epoch }: Extract<Operation, { kind: 'beginEpoch' }>,
): Promise<null> {
  await run(client, beginEpochStatement, [log, epoch])
  state.epochs.set(log, epoch)
  return null
}
