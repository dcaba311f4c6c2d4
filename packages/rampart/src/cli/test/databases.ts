// A PostgreSQL server with databases for tests of the command line, and the counter that is served on them.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startHost, type Mount, type RunningHost } from '../../host/index.ts'
import { createDatabase, startPostgres, type PostgresServer } from '../../postgres/test/server.ts'
import counter from './fixtures/counter/src/app.ts'

/** A server with as many databases as are asked for. */
export interface Databases extends AsyncDisposable {
  readonly server: PostgresServer
  /** A temporary folder, which goes with the server. */
  readonly folder: string
  /** The URL of another database, empty or a copy of one that nobody uses. */
  readonly create: (template?: string) => Promise<string>
  /** Serves an app on a database, the counter unless said. */
  readonly serve: (url: string, served?: Mount['app'], settings?: object) => Promise<RunningHost>
}

/** Starts the server. */
export async function openDatabases(): Promise<Databases> {
  const server = await startPostgres(['fsync=off', 'max_prepared_transactions=5'])
  const folder = await mkdtemp(join(tmpdir(), 'rampart-database-'))
  let made = 0
  return {
    server,
    folder,
    create: (template) => createDatabase(server.url('postgres'), `test_${++made}`, template),
    serve(url, served = counter, settings = {}) {
      const data = join(folder, String(++made))
      const environment = { PORT: '0', RAMPART_DATA: data, RAMPART_STORE: url, ...settings }
      return startHost({ mounts: [{ prefix: '', app: served }], environment, reportFault() {} })
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Counts once in a stream. */
export async function count(host: RunningHost, streamId: string, headers = {}): Promise<Response> {
  const body = JSON.stringify({ streamId, data: { by: 1 } })
  const sent = { 'content-type': 'application/json', ...headers }
  return fetch(`${host.url}/commands/Count`, { method: 'POST', headers: sent, body })
}
