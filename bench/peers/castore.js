// Castore for the benchmarks: its event store over its adapter for PostgreSQL. It has no order over all
// streams, so nothing can catch up with it.
import { createRequire } from 'node:module'
import pg from 'pg'

// Its build of ES modules does not resolve in Node.
const require = createRequire(import.meta.url)
const { EventStore, EventType } = require('@castore/core')
const { PostgresEventStorageAdapter } = require('@castore/event-storage-adapter-postgres')

/** Opens the store; its adapter makes a pool of its own. */
export async function open(url) {
  const aggregateId = { type: 'VARCHAR', length: 64 }
  await PostgresEventStorageAdapter.createEventTable({ connectionString: url, aggregateId })
  const adapter = new PostgresEventStorageAdapter({ connectionString: url })
  const store = new EventStore({
    eventStoreId: 'account',
    eventTypes: [new EventType({ type: 'MoneyDeposited' })],
    eventStorageAdapter: adapter,
    reducer: (account, { aggregateId, version, payload }) => ({
      aggregateId,
      version,
      cents: (account?.cents ?? 0) + payload.cents,
    }),
  })
  const eventOf = (stream, version, payload) => ({
    aggregateId: stream,
    version: version + 1,
    type: 'MoneyDeposited',
    payload,
  })
  return {
    append: async (stream, version, data) => void (await store.pushEvent(eventOf(stream, version, data))),
    fill: async (stream, datas) => {
      const events = datas.map((data, version) => store.groupEvent(eventOf(stream, version, data)))
      await EventStore.pushEventGroup(...events)
    },
    count: async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      const { rows } = await client.query('SELECT count(*) AS events FROM event')
      await client.end()
      return Number(rows[0].events)
    },
    load: async (stream) => {
      const { aggregate } = await store.getAggregate(stream)
      return { version: aggregate.version, cents: aggregate.cents }
    },
    close: () => adapter._sql.end(),
  }
}
