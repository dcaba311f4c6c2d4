// Appends on PostgreSQL while somebody holds an old snapshot of the database: a dump, or a transaction
// that stays open for a minute.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { sleep, systemRuntime } from 'rampart'
import { logKey, type EventStore } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import { createSealer } from 'rampart/seal'
import { drive, driveFor, measure, ratio, sealedPeriod, type Measured, type Round } from '../measure.ts'
import { withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { milliseconds, rate, times, type Bench, type Report } from '../report.ts'
import { requestOf } from './postgres-appends.ts'

const callers = 64
const before = 'nobody else'
const demand = { atLeast: 0.8 }

/** Measures and prints appends beside old snapshots. */
export async function benchPostgresSnapshots({ report, rounds, scale }: Bench): Promise<void> {
  await withPostgres((server) =>
    server.inDatabase(async (url) => {
      await using store = await openPostgresStore({ url })
      const log = await store.openLog(logKey('bench'))
      const sealer = createSealer({ store: log, runtime: systemRuntime })
      const append = createAppends(log)
      // So that a dump has something to do.
      await drive(callers, Math.ceil(150_000 * scale), append)
      const round = (): Promise<Round> => driveFor(callers, sealedPeriod(scale), append)
      const alone = { name: before, round }
      if (server.tools === undefined) report.note('pg_dump is left out: the embedded server has no tools.')
      else {
        const dumped = { name: 'during pg_dump', round: () => duringDump(server, url, round) }
        print(report, 'beside a dump', await measure([alone, dumped], rounds))
      }
      const waitMs = Math.ceil(60_000 * scale)
      const idle = {
        name: `idle for ${waitMs / 1000} s, then`,
        round: () => besideSnapshot(url, waitMs, round),
      }
      print(report, 'beside an open transaction, once', await measure([alone, idle], 1))
      await sealer.stop()
    }),
  )
}

function print(report: Report, title: string, measured: readonly Measured[]): void {
  const rows = measured.map((each) => [
    each.name,
    rate(each.perSecond),
    milliseconds(each.p50Ms),
    milliseconds(each.p99Ms),
    times(ratio(measured, each.name, before), each.name === before ? undefined : demand),
  ])
  const head = ['', 'rate', 'p50', 'p99', 'of before']
  report.table(`PostgreSQL: appends ${title}, ${callers} callers`, [head, ...rows])
}

/** Appends one more, to a new stream. */
function createAppends(log: EventStore): () => Promise<void> {
  let appended = 0
  return async () => {
    const operation = appended++
    const { status } = await log.append(requestOf(`account-${operation}`, 0, { operation }))
    if (status !== 'appended') throw new Error(`The append came to ${status}.`)
  }
}

/** Dumps again and again while `work` goes on. */
async function duringDump(
  { tools = '' }: BenchPostgres,
  url: string,
  work: () => Promise<Round>,
): Promise<Round> {
  const over = new AbortController()
  const dump = async (): Promise<void> => {
    while (!over.signal.aborted) {
      // oxlint-disable-next-line no-await-in-loop -- one dump follows the other
      await promisify(execFile)(join(tools, 'pg_dump'), ['--file=/dev/null', url])
    }
  }
  const dumping = dump()
  const round = await work()
  over.abort()
  await dumping
  return round
}

/** Keeps appending beside an open snapshot, and tells of the time after the wait. */
async function besideSnapshot(url: string, waitMs: number, work: () => Promise<Round>): Promise<Round> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class')
  const over = new AbortController()
  const appends = async (): Promise<void> => {
    // oxlint-disable-next-line no-await-in-loop -- the load goes on until the wait is over
    while (!over.signal.aborted) await work()
  }
  const appending = appends()
  await sleep(systemRuntime, waitMs)
  over.abort()
  await appending
  const round = await work()
  await client.end()
  return round
}
