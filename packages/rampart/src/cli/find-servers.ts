// Finds the servers that commands call which operate an app: by its address, or by the processes that
// a database knows.
import { Option, type Command } from 'commander'
import { RampartError, systemRuntime } from '../core/index.ts'
import { addressOf, defaultUrl, type Server } from './admin-client.ts'
import { surveyDatabase } from './database-survey.ts'
import { nameOf, placeOfData } from './data-place.ts'

/** What a command over servers is told. */
export interface ServerOptions {
  readonly url?: string
  readonly store?: string
  readonly app?: string
}

/** Adds `--url`, `--store` and `--app` to a command. */
export function withServer(command: Command): Command {
  const url = new Option(
    '--url <url>',
    `the server, with the prefix of the app: ${defaultUrl} unless it is found by its database`,
  )
  return command
    .addOption(url.argParser(addressOf).conflicts(['store', 'app']))
    .option('--store <url>', 'the PostgreSQL database in which processes register: RAMPART_STORE unless said')
    .option('--app <name>', 'which app, when the database has several')
}

/** The servers that may have read models of the app. Throws `INPUT_INVALID` when none can be found. */
export async function findServers({ url, store, app }: ServerOptions): Promise<readonly Server[]> {
  if (url !== undefined) return [{ url }]
  const place = placeOfData(store === undefined ? {} : { store })
  if (place.kind === 'folder') return [{ url: defaultUrl }]
  const { apps } = await surveyDatabase(place, systemRuntime)
  const names = apps.map((one) => one.app)
  const [only, ...others] = app === undefined ? names : names.filter((name) => name === app)
  if (only === undefined || others.length > 0) {
    const message = `The database ${nameOf(place)} has the apps ${names.join(', ')}. Name one of them: --app.`
    throw new RampartError('INPUT_INVALID', message)
  }
  const servers = apps
    .filter((one) => one.app === only)
    .flatMap(({ processes }) => processes)
    .filter(({ state, roles }) => state !== 'gone' && roles.includes('project'))
    .flatMap((process) => (process.url === null ? [] : [{ url: process.url }]))
  if (servers.length > 0) return servers
  const message =
    `No process of ${only} that keeps read models up is known to ${nameOf(place)}. ` +
    'Start one (rampart run --roles project), or name a server: --url.'
  throw new RampartError('INPUT_INVALID', message)
}
