// Learns what became of appends whose answer was lost.
import type { Client } from 'pg'
import type { Position, StreamVersion } from '../core/codec/index.ts'
import type { AppendResult } from '../core/ports/index.ts'
import type { CallAppend } from './append-call.ts'
import type { BatchLog } from './append-step.ts'
import { texts } from './binary-array.ts'
import { readSql, run, type Statement } from './database.ts'
import { numberAt, textAt } from './rows.ts'

const findAppends: Statement = { name: 'find-recorded', text: readSql('find-recorded') }
const passLock: Statement = {
  name: 'pass-lock',
  text: 'SELECT pg_advisory_xact_lock(1380012368, $1)',
}

/**
 * The results of those appends that are recorded after a position, by their append ids. It waits for the
 * log's lock first: a transaction whose connection is gone may still be running, and holds the lock until it
 * has ended.
 */
export async function findRecorded(
  client: Client,
  log: BatchLog,
  { appends, after }: { readonly appends: readonly CallAppend[]; readonly after: number },
): Promise<ReadonlyMap<string, AppendResult>> {
  await run(client, passLock, [log.number])
  const writes = appends.flatMap(({ appendId, checked }) =>
    checked.request.writes.map((write) => ({ appendId, write })),
  )
  const rows = await run(client, findAppends, [
    log.number,
    after,
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
