// What is wrong with the apps of a survey, and what mends it.
import { isBehind, logFindings, when, type Served, type Told } from './log-findings.ts'
import { megabytes } from './output.ts'
import type { Survey, SurveyedApp, SurveyedServer } from './survey.ts'

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

function diskFindings({ data, disk }: Survey): readonly Finding[] {
  if (disk.freeBytes >= freeBytesMin) return []
  const what = `The disk of ${data} has ${megabytes(disk.freeBytes)} left.`
  return [{ app: null, what, remedy: 'Free some, or move the data: a full disk refuses every command.' }]
}

function appFindings(app: SurveyedApp, survey: Survey, later: Survey): readonly Finding[] {
  const laterApp = later.apps.find((other) => other.app === app.app)
  const told = [
    ...app.faults.map((fault): Told => [fault, 'Nothing else can be said about what stands in it.']),
    ...app.forbidden.map((path): Told => [
      `${path} may not be read and written by this user.`,
      'Run as the user of the server, or give this one access.',
    ]),
    ...serverTold(app.server),
    ...when(app.lacksReads && isServing(app.server), [
      `The read models that process ${app.server.pid} serves were deleted under it.`,
      'Stop it and start it again: it builds them again from the log.',
    ]),
    ...(app.writeStore?.misplaced ?? []).map((what): Told => [
      `${app.writeStore?.file} was changed by hand: ${what}.`,
      'Stop the server, and restore a backup. See what else was changed: rampart verify.',
    ]),
    ...fileTold(app),
    ...app.logs.flatMap((log, index) => {
      const later = laterApp?.logs[index]
      return logFindings({ log, later, served: servedBy(app.server), nowMs: survey.atMs })
    }),
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
          'Start it again. See whether its files are whole: rampart verify.',
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
      ...when(schema < knownSchema, [
        `${file} has schema ${schema}, and this version knows ${knownSchema}: it was not looked into.`,
        'Start its server once with this version, which brings its tables up to date.',
      ]),
      ...when(journalBytes > journalBytesMax, [
        `The journal of ${file} has ${megabytes(journalBytes)}: it cannot be moved into the file.`,
        'Some process reads the file without an end. Find it with lsof, and stop it.',
      ]),
    ])
}

function servedBy({ state, url }: SurveyedServer): Served {
  const isIdle = state === 'stopped' || state === 'died'
  return { by: state === 'serving' ? 'server' : isIdle ? 'nobody' : 'unknown', url }
}
