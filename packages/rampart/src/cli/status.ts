// `rampart status`: what the stores of a data folder hold, how far everything is, and who has them open.
import type { Command } from 'commander'
import { isoTime } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { InspectedFile } from '../sqlite/index.ts'
import { databaseLines, databaseJson } from './database-status.ts'
import { surveyDatabase } from './database-survey.ts'
import { placeOfData, withPlace, type DataOptions } from './data-place.ts'
import { logLines } from './log-lines.ts'
import { found, ink, megabytes, print, printJson } from './output.ts'
import { lacksReadsText, survey, type Survey, type SurveyedApp, type SurveyedServer } from './survey.ts'

interface StatusOptions extends DataOptions {
  readonly json?: true
}

/** Adds the command to a program. */
export function addStatus(program: Command): void {
  withPlace(program.command('status'))
    .description(
      'Shows logs, read models and what waits, also beside a server; ends with 1 when a file cannot be read.',
    )
    .option('--json', 'the same for programs')
    .action(status)
}

async function status({ json, ...place }: StatusOptions): Promise<void> {
  const where = placeOfData(place)
  if (where.kind === 'database') {
    const seen = await surveyDatabase(where, systemRuntime)
    return json ? printJson(databaseJson(seen)) : print(databaseLines(seen).join('\n'))
  }
  const seen = await survey(where.data, systemRuntime)
  if (seen.apps.some(({ faults }) => faults.length > 0)) found()
  if (json) printJson(shownJson(seen))
  else for (const app of seen.apps) print(linesOf(app, seen.atMs).join('\n'))
}

function linesOf(app: SurveyedApp, nowMs: number): readonly string[] {
  const { writeStore, readStore } = app
  const files = [writeStore, readStore].filter((store) => store !== undefined)
  return [
    `${ink('bold', app.app)}  ${serverText(app.server)}`,
    ...files.map(
      ({ file, bytes, journalBytes, schema }) =>
        `  ${file}  ${megabytes(bytes)}, journal ${megabytes(journalBytes)}, schema ${schema}`,
    ),
    ...(app.lacksReads ? [`  ${lacksReadsText}`] : []),
    ...app.faults.map((fault) => `  ${ink('red', fault)}`),
    ...app.logs.flatMap((log) => logLines(log, nowMs)),
    '',
  ]
}

function serverText({ state, pid, url }: SurveyedServer): string {
  switch (state) {
    case 'serving':
      return `served at ${url} by process ${pid}`
    case 'silent':
      return `held by process ${pid}, which does not answer at ${url}`
    case 'embedded':
      return 'open in a process that is no server'
    case 'stopped':
      return 'not running'
    case 'died':
      return `not running: process ${pid} ended without a drain`
    case 'unlocked':
      return `served at ${url} by process ${pid}, which does not hold its lock`
  }
}

/** The same as an object for programs; what the server says of projections stands with those. */
function shownJson({ data, atMs, disk, apps }: Survey): object {
  return {
    data,
    at: isoTime(atMs),
    disk,
    apps: apps.map(({ app, server: { health, ...server }, writeStore, readStore, logs, faults }) => ({
      app,
      server: { ...server, ready: health?.ready ?? null, reason: health?.reason ?? null },
      files: [writeStore, readStore].filter((store) => store !== undefined).map(fileOf),
      logs,
      faults,
    })),
  }
}

function fileOf({ file, bytes, journalBytes, schema, knownSchema }: InspectedFile): object {
  return { file, bytes, journalBytes, schema, knownSchema }
}
