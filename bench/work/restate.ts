// The same durable, idempotent command over HTTP with Rampart and with Restate, in turn, from a process of
// callers.
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemRuntime, sleep } from 'rampart'
import type { Called, Calls } from '../http-callers.ts'
import { installPeers, peersFolder, requirePeer, versionOf } from '../install-peers.ts'
import { measure, ratio, type Round, type Work } from '../measure.ts'
import { milliseconds, rate, times, type Bench } from '../report.ts'
import { flagsOfRun, withProgram, withServer } from '../server-process.ts'
import { inTemporaryFolder } from '../temporary-folder.ts'
import { deposit } from './bank.ts'

const run = promisify(execFile)
const floors: readonly (readonly [callers: number, atLeast: number, goal: number])[] = [
  [1, 4, 8],
  [64, 5, 10],
  [256, 5, 10],
]

/** Measures and prints both. Installs the peers first, when they are not there. */
export async function benchRestate({ report, rounds, scale }: Bench): Promise<void> {
  await installPeers(report)
  const [server, sdk] = ['restate-server', 'restate-sdk'].map((name) => versionOf(`@restatedev/${name}`))
  const versions = `Restate server ${server}, SDK ${sdk}`
  for (const [callers, atLeast, goal] of floors) {
    const load = { callers, warmUpMs: 3000 * scale, durationMs: 3000 * scale, accounts: 5000 }
    const work: readonly Work[] = [
      { name: 'Restate', round: () => restate(load) },
      { name: 'Rampart', round: () => rampart(load) },
    ]
    const measured = await measure(work, rounds)
    const rows = measured.map(({ name, perSecond, p50Ms, p99Ms }) => [
      name,
      rate(perSecond),
      milliseconds(p50Ms),
      milliseconds(p99Ms),
      times(ratio(measured, name, 'Restate'), name === 'Rampart' ? { atLeast, goal } : undefined),
    ])
    const who = callers === 1 ? '1 caller' : `${callers} callers`
    const title = `A durable, idempotent command over HTTP, its outcome awaited, ${who}, beside ${versions}`
    report.table(title, [['', 'rate', 'p50', 'p99', 'of Restate'], ...rows])
  }
}

type Load = Omit<Calls, 'port' | 'path' | 'body'>

/** A gateway as `rampart run` would start it, without the limit of requests per client. */
export function rampart(load: Load): Promise<Round> {
  return inTemporaryFolder((folder) => {
    const server = join(import.meta.dirname, 'gateway-server.ts')
    const env = {
      RAMPART_DATA: folder,
      RAMPART_RATE_PER_SECOND: '0',
      RAMPART_JWT_SECRET: '',
      PORT: '0',
      HOST: '127.0.0.1',
    }
    return withServer({ script: server, env, flags: flagsOfRun }, (url) =>
      call({
        ...load,
        port: Number(new URL(url).port),
        path: '/commands/Deposit',
        body: JSON.stringify({ streamId: '{account}', data: deposit(7) }),
      }),
    )
  })
}

/** Restate's server with its default settings, and the accounts as a service beside it. */
function restate(load: Load): Promise<Round> {
  return inTemporaryFolder(async (folder) => {
    const [ingress, admin, node] = await freePorts(3)
    const file = requirePeer.resolve(
      `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
    )
    const env = {
      RESTATE_BASE_DIR: folder,
      RESTATE_BIND_IP: '127.0.0.1',
      RESTATE_BIND_PORT: String(node),
      RESTATE_INGRESS__BIND_PORT: String(ingress),
      RESTATE_ADMIN__BIND_PORT: String(admin),
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_LOG_FILTER: 'error,octocrab=off',
      // Both ask the internet for something at the start.
      RESTATE_DISABLE_TELEMETRY: 'true',
      RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
    }
    const service = join(peersFolder, 'restate-accounts.js')
    return withProgram({ file, args: ['--no-logo'], env }, () =>
      withServer(
        { script: service, env: { NODE_ENV: 'production', RESTATE_LOGGING: 'ERROR' } },
        async (url) => {
          await register(`http://127.0.0.1:${admin}/deployments`, url)
          const body = JSON.stringify(deposit(7))
          return call({ ...load, port: ingress ?? 0, path: '/account/{account}/Deposit', body })
        },
      ),
    )
  })
}

/** Tells the server where the service is, as soon as it listens. */
async function register(deployments: string, uri: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const answer = await fetch(deployments, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri }),
    }).catch(() => undefined)
    if (answer?.ok === true) return
    await sleep(systemRuntime, 100)
  }
  throw new Error('Restate did not take the service within 30 s.')
}

async function call(calls: Calls): Promise<Round> {
  const script = join(import.meta.dirname, '..', 'http-callers.ts')
  const { stdout } = await run(process.execPath, [script, JSON.stringify(calls)], { maxBuffer: 2 ** 28 })
  // What the script prints.
  const called: Called = JSON.parse(stdout)
  return called
}

/** Ports that nobody listens on. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => {
            const address = server.address()
            resolve(typeof address === 'object' && address !== null ? address.port : 0)
          }),
        ),
    ),
  )
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
