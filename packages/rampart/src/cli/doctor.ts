// `rampart doctor`: finds what is wrong with the apps of a data folder, and says what mends it.
import type { Command } from 'commander'
import { sleep, systemRuntime } from '../core/index.ts'
import { folderOf, withData, type DataOptions } from './data-place.ts'
import { diagnose, needsSecondLook, type Finding } from './diagnosis.ts'
import { found, ink, print, printJson } from './output.ts'
import { survey } from './survey.ts'

interface DoctorOptions extends DataOptions {
  readonly json?: true
}

/** Between two looks, something that moves at all has moved. */
const betweenMs = 1500

/** Adds the command to a program. */
export function addDoctor(program: Command): void {
  withData(program.command('doctor'))
    .description('Finds what is wrong and says what mends it; ends with 1 when it found something.')
    .option('--json', 'the same for programs')
    .action(doctor)
}

async function doctor({ json, ...place }: DoctorOptions): Promise<void> {
  const data = folderOf(place)
  const first = await survey(data, systemRuntime)
  const hasToWait = needsSecondLook(first)
  if (hasToWait) await sleep(systemRuntime, betweenMs)
  const findings = diagnose(first, hasToWait ? await survey(data, systemRuntime) : first)
  if (findings.length > 0) found()
  if (json) return printJson({ data, apps: first.apps.map(({ app }) => app), findings })
  for (const finding of findings) print(linesOf(finding))
  const apps = first.apps.map(({ app, server }) => `${app} (${server.state})`).join(', ')
  print(`${findings.length === 0 ? 'Nothing is wrong with' : 'Looked at'} ${apps} in ${data}.`)
}

function linesOf({ app, what, remedy }: Finding): string {
  return `${ink('yellow', '!')} ${app === null ? '' : `${app}: `}${what}\n  ${remedy}\n`
}
