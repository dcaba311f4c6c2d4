// `rampart backup` copies the data of all apps beside a running server; `rampart restore` brings it back.
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { backUp, restore, type CopyProgress } from '../backup/index.ts'
import { callerFolder } from '../host/index.ts'
import { folderOf, withData, type DataOptions } from './data-place.ts'
import { print } from './output.ts'
import { openProgress, type Progress } from './progress.ts'

/** Adds both commands to a program. */
export function addBackup(program: Command): void {
  withData(program.command('backup <dir>'))
    .description('Copies the data of all apps into a folder, also while a server writes it.')
    .action(runBackup)
  withData(program.command('restore <dir>'))
    .description('Puts a backup in the place of the data. No server may use the data meanwhile.')
    .action(runRestore)
}

async function runBackup(dir: string, options: DataOptions): Promise<void> {
  const data = folderOf(options)
  const to = resolve(callerFolder(process.env), dir)
  using shown = showProgress()
  const { apps } = await backUp({ dataFolder: data, to, onProgress: shown.show })
  shown[Symbol.dispose]()
  for (const { name, files, logs } of apps) {
    const megabytes = files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6
    print(`${name}: ${megabytes.toFixed(1)} MB, ${headsOf(logs)}`)
  }
  print(`The backup is complete: ${to}`)
}

async function runRestore(dir: string, options: DataOptions): Promise<void> {
  const data = folderOf(options)
  const from = resolve(callerFolder(process.env), dir)
  using shown = showProgress()
  const { createdAt, apps, wasUnfinished } = await restore({ from, dataFolder: data, onProgress: shown.show })
  shown[Symbol.dispose]()
  if (wasUnfinished) print('A restore of this backup was interrupted before; this one has finished it.')
  for (const { name, logs, aside } of apps) {
    print(`${name}: ${headsOf(logs)}${aside === null ? '' : `; what was there is in ${aside}`}`)
  }
  print(`The backup of ${createdAt} is restored to ${data}. Start the server again.`)
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
        if (now.total > 0) progress = openProgress({ label: what, total: now.total, unit: 'bytes' })
      }
      progress?.advanceTo(now.done, now.total)
    },
    [Symbol.dispose]: end,
  }
}
