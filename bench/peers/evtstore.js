// evtstore for the benchmarks: its provider for node-postgres as its documentation opens it.
import { createRequire } from 'node:module'
import pg from 'pg'

// It is published as CommonJS without a list of its names.
const require = createRequire(import.meta.url)
const { createAggregate, createDomain } = require('evtstore')
const { createProvider, migratePool } = require('evtstore/provider/pg')

const account = createAggregate({
  stream: 'account',
  create: () => ({ cents: 0 }),
  fold: (event, state) => ({ cents: state.cents + event.cents }),
})

/** Opens the store; `connections` is the size of its pool. */
export async function open(url, { connections = 10 } = {}) {
  const client = new pg.Pool({ connectionString: url, max: connections })
  await migratePool({ client, events: 'events', bookmarks: 'bookmarks' })
  const provider = createProvider({ client, limit: 1000, events: 'events', bookmarks: 'bookmarks' })
  const { domain, createHandler } = createDomain({ provider }, { account })
  const append = async (stream, version, datas) => {
    const events = datas.map((data) => ({ type: 'MoneyDeposited', ...data }))
    await provider.append(
      'account',
      stream,
      version,
      provider.createEvents('account', stream, version + 1, events),
    )
  }
  return {
    append: (stream, version, data) => append(stream, version, [data]),
    fill: (stream, datas) => append(stream, 0, datas),
    count: async () => Number((await client.query('SELECT count(*) AS events FROM events')).rows[0].events),
    load: async (stream) => {
      const { version, cents } = await domain.account.getAggregate(stream)
      return { version, cents }
    },
    catchUp: async (_, name) => {
      await client.query(`
        DROP TABLE IF EXISTS groups;
        CREATE TABLE groups (key text PRIMARY KEY, deposits bigint NOT NULL, cents bigint NOT NULL)
      `)
      const handler = createHandler(name, ['account'])
      handler.handle('account', 'MoneyDeposited', (_, { group, cents }) =>
        client.query({
          name: 'add',
          text: `INSERT INTO groups VALUES ($1, 1, $2) ON CONFLICT (key)
            DO UPDATE SET deposits = groups.deposits + 1, cents = groups.cents + excluded.cents`,
          values: [group, cents],
        }),
      )
      await handler.runOnce()
      const { rows } = await client.query('SELECT sum(deposits) AS deposits, sum(cents) AS cents FROM groups')
      return { deposits: Number(rows[0].deposits), cents: Number(rows[0].cents) }
    },
    close: () => client.end(),
  }
}
