// Emmett over PostgreSQL for the benchmarks, as its documentation uses it: projections as raw SQL, which
// spares the reads that its documents need. JavaScript, as all peers, because their packages are not there
// when the workspace is checked.
import { SQL } from '@event-driven-io/dumbo'
import { CommandHandler } from '@event-driven-io/emmett'
import { getPostgreSQLEventStore, postgreSQLRawSQLProjection } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'

const tables = `
  CREATE TABLE IF NOT EXISTS balances (key text PRIMARY KEY, version bigint NOT NULL, cents bigint NOT NULL);
  CREATE TABLE IF NOT EXISTS groups (key text PRIMARY KEY, deposits bigint NOT NULL, cents bigint NOT NULL);
`
const canHandle = ['MoneyDeposited']
const balances = postgreSQLRawSQLProjection({
  name: 'balances',
  canHandle,
  evolve: ({ data, metadata }) =>
    SQL`INSERT INTO balances VALUES (${metadata.streamName}, ${metadata.streamPosition}, ${data.cents})
      ON CONFLICT (key) DO UPDATE
      SET version = excluded.version, cents = balances.cents + excluded.cents`,
})
const groupsOf = (name) =>
  postgreSQLRawSQLProjection({
    name,
    canHandle,
    evolve: ({ data }) =>
      SQL`INSERT INTO groups VALUES (${data.group}, 1, ${data.cents})
        ON CONFLICT (key) DO UPDATE
        SET deposits = groups.deposits + 1, cents = groups.cents + excluded.cents`,
  })

const initialState = () => ({ cents: 0 })
const evolve = (state, { data }) => ({ cents: state.cents + data.cents })
const eventOf = (data) => ({ type: 'MoneyDeposited', data })

/** Opens the store; with `projected` it keeps a balance per stream: `inline`, or `asynchronous`. */
export async function open(url, { projected } = {}) {
  const inline = projected === 'inline' ? [{ type: 'inline', projection: balances }] : []
  const pool = new pg.Pool({ connectionString: url, max: 32 })
  const store = getPostgreSQLEventStore(url, { projections: inline, connectionOptions: { pool } })
  await store.schema.migrate()
  await pool.query(tables)
  const consumer = projected === 'asynchronous' ? follow(store, balances) : undefined
  const handle = CommandHandler({ evolve, initialState })
  return {
    append: async (stream, version, data) => {
      const expectedStreamVersion = version === 0 ? 'STREAM_DOES_NOT_EXIST' : BigInt(version)
      await store.appendToStream(stream, [eventOf(data)], { expectedStreamVersion })
    },
    fill: async (stream, datas) => void (await store.appendToStream(stream, datas.map(eventOf))),
    count: async () => countOf(pool, 'emt_messages'),
    load: async (stream) => {
      const { state, currentStreamVersion } = await store.aggregateStream(stream, { evolve, initialState })
      return { version: Number(currentStreamVersion), cents: state.cents }
    },
    catchUp: async (deposits, name) => {
      await pool.query('TRUNCATE groups')
      const following = follow(store, groupsOf(name), { batchSize: 1000, pullingFrequencyInMs: 0 })
      const sums = await sumsOf(pool, deposits)
      await following.end()
      return sums
    },
    command: async (stream, data) => {
      const { nextExpectedStreamVersion } = await handle(store, stream, () => eventOf(data))
      return Number(nextExpectedStreamVersion)
    },
    read: async (stream) => {
      const query = {
        name: 'read',
        text: 'SELECT version, cents FROM balances WHERE key = $1',
        values: [stream],
      }
      const { rows } = await pool.query(query)
      return rows.map(({ version, cents }) => ({ version: Number(version), cents: Number(cents) }))[0]
    },
    close: async () => {
      await consumer?.end()
      await store.close()
      await pool.end()
    },
  }
}

function follow(store, projection, pulling) {
  const consumer = store.consumer(pulling === undefined ? {} : { pulling })
  consumer.projector({ projection })
  const started = consumer.start()
  return {
    async end() {
      await consumer.close()
      await started
    },
  }
}

async function countOf(pool, table) {
  const { rows } = await pool.query(`SELECT count(*) AS events FROM ${table}`)
  return Number(rows[0].events)
}

/** What the groups come to together, once they hold so many deposits. */
async function sumsOf(pool, deposits) {
  for (;;) {
    const { rows } = await pool.query('SELECT sum(deposits) AS deposits, sum(cents) AS cents FROM groups')
    if (Number(rows[0].deposits) >= deposits) {
      return { deposits: Number(rows[0].deposits), cents: Number(rows[0].cents) }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
