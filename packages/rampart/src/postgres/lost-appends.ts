// Learns what became of appends whose answer was lost.
import type { Client } from 'pg'
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type { AppendResult } from '../core/ports/index.ts'
import type { CallAppend } from './append-call.ts'
import type { BatchLog } from './append-step.ts'
import { texts } from './binary-array.ts'
import { readSql, run, type Statement } from './database.ts'
import { numberAt, textAt } from './rows.ts'
import type { WriterState } from './writer-state.ts'

const findAppends: Statement = { name: 'find-recorded', text: readSql('find-recorded') }
const passLock: Statement = {
  name: 'pass-lock',
  text: 'SELECT pg_advisory_xact_lock(1380012368, $1)',
}

/**
 * The results of those appends that are recorded, by their append ids. It waits for the log's lock first: a
 * transaction whose connection is gone may still be running, and holds the lock until it has ended.
 */
export async function findRecorded(
  { client, state }: { readonly client: Client; readonly state: WriterState },
  log: BatchLog,
  appends: readonly CallAppend[],
): Promise<ReadonlyMap<string, AppendResult>> {
  await run(client, passLock, [log.number])
  const writes = appends.flatMap(({ appendId, checked }) =>
    checked.request.writes.map((write) => ({ appendId, write })),
  )
  const rows = await run(client, findAppends, [
    log.number,
    state.heads.get(log.number) ?? 0,
    texts(writes.map(({ appendId }) => appendId)),
    texts(writes.map(({ write }) => write.decider)),
    texts(writes.map(({ write }) => write.id)),
  ])
  const found = new Map<string, { readonly versions: StreamVersion[]; readonly place: AppendPlace }>()
  for (const row of rows) {
    const appendId = writes[numberAt(row, 0) - 1]?.appendId ?? ''
    // The database counts from stored positions and versions.
    const place = { epoch: log.epoch, position: numberAt(row, 1) as Position, eventId: textAt(row, 2) }
    const one = found.get(appendId) ?? { versions: [], place }
    one.versions.push(numberAt(row, 3) as StreamVersion)
    found.set(appendId, one)
  }
  return new Map([...found].map(([appendId, one]) => [appendId, { status: 'appended', ...one }]))
}

type AppendPlace = Extract<AppendResult, { status: 'appended' }>['place']
