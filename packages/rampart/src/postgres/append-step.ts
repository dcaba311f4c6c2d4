// Appends of a batch: one call to the database for as many as can go together.
import type { Client } from 'pg'
import type { CheckedAppend } from '../core/checks/index.ts'
import type { Failure } from '../core/group-commit/index.ts'
import type { RampartError } from '../core/index.ts'
import type { AppendResult, DocumentWrite, StreamWrite } from '../core/ports/index.ts'
import {
  answerOf,
  appendArguments,
  argumentsOf,
  countEvents,
  type CallAnswer,
  type CallAppend,
  type CallResult,
} from './append-call.ts'
import { documentName, type CallDocument } from './append-documents.ts'
import { call } from './append-message.ts'
import { run, type Statement } from './database.ts'
import { keptOf, unsettled } from './document-collections.ts'
import { parameters } from './inbox-step.ts'
import { loneAnswerOf, loneMessageOf, loneOf } from './lone-call.ts'
import { findOutcome } from './outcome-store.ts'
import type { Pace } from './pace.ts'
import { isPlain, plainAnswerOf, plainMessageOf } from './plain-call.ts'
import { numberOrNullAt } from './rows.ts'
import { streamKey } from './tickets.ts'
import type { WriterState } from './writer-state.ts'

/** A log and the time of the batch. */
export interface BatchLog {
  readonly number: number
  readonly epoch: string
  readonly nowMs: number
}

const appendBatch: Statement = {
  name: 'append-batch',
  text: `SELECT statuses, details, actuals, versions, positions, event_ids, recorded_ms
    FROM rampart_write.append_batch(${parameters(appendArguments)})`,
}

const none: readonly DocumentWrite[] = []

/** Gives each append the id under which its events are recorded, and finds what it builds on. */
export function prepareAppends(
  state: WriterState,
  log: BatchLog,
  appends: readonly CheckedAppend[],
): readonly CallAppend[] {
  const inCall = new Map<string, number>()
  return appends.map((checked, index) => {
    const { writes, documents = none, ticket } = checked.request
    const buildsOn = writes.map((write) => basisOf(state, log, { write, inCall }))
    const onDocuments = documents.map((write) => documentOn(state, { write, inCall }))
    if (ticket !== undefined) inCall.set(ticket, index + 1)
    const appendId = `${state.appendPrefix}${(++state.appends).toString(36)}`
    return { checked, appendId, buildsOn, documents: onDocuments }
  })
}

// An append of the same call is named by its place; of an earlier one it is known what it came to.
// Versions of a stream never come back, so the version that it left tells it from every other append.
function basisOf(
  { tickets }: WriterState,
  log: BatchLog,
  { write, inCall }: { readonly write: StreamWrite; readonly inCall: ReadonlyMap<string, number> },
): number {
  if (write.buildsOn === undefined) return 0
  const place = inCall.get(write.buildsOn)
  if (place !== undefined) return place
  const version = tickets.leftBy(write.buildsOn, streamKey(log.number, write))
  return version !== undefined && version === write.expectedVersion ? 0 : -1
}

// The same for a document. Its positions never come back either.
function documentOn(
  { tickets }: WriterState,
  { write, inCall }: { readonly write: DocumentWrite; readonly inCall: ReadonlyMap<string, number> },
): CallDocument {
  const { expectedPosition: expected, buildsOn } = write
  if (buildsOn === undefined) return { write, expected, buildsOn: 0 }
  const place = inCall.get(buildsOn)
  if (place !== undefined) return { write, expected, buildsOn: place }
  const position = tickets.leftBy(buildsOn, documentName(write))
  return { write, expected: position ?? expected, buildsOn: position === undefined ? -1 : 0 }
}

/**
 * Sends appends as one call. Errors come as the driver throws them; then nothing is known of what
 * happened.
 */
export async function callAppends(
  { client, state }: { readonly client: Client; readonly state: WriterState },
  log: BatchLog,
  appends: readonly CallAppend[],
): Promise<readonly CallResult[]> {
  const answering = callDatabase({ client, state }, log, appends)
  // While the database works.
  const drafts = state.leaves.draft(log, appends)
  const answer = await answering
  state.leaves.keep(log.number, drafts, { appends, ...answer })
  return answer.results
}

