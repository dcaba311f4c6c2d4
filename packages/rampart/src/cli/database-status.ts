// What `rampart status` shows of a database: its apps with the processes that share them.
import { isoTime } from '../core/codec/index.ts'
import type { DatabaseSurvey, SharedApp, SharedLease, SharedProcess } from './database-survey.ts'
import { logLines } from './log-lines.ts'
import { columns, ink, since } from './output.ts'

/** A survey in lines. */
export function databaseLines({ database, atMs, schemas, wall, apps }: DatabaseSurvey): readonly string[] {
  const steps = schemas.map(({ name, step }) => `${name} at step ${step}`).join(', ')
  return [
    `${ink('bold', database)}  ${steps}`,
    ...wallLines(wall, apps),
    '',
    ...apps.flatMap((app) => appLines(app, atMs)),
  ]
}

/** The same as an object for programs. */
export function databaseJson({ atMs, ...survey }: DatabaseSurvey): object {
  return { ...survey, at: isoTime(atMs) }
}

function wallLines(wall: DatabaseSurvey['wall'], apps: readonly SharedApp[]): readonly string[] {
  if (wall === null) return []
  if (wall === 'up') return ['  the wall is up: whoever projects or serves cannot see what commands change']
  const open = apps
    .flatMap(({ processes }) => processes)
    .filter(({ state, isWalled }) => state !== 'gone' && !isWalled)
  return [
    '  the wall is down: what projects or serves logs in as a user who can see or change what it must not',
    ...new Set(open.flatMap(openLines)),
  ]
}

// A process of an older version does not say as whom it logs in.
function openLines({ login, roles, opened: { reads, changes } }: SharedProcess): readonly string[] {
  if (login === null) return []
  const may = [
    ...(reads.length === 0 ? [] : [`read ${someOf(reads)}`]),
    ...(changes.length === 0 ? [] : [`change ${someOf(changes)}`]),
  ]
  return [`    ${login} (${roles.join(',')}) may ${may.join(', and ')}`]
}

const namesMax = 4

function someOf(names: readonly string[]): string {
  const rest = names.length - namesMax
  return `${names.slice(0, namesMax).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function appLines({ app, processes, logs, leases }: SharedApp, nowMs: number): readonly string[] {
  const running = processes.filter(({ state }) => state !== 'gone').length
  const count = `${running === 0 ? 'no' : running} ${running === 1 ? 'process' : 'processes'}`
  return [
    `${ink('bold', app)}  ${count}`,
    ...columns(processes.map((process) => processCells(process, nowMs))),
    ...logs.flatMap((log) => logLines(log, nowMs)),
    ...columns(leases.map(leaseCells)),
    '',
  ]
}

function processCells(process: SharedProcess, nowMs: number): readonly string[] {
  const { pid, host, roles, url, sinceMs, silentMs, state, reason } = process
  const life = `last sign of life ${Math.round(silentMs / 1000)} s ago`
  return [
    `  process ${pid} on ${host}`,
    roles.join(','),
    url ?? '',
    `began ${since(sinceMs, nowMs)}`,
    state === 'gone' ? ink('red', `gone: ${life}`) : life,
    state === 'silent' ? ink('yellow', 'does not answer') : '',
    reason === null ? '' : ink('yellow', `takes no commands: ${reason}`),
  ]
}

function leaseCells({ name, holder, fence, leftMs, process }: SharedLease): readonly string[] {
  const who = process === null ? holder : `process ${process.pid} on ${process.host}`
  const state = leftMs === 0 ? 'ran out' : `for ${Math.ceil(leftMs / 1000)} s yet`
  return [`    lease ${name}`, ...(holder === null ? ['free'] : [`held by ${who}`, state]), `fence ${fence}`]
}
