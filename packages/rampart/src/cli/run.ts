// `rampart run`: loads apps, serves them, says where to look, and drains on the first signal.
import { isRampartError, RampartError, systemRuntime } from '../core/index.ts'
import {
  callerFolder,
  loadMount,
  startHost,
  type HostOptions,
  type Mount,
  type RunningHost,
} from '../host/index.ts'
import { createCommandPrinter, printsCommands } from './activity.ts'
import { ink } from './output.ts'
import { openProgress, type Progress } from './progress.ts'

/** A drain that takes longer ends here: what was acknowledged is durable. */
const drainMs = 9500

/**
 * Serves the apps that the arguments name until SIGTERM or SIGINT; a second signal ends the process at
 * once.
 */
export async function run(
  module: string | undefined,
  options: { readonly mount: readonly string[]; readonly roles?: string },
): Promise<void> {
  // npm runs scripts in the package's folder, which the script's own paths are relative to.
  const folders = [process.cwd(), callerFolder(process.env)]
  const places = [
    ...(module === undefined ? [] : [{ prefix: '', path: module }]),
    ...options.mount.map(placeOf),
  ]
  const mounts = await Promise.all(places.map((place) => loadMount(place, folders)))
  const printer = createCommandPrinter()
  // What start hooks send has a bar of its own on a terminal, which lines would tear apart.
  let hasBar = process.stdout.isTTY
  const onCommand: typeof printer = (command) => (hasBar ? undefined : printer(command))
  const isWatched = printsCommands(process.env['RAMPART_LOG'], process.stdout.isTTY)
  const builds = showBuilds()
  const environment =
    options.roles === undefined ? process.env : { ...process.env, RAMPART_ROLES: options.roles }
  const watched = isWatched ? { onCommand } : {}
  const stopping = new AbortController()
  const { signal } = stopping
  const starting = startHost({ mounts, environment, reportProgress: builds.report, signal, ...watched })
  // Whoever waits for the server may end it as soon as it answers, which is before its start has ended.
  drainOnSignal(starting, stopping)
  const host = await starting.finally(builds.end)
  process.stdout.write(whereToLook(host, mounts))
  await host.started
  hasBar = false
}

/** Shows what is built before anything can be served; most starts build nothing. */
function showBuilds() {
  const shown = new Map<string, Progress>()
  return {
    report: (({ projection, version, position, head }) => {
      const label = `build ${projection} version ${version}`
      const progress = shown.get(label) ?? openProgress({ label, total: head, unit: 'events' })
      shown.set(label, progress)
      progress.advanceTo(position)
    }) satisfies HostOptions['reportProgress'],
    end: () => {
      for (const progress of shown.values()) progress[Symbol.dispose]()
    },
  }
}

function placeOf(text: string): { readonly prefix: string; readonly path: string } {
  const split = text.indexOf('=')
  if (split > 0) return { prefix: text.slice(0, split).replace(/\/$/, ''), path: text.slice(split + 1) }
  const message = `--mount takes a prefix and a module, like /orders=./orders, not ${JSON.stringify(text)}.`
  throw new RampartError('SETTING_INVALID', message)
}

/** What a process does that may leave something to others. */
function rolesRow({ settings: { storeUrls, roles } }: RunningHost) {
  return storeUrls === undefined ? [] : [['roles', [...roles].join(', ')] as const]
}

// A URL holds a password, so only the place is said.
function whereDataLie({ settings: { storeUrls, dataFolder } }: RunningHost): string {
  const url = storeUrls?.write ?? storeUrls?.project ?? storeUrls?.serve
  if (url === undefined) return dataFolder
  const { host, pathname } = new URL(url)
  return `postgres://${host}${pathname}`
}

function drainOnSignal(starting: Promise<RunningHost>, stopping: AbortController): void {
  let isDraining = false
  const onSignal = (signal: string): void => {
    if (isDraining) process.exit(1)
    isDraining = true
    process.stderr.write(`${signal}: finishing what is in flight\n`)
    systemRuntime.setTimer(drainMs, () => process.exit(0), { keepAlive: false })
    stopping.abort(new RampartError('SHUTTING_DOWN', 'The process was told to end before it had started.'))
    drain(starting).catch((fault: unknown) => {
      console.error(fault)
      process.exit(1)
    })
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}

async function drain(starting: Promise<RunningHost>): Promise<void> {
  const host = await starting.catch((fault: unknown) => {
    // A start that only waited ends as it was told to; any other that fails is reported by who started it.
    if (isRampartError(fault, 'SHUTTING_DOWN')) process.exit(0)
  })
  if (host === undefined) return
  await host.drain()
  process.exit(0)
}

function whereToLook(host: RunningHost, mounts: readonly Mount[]): string {
  const rows = [
    ...mounts.map(({ prefix, app }) => [app.name, `${host.url}${prefix}/docs`] as const),
    ['readiness', `${host.url}/readyz`] as const,
    ['metrics', `${host.url}/metrics`] as const,
    ['data', whereDataLie(host)] as const,
    ...rolesRow(host),
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  const lines = rows.map(([name, place]) => `  ${name.padEnd(width)}  ${place}`)
  return `${ink('bold', `Rampart listens on ${host.url}`)}\n\n${lines.join('\n')}\n\n`
}
