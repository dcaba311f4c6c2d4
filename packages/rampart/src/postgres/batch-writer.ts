// Commits batches over the one writing connection: a transaction for each run of operations that go
// together.
//
// What a failure means depends on where it comes from. An error that the server sends undoes its
// statement, so it is definite; only data can fail one append and not its neighbours, and then each goes
// alone. A connection that is lost, or a disk that fails at the commit, leaves open what happened: the
// writer connects again, ends the lost session, waits for the log's lock, which a lost transaction holds
// until it has ended, looks which of its appends are recorded, and sends only the others again. What it
// cannot learn within its attempts is unknown.
import type { Client } from 'pg'
import type { CheckedAppend } from '../core/checks/index.ts'
import {
  isFailure,
  type Batch,
  type BatchReply,
  type BatchWriter,
  type Failure,
  type Operation,
  type OperationResult,
} from '../core/group-commit/index.ts'
import { RampartError, sleep } from '../core/index.ts'
import { callAppends, prepareAppends, settleAppends, type BatchLog } from './append-step.ts'
import { documentFault } from './document-collections.ts'
import {
  isDataError,
  isLost,
  isPassing,
  placeOf,
  run,
  sqlState,
  storeFault,
  type Statement,
} from './database.ts'
import { accept, parameters } from './inbox-step.ts'
import { applyToLog } from './log-step.ts'
import { findRecorded } from './lost-appends.ts'
import { numberAt, textAt } from './rows.ts'
import { runsOf, type Run } from './runs.ts'
import { clientOf, disconnect, forget } from './writer-connection.ts'
import type { WriterState } from './writer-state.ts'

type Result = OperationResult | Failure

/** Creates the writer; it connects when it is needed, and again after it lost its connection. */
export function createBatchWriter(state: WriterState): BatchWriter {
  return {
    commit: (batch) => commit(state, batch),
    close: () => disconnect(state),
    overlap: state.flights,
  }
}

async function commit(state: WriterState, { nowMs, operations }: Batch): Promise<BatchReply> {
  const end = state.flights.begin(operations)
  try {
    const results: Result[] = []
    for (const one of runsOf(operations)) results.push(...(await commitRun(state, nowMs, one)))
    await sweep(state, nowMs)
    const outdated = results.filter(isFailure).find(({ failed }) => failed.code === 'STORE_SCHEMA_NEWER')
    return { results, fault: outdated?.failed.message ?? null }
  } finally {
    end()
  }
}

async function commitRun(
  state: WriterState,
  nowMs: number,
  [first, ...others]: Run,
): Promise<readonly Result[]> {
  if (first.kind === 'openLog' || first.kind === 'probe') {
    return [await attempted(state, (client) => applyApart(state, client, first))]
  }
  const log = { number: first.log, epoch: state.epochs.get(first.log) ?? '', nowMs }
  const operations = [first, ...others]
  if (first.kind === 'append') {
    const appends = operations.flatMap((one) => (one.kind === 'append' ? [one.append] : []))
    return commitMeant({ state, log }, appends)
  }
  if (first.kind === 'accept') {
    const commands = operations.flatMap((one) => (one.kind === 'accept' ? [one.accepted] : []))
    const accepted = await attempted(state, (client) => accept(client, { log, state }, commands))
    return 'failed' in accepted ? operations.map(() => accepted) : accepted
  }
  if (first.kind === 'claim') state.owners.add(first.request.owner)
  return [await attempted(state, (client) => applyToLog({ state, client }, log, first))]
}

const openLogStatement: Statement = {
  name: 'open-log',
  text: `SELECT opened.number, opened.epoch, coalesce(
      (SELECT position FROM rampart_write.events WHERE log = opened.number ORDER BY position DESC LIMIT 1), 0
    )
    FROM rampart_write.open_log(${parameters(2)}) AS opened`,
}

async function applyApart(
  state: WriterState,
  client: Client,
  operation: Extract<Operation, { kind: 'openLog' | 'probe' }>,
): Promise<OperationResult> {
  if (operation.kind === 'probe') {
    await client.query('SELECT 1')
    return null
  }
  const [row = []] = await run(client, openLogStatement, [operation.key, operation.epoch])
  const identity = { number: numberAt(row, 0), epoch: textAt(row, 1) }
  state.epochs.set(identity.number, identity.epoch)
  state.heads.set(identity.number, numberAt(row, 2))
  return identity
}

interface Place {
  readonly state: WriterState
  readonly log: BatchLog
}

// Appends whose documents cannot be meant are refused; the others go on.
async function commitMeant(place: Place, appends: readonly CheckedAppend[]): Promise<readonly Result[]> {
  const { state, log } = place
  const faults = appends.map(({ request }) => documentFault(state.collections, log.number, request))
  if (faults.every((fault) => fault === undefined)) return commitAppends(place, appends, attemptsMax)
  const meant = appends.filter((_, index) => faults[index] === undefined)
  const results = meant.length === 0 ? [] : [...(await commitAppends(place, meant, attemptsMax))]
  return faults.flatMap((fault) => {
    const result = fault === undefined ? results.shift() : failureOf(fault)
    return result === undefined ? [] : [result]
  })
}

