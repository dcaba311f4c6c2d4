// What an append on PostgreSQL costs in a log of five million events, beside what it costs in an empty one.
import { randomUUID } from 'node:crypto'
import { systemRuntime } from 'rampart'
import { logKey, type EventStore } from 'rampart/ports'
import { openPostgresStore } from 'rampart/postgres'
import { drive, measure, ratio, type Round, type Work } from '../measure.ts'
import { query, withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { microseconds, milliseconds, rate, times, type Bench, type Demand } from '../report.ts'
import { requestOf } from './postgres-appends.ts'

const callers = 64
const eventsRecorded = 5_000_000
const eventsPerStream = 20
const limit = 'from empty'

interface Shape {
  readonly name: string
  readonly commandId: () => string
  /** An expression of SQL that makes such an id for the event `n`. */
  readonly idSql: string
  readonly demand: Demand
}

const shapes: readonly Shape[] = [
  {
    name: 'ids in order of time',
    commandId: () => systemRuntime.uuid(),
    // Its time lies before that of all ids which follow.
    idSql: `(lpad(to_hex(n), 12, '0') || '7' || substr(md5(n::text), 1, 19))::uuid`,
    demand: { atLeast: 0.8 },
  },
  {
    name: 'random ids',
    commandId: () => randomUUID(),
    idSql: 'gen_random_uuid()',
    demand: { atLeast: 0.4 },
  },
]

/** Measures and prints what appends cost in a small and in a large log. */
export async function benchPostgresGrowth({ report, rounds, scale }: Bench): Promise<void> {
  const filled = Math.ceil((eventsRecorded * scale) / eventsPerStream) * eventsPerStream
  const operations = Math.ceil(20_000 * Math.min(1, scale * 10))
  await withPostgres(async (server) => {
    for (const shape of shapes) {
      // oxlint-disable-next-line no-await-in-loop -- parts that ran at once would measure each other
      await server.inDatabase(async (url) => {
        await using store = await openPostgresStore({ url })
        const log = await store.openLog(logKey('bench'))
        await fill(url, shape, filled)
        const append = createAppends(log, shape)
        const work: readonly Work[] = [
          { name: limit, round: () => fromEmpty(server, shape, operations) },
          { name: `behind ${filled} events`, round: () => append(operations) },
        ]
        const measured = await measure(work, rounds)
        const rows = measured.map((each) => [
          each.name,
          rate(each.perSecond),
          milliseconds(each.p50Ms),
          milliseconds(each.p99Ms),
          microseconds(each.cpuUs),
          times(ratio(measured, each.name, limit), each.name === limit ? undefined : shape.demand),
        ])
        const title = `PostgreSQL: growth, ${callers} callers, ${shape.name}`
        report.table(title, [['', 'rate', 'p50', 'p99', 'CPU each', 'of the empty one'], ...rows])
      })
    }
  })
}

function fromEmpty(server: BenchPostgres, shape: Shape, operations: number): Promise<Round> {
  return server.inDatabase(async (url) => {
    await using store = await openPostgresStore({ url })
    return await createAppends(await store.openLog(logKey('bench')), shape)(operations)
  })
}

/** Appends so many more, each to a new stream. */
function createAppends(log: EventStore, { commandId }: Shape): (operations: number) => Promise<Round> {
  let appended = 0
  return async (operations) => {
    const first = appended
    appended += operations
    return drive(callers, operations, async (operation) => {
      const id = `account-new-${first + operation}`
      const { status } = await log.append(requestOf(id, 0, { operation, commandId: commandId() }))
      if (status !== 'appended') throw new Error(`The append came to ${status}.`)
    })
  }
}

// Rows as appends write them, into the same indexes in the same order, without a call for each.
async function fill(url: string, { idSql }: Shape, events: number): Promise<void> {
  const streams = events / eventsPerStream
  await query(url, `INSERT INTO rampart_write.event_types (name) VALUES ('MoneyDeposited')`)
  await query(
    url,
    `INSERT INTO rampart_write.streams (log, decider, id)
    SELECT 1, 'account', 'account-' || n FROM generate_series(1, ${streams}) AS n`,
  )
  await query(
    url,
    `INSERT INTO rampart_write.events (
      position, stream, command_id, recorded_at_ms, log, version, type, schema_version, append_index,
      append_id, fingerprint, outcome, payload
    )
    SELECT n, (n - 1) % ${streams} + 1, ${idSql}, 1, 1, (n - 1) / ${streams} + 1, 1, 1, 0, 'filled-' || n,
      'q83vEjRWeJq83vEjRWeJqw', '{"status":"succeeded","streamId":"account"}',
      convert_to('{"cents":7,"group":"group-7","note":"' || repeat('x', 240) || '"}', 'UTF8')
    FROM generate_series(1, ${events}) AS n`,
  )
}
