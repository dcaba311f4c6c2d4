// `rampart backup` copies the data of all apps beside a running server; `rampart restore` brings it back.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { backUp, backUpDatabase, restore, restoreToDatabase, type CopyProgress } from '../backup/index.ts'
import { callerFolder } from '../host/notes/index.ts'
import {
  nameOf,
  placeOfData,
  withDriver,
  withPlace,
  type DataOptions,
  type DatabasePlace,
} from './data-place.ts'
import { megabytes, print } from './output.ts'
import { openProgress, type Progress } from './progress.ts'
import { stopOnSignal, type Stopping } from './stop-on-signal.ts'

/** Adds both commands to a program. */
export function addBackup(program: Command): void {
  withPlace(program.command('backup <dir>'))
    .description('Copies the data of all apps into a folder, also while a server writes it.')
    .action(runBackup)
  withPlace(program.command('restore <dir>'))
    .description('Puts a backup in the place of the data. No server may use the data meanwhile.')
    .option('--replace', 'a database that is not empty, too: what is there is kept in another schema')
    .action(runRestore)
}

interface RestoreOptions extends DataOptions {
  readonly replace?: true
}

async function runBackup(dir: string, options: DataOptions): Promise<void> {
  const place = placeOfData(options)
  const to = resolve(callerFolder(process.env), dir)
  if (place.kind === 'database') return backUpOf(place, to)
  using shown = showProgress()
  using stopping = stopOnSignal(backupStopped)
  const onProgress = stoppable(stopping, shown)
  const { apps } = await backUp({ dataFolder: place.data, to, onProgress })
  shown[Symbol.dispose]()
  for (const { name, files, logs } of apps) {
    const size = files.reduce((sum, { bytes }) => sum + bytes, 0)
    print(`${name}: ${megabytes(size)}, ${headsOf(logs)}`)
  }
  print(`The backup is complete: ${to}`)
}

const backupStopped = 'the backup is not finished, and what it had copied is removed.'

function stoppable(stopping: Stopping, shown: Shown): Shown['show'] {
  return (progress) => {
    stopping.check()
    shown.show(progress)
  }
}

async function backUpOf({ url }: DatabasePlace, to: string): Promise<void> {
  await withDriver(() => import('../postgres/copies/index.ts'))
  using shown = showProgress()
  using stopping = stopOnSignal(backupStopped)
  const onProgress = stoppable(stopping, shown)
  const { tables, logs } = await backUpDatabase({ url, to, onProgress })
  shown[Symbol.dispose]()
  printHeads(logs)
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  print(`The backup is complete: ${to} (${megabytes(bytes)})`)
}

async function runRestore(dir: string, options: RestoreOptions): Promise<void> {
  const place = placeOfData(options)
  const from = resolve(callerFolder(process.env), dir)
  if (place.kind === 'database') return restoreTo(place, from, options.replace === true)
  const { data } = place
  using shown = showProgress()
  const { createdAt, apps, wasUnfinished } = await restore({ from, dataFolder: data, onProgress: shown.show })
  shown[Symbol.dispose]()
  if (wasUnfinished) print('A restore of this backup was interrupted before; this one has finished it.')
  for (const { name, logs, aside } of apps) {
    print(`${name}: ${headsOf(logs)}${aside === null ? '' : `; what was there is in ${aside}`}`)
  }
  print(`The backup of ${createdAt} is restored to ${data}. Start the server again.`)
}

async function restoreTo(place: DatabasePlace, from: string, replace: boolean): Promise<void> {
  await withDriver(() => import('../postgres/copies/index.ts'))
  using shown = showProgress()
  const { url } = place
  const restored = await restoreToDatabase({ url, from, replace, onProgress: shown.show })
  shown[Symbol.dispose]()
  printHeads(restored.logs)
  if (restored.aside !== null) {
    print(`What was there is in the schema ${restored.aside}. Drop it when you are sure.`)
  }
  print(`The backup of ${restored.createdAt} is restored to ${nameOf(place)}. Start the processes again.`)
}

function printHeads(logs: readonly (Logs[number] & { readonly app: string })[]): void {
  for (const app of new Set(logs.map((log) => log.app))) {
    print(`${app}: ${headsOf(logs.filter((log) => log.app === app))}`)
  }
}

type Logs = Awaited<ReturnType<typeof backUp>>['apps'][number]['logs']

function headsOf(logs: Logs): string {
  if (logs.length === 0) return 'no log'
  return logs.map(({ log, head }) => `${log} up to position ${head.position}`).join(', ')
}

interface Shown extends Disposable {
  readonly show: (progress: CopyProgress) => void
}

/** Shows one piece of work after the other. */
function showProgress(): Shown {
  let what = ''
  let progress: Progress | undefined
  const end = (): void => {
    progress?.[Symbol.dispose]()
    progress = undefined
  }
  return {
    show(now) {
      if (now.what !== what) {
        end()
        what = now.what
        // What is done in no time has no bar.
        if (now.total > 0)
          progress = openProgress({ label: what, total: now.total, unit: now.unit ?? 'bytes' })
      }
      progress?.advanceTo(now.done, now.total)
    },
    [Symbol.dispose]: end,
  }
}
