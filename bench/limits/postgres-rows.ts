// What PostgreSQL does at most with rows of the size of an event and no store around them: a transaction for
// each row, thousands of rows a statement, and a bulk load.
import { execFile, spawn } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { startRound, type Round } from '../measure.ts'
import { expectRows, query, type BenchPostgres } from '../postgres-server.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'

const run = promisify(execFile)
const payload = 'x'.repeat(300)
const table = 'CREATE TABLE rows (id bigserial PRIMARY KEY, payload text NOT NULL)'
const seconds = 1
const rowsPerStatement = 1000
const rowsInAll = 50_000

/** Transactions of one row each, by pgbench with prepared statements and a connection for each client. */
export function pgbench({ tools = '', inDatabase }: BenchPostgres, clients: number): Promise<Round> {
  return inTemporaryFolder((folder) =>
    inDatabase(async (url) => {
      await query(url, table)
      const script = join(folder, 'insert.sql')
      await writeFile(script, `INSERT INTO rows (payload) VALUES ('${payload}');\n`)
      // The server keeps some of its hundred connections for others.
      const sizes = ['-c', String(Math.min(clients, 90)), '-j', String(Math.min(clients, 2))]
      const log = ['-l', '--log-prefix', join(folder, 'log')]
      const options = ['-n', '-M', 'prepared', '-T', String(seconds), '-f', script, ...sizes, ...log, url]
      const { stdout } = await run(join(tools, 'pgbench'), options)
      const [, perSecond = ''] = /^tps = ([\d.]+)/m.exec(stdout) ?? []
      const latenciesMs = await latenciesIn(folder)
      const operations = latenciesMs.length
      return { operations, elapsedMs: (operations * 1000) / Number(perSecond), latenciesMs }
    }),
  )
}

/** A line for each transaction; its third field says how many microseconds it took. */
async function latenciesIn(folder: string): Promise<readonly number[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('log.'))
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  const lines = texts.flatMap((text) => text.trimEnd().split('\n'))
  return lines.map((line) => Number(line.split(' ')[2]) / 1000)
}

/** Rows in batches over one connection, a transaction for each batch. */
export function unnestBatches({ inDatabase }: BenchPostgres): Promise<Round> {
  return inDatabase(async (url) => {
    await query(url, table)
    const client = new Client({ connectionString: url })
    await client.connect()
    const rows = Array.from({ length: rowsPerStatement }, () => payload)
    const text = 'INSERT INTO rows (payload) SELECT unnest($1::text[])'
    const end = startRound()
    for (let done = 0; done < rowsInAll; done += rowsPerStatement) {
      // oxlint-disable-next-line no-await-in-loop -- one batch follows the other
      await client.query({ name: 'insert', text, values: [rows] })
    }
    const round = end(rowsInAll)
    await client.end()
    await expectRows(url, 'rows', round.operations)
    return round
  })
}

/** All rows in one transaction by COPY, through psql. */
export function copyRows({ tools = '', inDatabase }: BenchPostgres): Promise<Round> {
  return inDatabase(async (url) => {
    await query(url, table)
    const end = startRound()
    const child = spawn(join(tools, 'psql'), [url, '-q', '-c', '\\copy rows (payload) FROM STDIN'])
    child.stdin.end(`${payload}\n`.repeat(rowsInAll))
    await new Promise((resolve) => child.once('exit', resolve))
    const round = end(rowsInAll)
    await expectRows(url, 'rows', round.operations)
    return round
  })
}
