// Commands over HTTP from another process, with and without a token, beside bare servers: one that answers a
// POST of the same body, and one that writes the rows of the command before.
import { createHmac } from 'node:crypto'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { measure, ratio, type Round, type Work } from '../measure.ts'
import { microseconds, milliseconds, rate, times, type Bench } from '../report.ts'
import { flagsOfRun, servingMs, withServer } from '../server-process.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { deposit } from './bank.ts'

const servers = {
  bare: { script: join(import.meta.dirname, '../limits/bare-server.ts') },
  durable: { script: join(import.meta.dirname, '../limits/durable-server.ts') },
  gateway: { script: join(import.meta.dirname, 'gateway-server.ts'), flags: flagsOfRun },
} as const

const limit = 'bare hono server, POST'
const own = 'POST /commands/Deposit, outcome awaited'
const ownWithToken = 'the same with a JWT'

/** Measures and prints HTTP commands at 64 connections. */
export async function benchHttp({ report, rounds, scale }: Bench): Promise<void> {
  // The load generator counts in whole seconds.
  const seconds = Math.ceil(3 * scale)
  const work: readonly Work[] = [
    { name: limit, round: () => post('bare', seconds) },
    { name: 'the same, rows committed to SQLite', round: () => post('durable', seconds) },
    { name: own, round: () => post('gateway', seconds) },
    { name: ownWithToken, round: () => post('gateway', seconds, secret) },
  ]
  const measured = await measure(work, rounds)
  const demand = { atLeast: 0.4, goal: 0.6 }
  const rows = measured.map(({ name, perSecond, p50Ms, p99Ms, cpuUs }) => [
    name,
    rate(perSecond),
    milliseconds(p50Ms),
    milliseconds(p99Ms),
    times(ratio(measured, name, limit), [own, ownWithToken].includes(name) ? demand : undefined),
    microseconds(cpuUs),
    times((measured[0]?.cpuUs ?? Number.NaN) / cpuUs),
  ])
  const head = ['', 'rate', 'p50', 'p99', 'of bare server', 'serving thread', 'of bare server by that']
  const title =
    'HTTP, 64 connections, client in a process of its own, store in a worker thread, rate limit off'
  report.table(title, [head, ...rows])
}

const secret = 'the secret of the benchmarks and their tokens'

function post(server: keyof typeof servers, seconds: number, jwtSecret = ''): Promise<Round> {
  return inTemporaryFolder((folder) => {
    const env = {
      RAMPART_DATA: folder,
      RAMPART_RATE_PER_SECOND: '0',
      PORT: '0',
      HOST: '127.0.0.1',
      RAMPART_JWT_SECRET: jwtSecret,
    }
    return withServer({ ...servers[server], env }, async (url, child) => {
      const token = jwtSecret === '' ? undefined : tokenOf(jwtSecret)
      // As long before: by then V8 has compiled what is used often, which takes processor time as well.
      await fire(url, seconds, token)
      const beforeMs = await servingMs(child)
      const round = await fire(url, seconds, token)
      return { ...round, cpuMs: (await servingMs(child)) - beforeMs }
    })
  })
}

/** A token as issuers make them: a dozen claims, valid for an hour. */
function tokenOf(jwtSecret: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const times = { iat: now, nbf: now, exp: now + 3600 }
  const names = {
    sub: 'benchmark',
    iss: 'https://issuer.example',
    aud: 'bank',
    azp: 'bench',
    jti: 'b1946ac9',
  }
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ ...names, ...times, roles: ['teller'] })}`
  return `${signed}.${createHmac('sha256', jwtSecret).update(signed).digest('base64url')}`
}

/** Runs the load generator in a process of its own; `[<id>]` becomes another text in every request. */
async function fire(url: string, seconds: number, token?: string): Promise<Round> {
  const body = JSON.stringify({ streamId: 'account-[<id>]', data: deposit(7) })
  const options = ['--json', '--no-progress', '--idReplacement', '--method', 'POST', '--body', body]
  const load = [
    '--connections',
    '64',
    '--duration',
    String(seconds),
    '--headers',
    'content-type=application/json',
    ...(token === undefined ? [] : ['--headers', `authorization=Bearer ${token}`]),
  ]
  const { stdout } = await promisify(execFile)(process.execPath, [
    fileURLToPath(import.meta.resolve('autocannon')),
    ...options,
    ...load,
    `${url}/commands/Deposit`,
  ])
  const result = JSON.parse(stdout)
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`The server answered ${result.non2xx} times otherwise than 2xx, ${result.errors} failed.`)
  }
  const { p50, p99 } = result.latency
  const elapsedMs = result.duration * 1000
  return { operations: result.requests.total, elapsedMs, latenciesMs: [p50, p50, p99] }
}
