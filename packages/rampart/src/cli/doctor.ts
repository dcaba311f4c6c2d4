// `rampart doctor`: finds what is wrong with the apps of a data folder or a database, and says what mends it.
import type { Command } from 'commander'
import { isRampartError, sleep, systemRuntime } from '../core/index.ts'
import { nameOf, placeOfData, withPlace, type DatabasePlace, type DataOptions } from './data-place.ts'
import { diagnoseDatabase, diagnoseSessions, needsSecondLookAt } from './database-diagnosis.ts'
import { surveyDatabase, surveySessions } from './database-survey.ts'
import { diagnose, needsSecondLook, type Finding } from './diagnosis.ts'
import { found, ink, print, printJson } from './output.ts'
import { lacksReadsText, survey } from './survey.ts'

interface DoctorOptions extends DataOptions {
  readonly json?: true
}

/** Between two looks, something that moves at all has moved. */
const betweenMs = 1500

/** Adds the command to a program. */
export function addDoctor(program: Command): void {
  withPlace(program.command('doctor'))
    .description('Finds what is wrong and says what mends it; ends with 1 when it found something.')
    .option('--json', 'the same for programs')
    .action(doctor)
}

async function doctor({ json, ...options }: DoctorOptions): Promise<void> {
  const place = placeOfData(options)
  const {
    findings,
    apps,
    notes = [],
  } = place.kind === 'database' ? await examineDatabase(place) : await examineFolder(place.data)
  if (findings.length > 0) found()
  if (json) return printJson({ data: nameOf(place), apps: apps.map(({ app }) => app), findings })
  for (const finding of findings) print(linesOf(finding))
  for (const note of notes) print(note)
  const names = apps.map(({ app, state }) => `${app} (${state})`).join(', ') || 'the sessions'
  print(`${findings.length === 0 ? 'Nothing is wrong with' : 'Looked at'} ${names} in ${nameOf(place)}.`)
}

interface Examined {
  readonly findings: readonly Finding[]
  readonly apps: readonly { readonly app: string; readonly state: string }[]
  /** What is no fault, and worth knowing. */
  readonly notes?: readonly string[]
}

async function examineFolder(data: string): Promise<Examined> {
  const first = await survey(data, systemRuntime)
  const hasToWait = needsSecondLook(first)
  if (hasToWait) await sleep(systemRuntime, betweenMs)
  const findings = diagnose(first, hasToWait ? await survey(data, systemRuntime) : first)
  const apps = first.apps.map(({ app, server }) => ({ app, state: server.state }))
  const without = first.apps.filter(({ lacksReads }) => lacksReads)
  return { findings, apps, notes: without.map(({ app }) => `${app}: ${lacksReadsText}`) }
}

async function examineDatabase(place: DatabasePlace): Promise<Examined> {
  try {
    const { findings, apps } = await examineApps(place)
    return { findings: [...diagnoseSessions(await surveySessions(place)), ...findings], apps }
  } catch (fault) {
    if (!isRampartError(fault, 'STORE_UNAVAILABLE') || fault.details['isAway'] === true) throw fault
    // Somebody may have locked what was looked at, which shows at the sessions all the same.
    const held = diagnoseSessions(await surveySessions(place), true)
    if (held.length === 0) throw fault
    const failed = { app: null, what: fault.message, remedy: 'Nothing else can be said until it is mended.' }
    return { findings: [...held, failed], apps: [] }
  }
}

async function examineApps(place: DatabasePlace): Promise<Examined> {
  const first = await surveyDatabase(place, systemRuntime)
  const hasToWait = needsSecondLookAt(first)
  if (hasToWait) await sleep(systemRuntime, betweenMs)
  const later = hasToWait ? await surveyDatabase(place, systemRuntime) : first
  const apps = first.apps.map(({ app, processes }) => {
    const running = processes.filter(({ state }) => state !== 'gone').length
    return { app, state: running === 0 ? 'stopped' : `${running} running` }
  })
  return { findings: diagnoseDatabase(first, later), apps }
}

function linesOf({ app, what, remedy }: Finding): string {
  return `${ink('yellow', '!')} ${app === null ? '' : `${app}: `}${what}\n  ${remedy}\n`
}
