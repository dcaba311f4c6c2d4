// What is wrong with the apps of a survey, and what mends it.
import { megabytes, since } from './output.ts'
import type { Survey, SurveyedApp, SurveyedLog, SurveyedProjection, SurveyedServer } from './survey.ts'

/** Something that is wrong, with its remedy. */
export interface Finding {
  /** The app that it is about; null for all of them. */
  readonly app: string | null
  readonly what: string
  readonly remedy: string
}

const freeBytesMin = 512_000_000
/** The writer cuts its journal back to 64 MiB whenever a checkpoint can empty it. */
const journalBytesMax = 128 * 1024 * 1024
const inboxWaitMsMax = 60_000
const clockMsMax = 5000

/** Everything that is wrong. `later` is a second look, which tells whether what is behind catches up. */
export function diagnose(survey: Survey, later: Survey = survey): readonly Finding[] {
  return [...diskFindings(survey), ...survey.apps.flatMap((app) => appFindings(app, survey, later))]
}

/** Whether a second look is worth its time: something that is being served is behind. */
export function needsSecondLook({ apps }: Survey): boolean {
  return apps.some(({ server, logs }) => isServing(server) && logs.some(isBehind))
}

function isServing({ state }: SurveyedServer): boolean {
  return state === 'serving'
}

function isBehind({ projections }: SurveyedLog): boolean {
  return projections.some(({ isLive, lagEvents }) => isLive && lagEvents > 0)
}

function diskFindings({ data, disk }: Survey): readonly Finding[] {
  if (disk.freeBytes >= freeBytesMin) return []
  const what = `The disk of ${data} has ${megabytes(disk.freeBytes)} left.`
  return [{ app: null, what, remedy: 'Free some, or move the data: a full disk refuses every command.' }]
}

type Told = readonly [what: string, remedy: string]

function appFindings(app: SurveyedApp, survey: Survey, later: Survey): readonly Finding[] {
  const laterApp = later.apps.find((other) => other.app === app.app)
  const told = [
    ...app.faults.map((fault): Told => [fault, 'Nothing else can be said about what stands in it.']),
    ...app.forbidden.map((path): Told => [
      `${path} may not be read and written by this user.`,
      'Run as the user of the server, or give this one access.',
    ]),
    ...serverTold(app.server),
    ...fileTold(app),
    ...app.logs.flatMap((log, index) => [
      ...logTold(log, app.server, survey.atMs),
      ...log.projections.flatMap((one) =>
        projectionTold(one, app.server, findSame(laterApp?.logs[index], one)),
      ),
    ]),
  ]
  return told.map(([what, remedy]) => ({ app: app.app, what, remedy }))
}

function serverTold({ state, pid, url, health }: SurveyedServer): readonly Told[] {
  switch (state) {
    case 'silent':
      return [
        [
          `Process ${pid} holds the store, and does not answer at ${url}.`,
          'It may be starting or busy; if this stays, stop it with SIGTERM and start it again.',
        ],
      ]
    case 'died':
      return [
        [
          `Process ${pid} served it and ended without a drain; no server runs.`,
          'Start it again: everything that it acknowledged is there.',
        ],
      ]
    case 'unlocked':
      return [
        [
          `Process ${pid} serves it without the lock of these files: they were replaced or deleted under it.`,
          'Stop that process before anything else opens the files, then start it again.',
        ],
      ]
    case 'serving':
      if (health?.ready !== false) return []
      return [[`It takes no commands: ${health.reason ?? 'the server does not say why'}`, 'See its log.']]
    case 'embedded':
    case 'stopped':
      return []
  }
}

function fileTold({ writeStore, readStore }: SurveyedApp): readonly Told[] {
  return [writeStore, readStore]
    .filter((store) => store !== undefined)
    .flatMap(({ file, schema, knownSchema, journalBytes }) => [
      ...when(schema > knownSchema, [
        `${file} has schema ${schema}, and this version knows ${knownSchema} at most.`,
        'Use the version that wrote it, or a newer one.',
      ]),
      ...when(journalBytes > journalBytesMax, [
        `The journal of ${file} has ${megabytes(journalBytes)}: it cannot be moved into the file.`,
        'Some process reads the file without an end. Find it with lsof, and stop it.',
      ]),
    ])
}

function logTold(log: SurveyedLog, server: SurveyedServer, nowMs: number): readonly Told[] {
  const { context, inbox, deadLetters, recordedAtMs } = log
  const oldestAtMs = inbox.oldestAtMs ?? nowMs
  const isIdle = server.state === 'stopped' || server.state === 'died'
  return [
    ...when(inbox.commands > 0 && isIdle, [
      `${inbox.commands} accepted commands of ${context} wait, and no server handles them.`,
      'Start the server.',
    ]),
    ...when(!isIdle && nowMs - oldestAtMs > inboxWaitMsMax, [
      `${inbox.commands} accepted commands of ${context} wait, the oldest came ${since(oldestAtMs, nowMs)}.`,
      'See which, and why they are tried again: rampart commands list.',
    ]),
    ...when(deadLetters > 0, [
      `${deadLetters} commands of ${context} were given up.`,
      'See why: rampart commands list --state failed. Send them again with new keys once it is mended.',
    ]),
    ...when(recordedAtMs !== null && recordedAtMs - nowMs > clockMsMax, [
      `The last event of ${context} was recorded ${since(recordedAtMs ?? 0, nowMs)}.`,
      'Set the clock of this machine right. The order of events does not depend on it.',
    ]),
  ]
}

function projectionTold(
  one: SurveyedProjection,
  server: SurveyedServer,
  later: SurveyedProjection | undefined,
): readonly Told[] {
  const { name, stopped, upgradeStopped, quarantinedKeys, isLive } = one
  const address = server.url ?? 'URL'
  return [
    ...when(stopped !== null, [
      `The projection ${name} stopped: ${stopped}`,
      'Mend its code, or what it says, and start the server again.',
    ]),
    ...when(upgradeStopped !== null, [
      `A newer version of ${name} cannot be built: ${upgradeStopped}`,
      'The older documents are served meanwhile. Mend its code and start the server again.',
    ]),
    ...when(quarantinedKeys > 0, [
      `${quarantinedKeys} ${quarantinedKeys === 1 ? 'key' : 'keys'} of ${name} stand still in quarantine.`,
      `See why, and heal them: rampart quarantine list --url ${address}.`,
    ]),
    ...when(
      isLive && isServing(server) && stopped === null && upgradeStopped === null && isStuck(one, later),
      [
        `${name} is ${later?.lagEvents} events behind and does not catch up.`,
        'See the log of the server for what it is waiting for.',
      ],
    ),
  ]
}

/** Behind at both looks, without a step in between; or far behind, and farther at the second look. */
function isStuck(one: SurveyedProjection, later: SurveyedProjection | undefined): boolean {
  if (later === undefined || later === one || one.lagEvents === 0 || later.lagEvents === 0) return false
  const hasNotMoved = later.position === one.position
  return hasNotMoved || (later.lagSeconds > lagSecondsMax && later.lagEvents >= one.lagEvents)
}

const lagSecondsMax = 10

function findSame(log: SurveyedLog | undefined, one: SurveyedProjection): SurveyedProjection | undefined {
  return log?.projections.find(
    ({ name, version, generation }) =>
      name === one.name && version === one.version && generation === one.generation,
  )
}

function when(is: boolean, told: Told): readonly Told[] {
  return is ? [told] : []
}
