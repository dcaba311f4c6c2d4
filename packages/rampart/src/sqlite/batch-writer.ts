// Commits batches over the one writing connection: a transaction each, every operation on its own feet.
//
// What a failure means depends on when it comes. Before COMMIT nothing is visible, and nothing ever will be:
// frames without a commit mark are ignored by everyone, also after a crash. COMMIT itself may fail after it
// has written the mark (when the sync fails), and a later recovery may then find the transaction whole: that
// outcome is unknown, and reading back would not settle it. A full disk stops COMMIT before the mark, so it
// is definite.
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { isRampartError, RampartError, type ErrorCode } from '../core/index.ts'
import type { Batch, BatchReply, Failure, Operation, OperationResult } from '../core/group-commit/index.ts'
import { append } from './append-step.ts'
import { isSqliteError, sqlite, storeFault } from './database.ts'
import { buildDocuments, keepCollection, moveKept, openCollection } from './document-collections.ts'
import { documentFault } from './documents-step.ts'
import { accept, bury, claim, release } from './inbox-step.ts'
import { beginEpoch, openLog } from './open-log.ts'
import { numberAt } from './rows.ts'
import { keepSeals } from './seal-step.ts'
import { createJournal, type Journal } from './journal.ts'
import type { LogHead } from './log-head.ts'
import { createWriterState, readAgain, type WriterLimits, type WriterState } from './writer-state.ts'

/** Commits batches in the thread that calls it. */
export interface SynchronousWriter {
  readonly commit: (batch: Batch) => BatchReply
}

/** What a writer writes to. */
export interface WriterTarget extends WriterLimits {
  readonly database: DatabaseSync
  /** Stands in messages. */
  readonly file: string
}

/** Creates the writer over an open, migrated and locked database. */
export function createBatchWriter(target: WriterTarget): SynchronousWriter {
  const writer: Writer = {
    ...target,
    state: createWriterState(target.database, target),
    journal: createJournal(target.database),
    identity: identityOf(target.file),
    fault: null,
  }
  return {
    commit: ({ nowMs, operations }) => {
      writer.state.nowMs = nowMs
      const attempt = transact(writer, operations)
      // Only data can fail one operation and not its neighbours: each gets a transaction of its own.
      const isShared = attempt.kind === 'refused' && operations.length > 1
      const results = isShared
        ? operations.flatMap((one) => resultsOf([one], transact(writer, [one])))
        : resultsOf(operations, attempt)
      return { results, fault: writer.fault }
    },
  }
}

interface Writer extends WriterTarget {
  readonly state: WriterState
  readonly journal: Journal
  /** Names the open file itself, whatever stands at its path by now. */
  readonly identity: string
  fault: string | null
}

/** What a transaction came to; only `committed` changed anything for sure, and `unknown` may have. */
type Attempt =
  | { readonly kind: 'committed'; readonly results: readonly (OperationResult | Failure)[] }
  | { readonly kind: 'refused' | 'failed' | 'unknown'; readonly error: RampartError }

function transact(writer: Writer, operations: readonly Operation[]): Attempt {
  const { state } = writer
  if (writer.fault !== null) {
    return { kind: 'failed', error: new RampartError('STORE_UNAVAILABLE', writer.fault) }
  }
  let isCommitting = false
  try {
    state.statements.begin.run()
    const results: (OperationResult | Failure)[] = []
    for (const operation of operations) results.push(apply(state, operation))
    moveKept(state.collections, state.logs)
    sweep(state)
    requireSameFile(writer)
    isCommitting = true
    state.statements.commit.run()
    isCommitting = false
    keepJournalShort(writer)
    return { kind: 'committed', results }
  } catch (error) {
    return undo(writer, { error, isCommitting })
  }
}

// 64 MiB are read back within a second after a crash.
const journalPagesMax = 16_000

// Everyone waits for what the mover has left. A full disk may keep it in the journal until a later commit;
// any other failure may have cost pages that were moved before, and then only the journal has them.
function keepJournalShort(writer: Writer): void {
  try {
    if (writer.journal.length() >= journalPagesMax) writer.journal.move()
  } catch (error) {
    const isPassing = [sqlite.full, ...passingErrors].some((code) => isSqliteError(error, code))
    if (!isPassing) writer.fault = stopped(storeFault(error, writer.file))
  }
}

const constraint = 19
const dataErrors = [constraint, 18, 20, 25]
const passingErrors = [sqlite.busy, 6, 7, 9]

