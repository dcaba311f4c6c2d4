// message-db for the benchmarks: its SQL functions, called over a pool with prepared statements. It has no
// client for reading models in JavaScript, so that its category is read in pages and folded as one would.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import pg from 'pg'

const home = join(
  dirname(createRequire(import.meta.url).resolve('@eventide/message-db/package.json')),
  'database',
)
// What its installation runs, in its order, for the tables and functions that are used here.
const parts = [
  'schema/message-store',
  'extensions/pgcrypto',
  'tables/messages',
  'types/message',
  ...[
    'message-store-version',
    'hash-64',
    'acquire-lock',
    'category',
    'is-category',
    'id',
    'cardinal-id',
    'stream-version',
    'write-message',
    'get-stream-messages',
    'get-category-messages',
  ].map((name) => `functions/${name}`),
  'indexes/messages-id',
  'indexes/messages-stream',
  'indexes/messages-category',
]

// What a fold needs: which event it is, at which version, and its data.
const load = {
  name: 'load',
  text: 'SELECT type, position, data FROM get_stream_messages($1, 0, -1)',
}
const evolve = { MoneyDeposited: (before, { cents }) => ({ cents: before.cents + cents }) }

/** Opens the store; `connections` is the size of its pool. */
export async function open(url, { connections = 10 } = {}) {
  const options = '-c search_path=message_store,public'
  const pool = new pg.Pool({ connectionString: url, max: connections, options })
  await install(url)
  const write = (stream, version, data) =>
    pool.query({
      name: 'write',
      text: 'SELECT write_message($1, $2, $3, $4, NULL, $5)',
      values: [randomUUID(), stream, 'MoneyDeposited', JSON.stringify(data), version],
    })
  return {
    append: async (stream, version, data) => void (await write(stream, version - 1, data)),
    fill: async (stream, datas) => {
      await pool.query({
        text: `SELECT count(write_message(gen_random_uuid()::varchar, $1, 'MoneyDeposited', data::jsonb))
          FROM unnest($2::text[]) AS data`,
        values: [stream, datas.map((data) => JSON.stringify(data))],
      })
    },
    count: async () => Number((await pool.query('SELECT count(*) AS events FROM messages')).rows[0].events),
    load: async (stream) => {
      const { rows } = await pool.query({ ...load, values: [stream] })
      const { cents } = rows.reduce((state, { type, data }) => evolve[type](state, JSON.parse(data)), {
        cents: 0,
      })
      return { version: Number(rows.at(-1).position) + 1, cents }
    },
    catchUp: async (deposits) => catchUp(pool, deposits),
    close: () => pool.end(),
  }
}

async function install(url) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query("SELECT to_regclass('message_store.messages') AS known")
  const isInstalled = rows[0].known !== null
  for (const part of isInstalled ? [] : parts) {
    await client.query(readFileSync(join(home, `${part}.sql`), 'utf8'))
  }
  await client.end()
}

/** Pages of 1,000, folded in memory; each page's documents and its place are stored as one transaction. */
async function catchUp(pool, total) {
  await pool.query(`
    DROP TABLE IF EXISTS groups, places;
    CREATE TABLE groups (key text PRIMARY KEY, deposits bigint NOT NULL, cents bigint NOT NULL);
    CREATE TABLE places (name text PRIMARY KEY, position bigint NOT NULL);
    INSERT INTO places VALUES ('groups', 0)
  `)
  const pageAfter = (position) =>
    pool.query({
      name: 'page',
      text: "SELECT global_position, data FROM get_category_messages('account', $1, 1000)",
      values: [position + 1],
      rowMode: 'array',
    })
  const groups = new Map()
  let seen = 0
  let upcoming = pageAfter(0)
  while (seen < total) {
    const { rows } = await upcoming
    const position = Number(rows.at(-1)[0])
    upcoming = pageAfter(position)
    const changed = new Map()
    for (const [, text] of rows) {
      const data = JSON.parse(text)
      const { deposits, cents } = groups.get(data.group) ?? { deposits: 0, cents: 0 }
      const sum = { deposits: deposits + 1, cents: cents + data.cents }
      groups.set(data.group, sum)
      changed.set(data.group, sum)
    }
    await store(pool, changed, position)
    seen += rows.length
  }
  await upcoming
  const { rows } = await pool.query('SELECT sum(deposits) AS deposits, sum(cents) AS cents FROM groups')
  return { deposits: Number(rows[0].deposits), cents: Number(rows[0].cents) }
}

function store(pool, changed, position) {
  const sums = [...changed.values()]
  return pool.query({
    name: 'store',
    text: `WITH moved AS (UPDATE places SET position = $4 WHERE name = 'groups')
      INSERT INTO groups SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
      ON CONFLICT (key) DO UPDATE SET deposits = excluded.deposits, cents = excluded.cents`,
    values: [
      [...changed.keys()],
      sums.map(({ deposits }) => deposits),
      sums.map(({ cents }) => cents),
      position,
    ],
  })
}
