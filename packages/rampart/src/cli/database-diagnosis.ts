// What is wrong with a database, the processes that share it and their apps, and what mends it.
import type { InspectedSession } from '../core/inspection/index.ts'
import type { DatabaseSurvey, SharedApp, SharedLease, SharedProcess } from './database-survey.ts'
import type { Finding } from './diagnosis.ts'
import { isBehind, logFindings, when, type Served, type Told } from './log-findings.ts'

/** What is locked for longer holds others up. */
const lockedMsMax = 2000
/** So long an open transaction keeps rows from being cleared away that nobody needs any more. */
const idleMsMax = 60_000

/** Everything that is wrong. `later` is a second look, which tells whether what is behind catches up. */
export function diagnoseDatabase(survey: DatabaseSurvey, later = survey): readonly Finding[] {
  return [
    ...survey.schemas.flatMap(schemaTold).map(ofAll),
    ...survey.apps.flatMap((app) => {
      const laterApp = later.apps.find((other) => other.app === app.app)
      return appTold(app, laterApp, survey.atMs).map(([what, remedy]) => ({ app: app.app, what, remedy }))
    }),
  ]
}

/** Which sessions hold others up. `hasWaited` when a look at the database has waited for a lock in vain. */
export function diagnoseSessions(
  sessions: readonly InspectedSession[],
  hasWaited = false,
): readonly Finding[] {
  return sessions.flatMap((session) => sessionTold(session, hasWaited)).map(ofAll)
}

function ofAll([what, remedy]: Told): Finding {
  return { app: null, what, remedy }
}

/** Whether a second look is worth its time: something that a process keeps up is behind. */
export function needsSecondLookAt({ apps }: DatabaseSurvey): boolean {
  return apps.some(({ processes, logs }) => runsPart(processes, 'project') && logs.some(isBehind))
}

function schemaTold({ name, step, knownStep }: DatabaseSurvey['schemas'][number]): readonly Told[] {
  const what = `The schema ${name} is at step ${step}, and this version knows ${knownStep}.`
  return [
    ...when(step > knownStep, [what, 'Use the version that took it there, or a newer one.']),
    ...when(step < knownStep, [
      what,
      'Start once with the URL of its owner in RAMPART_STORE: rampart run --roles write.',
    ]),
  ]
}

function sessionTold(session: InspectedSession, hasWaited: boolean): readonly Told[] {
  const { state, query, holds, waiting } = session
  // A session that hides its age is judged by who waits for it.
  const openMs = session.openMs ?? (waiting > 0 || hasWaited ? lockedMsMax : 0)
  const age = session.openMs === null ? '' : `, ${state} for ${Math.round(openMs / 1000)} s`
  const name = `${nameOf(session)} (${whoIs(session)}${age})`
  const remedy = endOf(session)
  const statement = query === '' ? '' : ` Its last statement: ${query}`
  const others = `${waiting} other ${waiting === 1 ? 'session waits' : 'sessions wait'}`
  if (openMs >= lockedMsMax && (holds !== null || waiting > 0)) {
    const what = holds === null ? `${others} for it` : `holds ${holds}, and ${others}`
    return [[`${name}${holds === null ? ':' : ''} ${what}.${statement}`, remedy]]
  }
  const isIdle = /^(?:idle in transaction|prepared)/.test(state) && openMs >= idleMsMax
  return when(isIdle, [
    `${name} keeps rows from being cleared away that nobody needs any more.${statement}`,
    remedy,
  ])
}

function nameOf({ pid, prepared }: InspectedSession): string {
  return prepared === null ? `Session ${pid}` : `The prepared transaction ${textOf(prepared)}`
}

function endOf({ pid, prepared, user }: InspectedSession): string {
  if (prepared === null) return `End its transaction, or the session: SELECT pg_terminate_backend(${pid}).`
  const end = `ROLLBACK PREPARED ${textOf(prepared)}, or COMMIT PREPARED, if it is known what it did`
  return `No session has it any more. End it in this database, as ${user} or a superuser: ${end}.`
}

function textOf(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function whoIs({ user, application }: InspectedSession): string {
  return application === '' ? `user ${user}` : `user ${user}, application ${application}`
}

function appTold(app: SharedApp, later: SharedApp | undefined, nowMs: number): readonly Told[] {
  const { processes, logs, leases } = app
  const running = processes.filter(({ state, url }) => state === 'running' && url !== null)
  const url = operatorsOf(running, 'project') ?? operatorsOf(running, 'write')
  const by = processes.some(({ state }) => state !== 'gone') ? 'server' : 'nobody'
  const served: Served = { by, url }
  return [
    ...processes.flatMap((process) => processTold(process, leases)),
    ...logs.flatMap((log, index) => [
      ...when(isBehind(log) && !runsPart(processes, 'project'), [
        `Read models of ${log.context} are behind, and no process keeps them up.`,
        'Start one: rampart run --roles project.',
      ]),
      ...when(log.inbox.commands > 0 && by === 'server' && !runsPart(processes, 'write'), [
        `${log.inbox.commands} accepted commands of ${log.context} wait, and no process handles them.`,
        'Start one: rampart run --roles write.',
      ]),
      ...logFindings({ log, later: later?.logs[index], served, nowMs }),
    ]),
  ]
}

/** Where operators see what stands still: not at a process that only serves. */
function operatorsOf(running: readonly SharedProcess[], role: string): string | null {
  return running.find(({ roles }) => roles.includes(role))?.url ?? null
}

function runsPart(processes: readonly SharedProcess[], role: string): boolean {
  return processes.some(({ state, roles }) => state !== 'gone' && roles.includes(role))
}

function processTold(process: SharedProcess, leases: readonly SharedLease[]): readonly Told[] {
  const { pid, host, state, url, silentMs, reason } = process
  const name = `Process ${pid} on ${host}`
  const held = leases.filter((lease) => lease.process?.id === process.id && lease.leftMs > 0)
  const holding = held.length === 0 ? '' : `, and still holds ${held.map((lease) => lease.name).join(', ')}`
  return [
    ...when(state === 'gone', [
      `${name} gave no sign of life for ${Math.round(silentMs / 1000)} s${holding}.`,
      'If it was killed, others take over what it did. If it stands still, end it and start it again.',
    ]),
    ...when(state === 'silent', [
      `${name} does not answer at ${url ?? 'its address'}.`,
      'It may be starting or busy, or cannot be reached from here; if this stays, restart it.',
    ]),
    ...when(reason !== null, [`${name} takes no commands: ${reason ?? ''}`, 'See its log.']),
  ]
}