async function callDatabase(
  { client, state: { collections, pace } }: { readonly client: Client; readonly state: WriterState },
  log: BatchLog,
  appends: readonly CallAppend[],
): Promise<CallAnswer> {
  const kept = keptOf(collections, log.number).map(({ number }) => number)
  const isSimple = kept.length === 0 && isPlain(appends)
  const plain = isSimple ? await callPlain({ client, pace }, log, appends) : undefined
  if (plain !== undefined) return plain
  const [row = []] = await run(client, appendBatch, argumentsOf({ ...log, collections, kept }, appends))
  return answerOf(appends, log.epoch, row)
}

// It has no answer where other processes keep documents with this log.
async function callPlain(
  { client, pace }: { readonly client: Client; readonly pace: Pace },
  log: BatchLog,
  appends: readonly CallAppend[],
): Promise<CallAnswer | undefined> {
  const lone = loneOf(appends)
  if (lone !== undefined) {
    const [row = []] = await call(client, loneMessageOf(log, lone))
    return row[0] === null ? undefined : loneAnswerOf(lone, log.epoch, row)
  }
  const message = plainMessageOf(log, appends)
  const end = pace.begin(appends.length)
  const [row = []] = await call(client, message)
  const workedUs = numberOrNullAt(row, 3)
  if (workedUs !== null) end(workedUs / 1000)
  return row[0] === null ? undefined : plainAnswerOf(appends, log.epoch, row)
}

/** Looks up the outcomes that stood in the way of appends, and remembers what the others came to. */
export async function settleAppends(
  { client, state }: { readonly client: Client; readonly state: WriterState },
  log: BatchLog,
  called: { readonly appends: readonly CallAppend[]; readonly results: readonly CallResult[] },
): Promise<readonly (AppendResult | Failure)[]> {
  const settled: (AppendResult | Failure)[] = []
  for (let index = 0; index < called.appends.length; index++) {
    const [append, result] = [called.appends[index], called.results[index]]
    if (append === undefined || result === undefined) continue
    const { checked } = append
    if (result.status === 'appended') remember(state, log, { checked, result })
    if (result.status === 'known') settled.push(await answerAgain(client, log, checked))
    else if (result.status === 'unsettled')
      settled.push(failureOf(unsettled(state.collections, result.answer)))
    else settled.push(result)
  }
  return settled
}

function failureOf({ code, message, effect }: RampartError): Failure {
  return { failed: { code, message, effect } }
}

function remember(
  state: WriterState,
  log: BatchLog,
  { checked, result }: { readonly checked: CheckedAppend; readonly result: AppendResult },
): void {
  const { writes, documents = [], ticket } = checked.request
  if (result.status !== 'appended') return
  state.heads.set(log.number, result.place.position)
  if (ticket === undefined) return
  const versions = writes.map(
    (write, index) => [streamKey(log.number, write), result.versions[index] ?? 0] as const,
  )
  const before = result.place.position - countEvents(checked.request)
  const positions = documents.map(
    (write) => [documentName(write), positionAfter(state, write, before)] as const,
  )
  state.tickets.keep(ticket, new Map([...versions, ...positions]))
}

function positionAfter({ tickets }: WriterState, write: DocumentWrite, before: number): number {
  const { expectedPosition, buildsOn, event } = write
  if (event !== null) return before + event + 1
  const basis = buildsOn === undefined ? undefined : tickets.leftBy(buildsOn, documentName(write))
  return basis ?? expectedPosition
}

async function answerAgain(client: Client, log: BatchLog, { request }: CheckedAppend): Promise<AppendResult> {
  const { command } = request
  if (command === undefined) throw new Error('An append without a command came back as a known one.')
  const ask = (statement: Statement, values: readonly unknown[]) => run(client, statement, values)
  const outcome = await findOutcome(ask, log, { id: command.id, nowMs: log.nowMs })
  if (outcome === undefined) throw new Error(`The outcome of the command ${command.id} is gone.`)
  return outcome.fingerprint === command.fingerprint ? { status: 'repeated', outcome } : { status: 'reused' }
}
