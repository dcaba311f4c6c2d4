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
    ...(wall === null ? [] : [`  ${wallText(wall)}`]),
    '',
    ...apps.flatMap((app) => appLines(app, atMs)),
  ]
}

/** The same as an object for programs. */
export function databaseJson({ atMs, ...survey }: DatabaseSurvey): object {
  return { ...survey, at: isoTime(atMs) }
}

function wallText(wall: 'up' | 'down'): string {
  if (wall === 'up') return 'the wall is up: whoever projects or serves cannot see what commands change'
  return 'the wall is down: what projects or serves logs in as a user who can see what commands change'
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
