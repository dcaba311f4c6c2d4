// `rampart status`: what the stores of a data folder hold, how far everything is, and who has them open.
import type { Command } from 'commander'
import { isoTime } from '../core/codec/index.ts'
import { systemRuntime } from '../core/index.ts'
import type { InspectedFile } from '../sqlite/index.ts'
import { folderOf, withData, type DataOptions } from './data-place.ts'
import { columns, ink, megabytes, print, printJson, since } from './output.ts'
import {
  survey,
  type Survey,
  type SurveyedApp,
  type SurveyedLog,
  type SurveyedProjection,
  type SurveyedServer,
} from './survey.ts'

interface StatusOptions extends DataOptions {
  readonly json?: true
}

/** Adds the command to a program. */
export function addStatus(program: Command): void {
  withData(program.command('status'))
    .description('Shows logs, read models and what waits, beside a running server or without one.')
    .option('--json', 'the same for programs')
    .action(status)
}

async function status({ json, ...place }: StatusOptions): Promise<void> {
  const found = await survey(folderOf(place), systemRuntime)
  if (json) printJson(shownJson(found))
  else for (const app of found.apps) print(linesOf(app, found.atMs).join('\n'))
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

function logLines(log: SurveyedLog, nowMs: number): readonly string[] {
  const { context, head, recordedAtMs, epochs, inbox, deadLetters, sealed } = log
  const current = epochs.at(-1)
  const rows = log.projections.map((one) => [
    `    ${one.name}`,
    `version ${one.version}, generation ${one.generation}${roleOf(one)}`,
    `at ${one.position}`,
    lagText(one),
    one.quarantinedKeys === 0 ? '' : `${one.quarantinedKeys} keys quarantined`,
    one.stopped === null ? '' : `stopped: ${one.stopped}`,
    one.upgradeStopped === null ? '' : `upgrade stopped: ${one.upgradeStopped}`,
  ])
  return [
    `  ${context}  ${head} events${recordedAtMs === null ? '' : `, the last ${since(recordedAtMs, nowMs)}`}`,
    `    epoch ${current?.epoch ?? 'none'} (${epochs.length} in all)`,
    sealed === null ? '    no seals' : `    ${sealed.seals} seals, up to ${sealed.position}`,
    inbox.oldestAtMs === null
      ? '    inbox empty'
      : `    inbox ${inbox.commands} commands, the oldest ${since(inbox.oldestAtMs, nowMs)}`,
    `    dead letters ${deadLetters}`,
    ...columns(rows),
  ]
}

function lagText({ isSynchronous, isLive, lagEvents, lagSeconds }: SurveyedProjection): string {
  if (isSynchronous && isLive) return 'commits with the events'
  return lagEvents === 0 ? 'up to date' : `${lagEvents} events behind, ${Math.round(lagSeconds)} s`
}

function roleOf({ isLive, isNamed }: SurveyedProjection): string {
  if (isLive) return ''
  return isNamed ? ' (kept)' : ' (building)'
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