function undo(
  writer: Writer,
  { error, isCommitting }: { readonly error: unknown; readonly isCommitting: boolean },
): Attempt {
  const fault = storeFault(error, writer.file)
  const isFull = isSqliteError(error, sqlite.full)
  const isData = dataErrors.some((code) => isSqliteError(error, code)) || !isFromSqlite(error)
  const isPassing = passingErrors.some((code) => isSqliteError(error, code))
  if (!isFull && (isCommitting || !(isData || isPassing))) writer.fault = stopped(fault)
  rollBack(writer)
  if (isCommitting && !isFull) {
    const message = `It is not known whether the batch was stored: ${fault.message} Retry with the same ids.`
    return { kind: 'unknown', error: new RampartError('OUTCOME_UNKNOWN', message, { effect: 'unknown' }) }
  }
  if (!isData || isRampartError(error, 'STORE_UNAVAILABLE')) return { kind: 'failed', error: fault }
  // What SQLite did not throw is a defect of this code, which the data of one operation has brought to light.
  const code = isFromSqlite(error) ? 'INPUT_INVALID' : 'INTERNAL'
  const message = `The database cannot take this data: ${String(error)}`
  return { kind: 'refused', error: new RampartError(code, message, { cause: error }) }
}

/** Nothing that is committed to a file without a name can be found again. */
function requireSameFile(writer: Writer): void {
  if (identityOf(writer.file) === writer.identity) return
  writer.fault =
    `The store ${writer.file} was deleted or replaced while it was open, and nothing more is recorded: ` +
    'it would be lost. Stop this process, bring the file back or restore a backup, and start again.'
  throw new RampartError('STORE_UNAVAILABLE', writer.fault)
}

function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false, bigint: true })
  return found === undefined ? 'none' : `${found.dev} ${found.ino}`
}

function isFromSqlite(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error
}

function stopped(fault: RampartError): string {
  return `The store stopped accepting writes, because its disk cannot be trusted: ${fault.message}`
}

// SQLite rolls back by itself after some errors. What cannot be undone or read again stops the writer.
function rollBack(writer: Writer): void {
  try {
    if (writer.database.isTransaction) writer.database.exec('ROLLBACK')
    readAgain(writer.state)
  } catch (error) {
    writer.fault ??= stopped(storeFault(error, writer.file))
  }
}

function resultsOf(
  operations: readonly Operation[],
  attempt: Attempt,
): readonly (OperationResult | Failure)[] {
  if (attempt.kind === 'committed') return attempt.results
  const { code, message, effect } = attempt.error
  return operations.map(() => ({ failed: { code, message, effect } }))
}

function apply(state: WriterState, operation: Operation): OperationResult | Failure {
  if (operation.kind === 'openLog') return openLog(state, operation)
  if (operation.kind === 'probe') return probe(state)
  const log = state.logs.get(operation.log)
  if (log === undefined) return failure('INTERNAL', `The log number ${operation.log} is not open.`)
  return applyToLog(state, log, operation)
}

function applyToLog(
  state: WriterState,
  log: LogHead,
  operation: Exclude<Operation, { kind: 'openLog' | 'probe' }>,
): OperationResult | Failure {
  const { collections } = state
  switch (operation.kind) {
    case 'beginEpoch':
      return beginEpoch(state, log, operation.epoch)
    case 'append': {
      const fault = documentFault(state, log, operation.append.request)
      return fault === undefined ? append(state, log, operation.append) : failure('INPUT_INVALID', fault)
    }
    case 'accept':
      return accept(state, log, operation.accepted)
    case 'claim':
      return claim(state, log, operation.request)
    case 'release':
      return release(state, log, operation)
    case 'bury':
      return bury(state, log, operation.burial)
    case 'seal':
      return keepSeals(state, log, operation)
    case 'openDocuments':
      return openCollection(collections, log, operation.shape)
    case 'buildDocuments':
      return buildDocuments(collections, operation.build)
    case 'keepDocuments':
      return keepCollection(collections, log, operation.number)
  }
}

// A number in the file's first page is written even when it stays the same; a row would not be.
function probe({ statements }: WriterState): null {
  const step = numberAt(statements.query('PRAGMA user_version').get() ?? [], 0)
  statements.query(`PRAGMA user_version = ${step}`).get()
  return null
}

function failure(code: ErrorCode, message: string): Failure {
  return { failed: { code, message, effect: 'definite' } }
}

const sweepEveryMs = 1000
const sweptMax = 200

// Expired outcomes go in small numbers beside other work, so that no batch waits for many of them.
function sweep(state: WriterState): void {
  const sinceMs = Math.abs(state.nowMs - state.sweptAtMs)
  if (!state.hasOutcomes || sinceMs < sweepEveryMs) return
  state.sweptAtMs = state.nowMs
  state.statements.deleteExpiredOutcomes.run(state.nowMs, sweptMax)
}