async function commitAppends(
  place: Place,
  appends: readonly CheckedAppend[],
  attemptsLeft: number,
): Promise<readonly Result[]> {
  const { state, log } = place
  let client: Client | undefined
  const prepared = prepareAppends(state, log, appends)
  const after = state.heads.get(log.number) ?? 0
  try {
    client = await clientOf(state)
    const results = await callAppends({ client, state }, log, prepared)
    return await settleAppends({ client, state }, log, { appends: prepared, results })
  } catch (error) {
    if (client === undefined) return appends.map(() => failureOf(storeFault(error, state.access.url)))
    if (isDataError(error)) return refuseData(place, appends, error)
    if (isPassing(error) && attemptsLeft > 1) return commitAppends(place, appends, attemptsLeft - 1)
    if (!isLost(error)) return appends.map(() => failureOf(faultOf(error, state)))
    forget(state, client)
    return learn(place, { prepared, after, attemptsLeft, error })
  }
}

async function refuseData(
  place: Place,
  appends: readonly CheckedAppend[],
  error: unknown,
): Promise<readonly Result[]> {
  if (appends.length === 1) {
    const message = `The database cannot take this data: ${String(error)}`
    return [failureOf(new RampartError('INPUT_INVALID', message, { cause: error }))]
  }
  const results: Result[] = []
  for (const one of appends) results.push(...(await commitAppends(place, [one], attemptsMax)))
  return results
}

interface LostCall {
  readonly prepared: ReturnType<typeof prepareAppends>
  /** A position before all of them. The head may have gone on since, by a batch that was beside this one. */
  readonly after: number
  readonly attemptsLeft: number
  readonly error: unknown
}

// Sends again what is not recorded. Appends without events are sent again in any case: if they went
// through, they are found by their command id or change nothing.
async function learn(place: Place, lost: LostCall): Promise<readonly Result[]> {
  const { prepared, after, attemptsLeft, error } = lost
  const { state, log } = place
  const unknown = unknownOf(storeFault(error, state.access.url))
  if (attemptsLeft <= 1) return prepared.map(() => unknown)
  await sleep(state.runtime, pauseMs(attemptsMax - attemptsLeft))
  let client: Client | undefined
  try {
    client = await clientOf(state)
    const recorded = await findRecorded(client, log, { appends: prepared, after })
    const found = prepared.filter(({ appendId }) => recorded.has(appendId))
    const results = found.flatMap(({ appendId }) => recorded.get(appendId) ?? [])
    const settled = await settleAppends({ client, state }, log, { appends: found, results })
    const rest = prepared.filter(({ appendId }) => !recorded.has(appendId)).map(({ checked }) => checked)
    const again = rest.length === 0 ? [] : await commitAppends(place, rest, attemptsLeft - 1)
    const [left, right] = [[...settled], [...again]]
    return prepared.map(({ appendId }) => (recorded.has(appendId) ? left.shift() : right.shift()) ?? unknown)
  } catch (cause) {
    if (client !== undefined) forget(state, client)
    return learn(place, { ...lost, attemptsLeft: attemptsLeft - 1, error: cause })
  }
}

const attemptsMax = 6
// A connection that was cut is there again at once, a server that was killed within seconds.
const pausesMs = [20, 100, 500, 1000, 2000]

function pauseMs(attempts: number): number {
  return pausesMs[attempts] ?? 0
}

// For operations that may be done twice: they are tried again until it is known what became of them.
async function attempted<Value>(
  state: WriterState,
  work: (client: Client) => Promise<Value>,
): Promise<Value | Failure> {
  let isUnknown = false
  for (let attempt = 1; ; attempt++) {
    let client: Client | undefined
    try {
      client = await clientOf(state)
      return await work(client)
    } catch (error) {
      const fault = faultOf(error, state)
      const lost = client !== undefined && isLost(error)
      isUnknown ||= lost
      if (client !== undefined && lost) forget(state, client)
      const isWorthwhile = lost || isPassing(error) || (isUnknown && client === undefined)
      if (!isWorthwhile || attempt === attemptsMax) return isUnknown ? unknownOf(fault) : failureOf(fault)
      await sleep(state.runtime, pauseMs(attempt - 1))
    }
  }
}

// No such column, function or table. They were there when the store was opened.
const missing = ['42703', '42883', '42P01']

function faultOf(error: unknown, { access }: WriterState): RampartError {
  if (!missing.includes(sqlState(error) ?? '')) return storeFault(error, access.url)
  const message =
    `The database ${placeOf(access.url)} has changed since this process opened it, and takes nothing more ` +
    `from it: ${String(error)}. Most likely a newer version changed its schema: run that one here, too.`
  return new RampartError('STORE_SCHEMA_NEWER', message, { cause: error })
}

function failureOf({ code, message, effect }: RampartError): Failure {
  return { failed: { code, message, effect } }
}

function unknownOf(fault: RampartError): Failure {
  const message = `It is not known whether this was stored: ${fault.message} Retry with the same ids.`
  return { failed: { code: 'OUTCOME_UNKNOWN', message, effect: 'unknown' } }
}

const sweepEveryMs = 1000
const deleteExpired: Statement = {
  name: 'delete-expired',
  text: `DELETE FROM rampart_write.outcomes WHERE (log, command_id) IN (
    SELECT log, command_id FROM rampart_write.outcomes WHERE expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT 200
  )`,
}

// Expired outcomes go in small numbers beside other work. What fails here is tried again a second later.
async function sweep(state: WriterState, nowMs: number): Promise<void> {
  // Who only projects does not see outcomes.
  if (state.access.role === 'rampart_projector') return
  if (state.client === undefined || Math.abs(nowMs - state.sweptAtMs) < sweepEveryMs) return
  state.sweptAtMs = nowMs
  await run(state.client, deleteExpired, [nowMs]).catch(() => undefined)
}
