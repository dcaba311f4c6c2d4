// A command over HTTP until its effect is read by its token, on PostgreSQL: in one process, and with one
// process that writes beside another one that projects and serves.
import { join } from 'node:path'
import { drive, measure, type Round } from '../measure.ts'
import { withPostgres, type BenchPostgres } from '../postgres-server.ts'
import { milliseconds, rate, times, type Bench } from '../report.ts'
import { flagsOfRun, withServer } from '../server-process.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { deposit } from './bank.ts'

const one = 'one process'
const two = 'two processes'
const streams = 500

/** Measures and prints the way of a command through one process and through two. */
export async function benchPostgresHttp({ report, rounds, scale }: Bench): Promise<void> {
  const operations = Math.ceil(400 * scale)
  await withPostgres(async (server) => {
    const measured = await measure(
      [
        { name: one, round: () => inOne(server, operations) },
        { name: two, round: () => inTwo(server, operations) },
      ],
      rounds,
    )
    const [base] = measured
    const rows = measured.map((each) => [
      each.name,
      rate(each.perSecond),
      milliseconds(each.p50Ms),
      milliseconds(each.p99Ms),
      times(each.p50Ms / (base?.p50Ms ?? Number.NaN), each.name === two ? { below: 3 } : undefined),
    ])
    const title = 'PostgreSQL: POST a command, then GET its effect by the token, 1 caller'
    report.table(title, [['', 'rate', 'p50', 'p99', `p50 of ${one}`], ...rows])
  })
}

function inOne(server: BenchPostgres, operations: number): Promise<Round> {
  return withGateway(server, async (start) =>
    start('write,project,process,relay,serve', (url) => commandsAndReads(url, url, operations)),
  )
}

function inTwo(server: BenchPostgres, operations: number): Promise<Round> {
  return withGateway(server, async (start) =>
    start('write', (writer) =>
      start('project,serve', (reader) => commandsAndReads(writer, reader, operations)),
    ),
  )
}

type Start = (roles: string, work: (url: string) => Promise<Round>) => Promise<Round>

const script = join(import.meta.dirname, 'postgres-gateway-server.ts')

/** Gives what starts gateways on a database of their own. */
function withGateway(server: BenchPostgres, work: (start: Start) => Promise<Round>): Promise<Round> {
  return server.inDatabase((url) =>
    work((roles, within) =>
      inTemporaryFolder((folder) => {
        const env = {
          RAMPART_DATA: folder,
          RAMPART_STORE: url,
          RAMPART_ROLES: roles,
          RAMPART_RATE_PER_SECOND: '0',
          RAMPART_JWT_SECRET: '',
          PORT: '0',
          HOST: '127.0.0.1',
        }
        return withServer({ script, env, flags: flagsOfRun }, within)
      }),
    ),
  )
}

async function commandsAndReads(writer: string, reader: string, operations: number): Promise<Round> {
  await drive(1, 50, (operation) => commandAndRead(writer, reader, operation))
  return drive(1, operations, (operation) => commandAndRead(writer, reader, operation))
}

async function commandAndRead(writer: string, reader: string, operation: number): Promise<void> {
  const streamId = `account-${operation % streams}`
  const body = JSON.stringify({ streamId, data: deposit(operation) })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${writer}/commands/Deposit`, { method: 'POST', headers, body })
  const token = answer.headers.get('consistency-token') ?? ''
  await answer.arrayBuffer()
  if (answer.status !== 200) throw new Error(`A command was answered by ${answer.status}.`)
  const read = await fetch(`${reader}/reads/balances/${streamId}`, {
    headers: { 'consistency-token': token },
  })
  await read.arrayBuffer()
  if (read.status !== 200) throw new Error(`A read was answered by ${read.status}.`)
}
