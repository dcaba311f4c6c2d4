// A PostgreSQL for one part of the benchmarks, with its default durability: Debian's own where it is
// installed, because it brings pgbench and pg_dump, else the embedded one.
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { Client } from 'pg'
// The server of the tests, which knows where programs are and how they start.
import { createDatabase, startPostgres } from '../packages/rampart/src/postgres/test/server.ts'

const installed = '/usr/lib/postgresql/15/bin'

/** A server that runs while a part is measured. */
export interface BenchPostgres {
  /** Such as `PostgreSQL 15.14`. */
  readonly version: string
  /** The folder of pgbench, psql and pg_dump; absent beside the embedded server, which has none. */
  readonly tools: string | undefined
  /** Works in a new, empty database, which is dropped afterwards. */
  readonly inDatabase: <T>(work: (url: string) => Promise<T>) => Promise<T>
}

/** Runs a server while `work` needs it. */
export async function withPostgres<T>(work: (server: BenchPostgres) => Promise<T>): Promise<T> {
  const tools = existsSync(installed) ? installed : undefined
  const below = process.env['BENCH_FOLDER'] ?? tmpdir()
  await using server = await startPostgres([], { programs: tools ?? '', below })
  const root = server.url('postgres')
  await goAround(root)
  let databases = 0
  return await work({
    version: await versionOf(root),
    tools,
    async inDatabase(within) {
      const name = `bench_${++databases}`
      const url = await createDatabase(root, name)
      try {
        return await within(url)
      } finally {
        await query(root, `DROP DATABASE ${name}`)
      }
    },
  })
}

// A server that has run for a while writes over old files of its log, and to memory that it has used before.
// One that has just started makes each of these files while a commit waits, which would count against whoever
// writes most.
async function goAround(root: string): Promise<void> {
  const url = await createDatabase(root, 'around')
  await query(url, 'CREATE TABLE rows (payload text)')
  await query(url, "INSERT INTO rows SELECT repeat('x', 300) FROM generate_series(1, 600000)")
  await query(root, 'DROP DATABASE around')
}

/** Runs SQL on a connection of its own, and gives the first column of the first row as text. */
export async function query(url: string, text: string): Promise<string> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<unknown[]>({ text, rowMode: 'array' })
    return String(rows[0]?.[0])
  } finally {
    await client.end()
  }
}

/** Throws unless a table holds as many rows as a round claims to have written. */
export async function expectRows(url: string, table: string, rows: number): Promise<void> {
  const found = Number(await query(url, `SELECT count(*) FROM ${table}`))
  if (found !== rows) throw new Error(`${table} holds ${found} rows instead of ${rows}.`)
}

async function versionOf(url: string): Promise<string> {
  const [version = ''] = (await query(url, 'SHOW server_version')).split(' ')
  return `PostgreSQL ${version}`
}
