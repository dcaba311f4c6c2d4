// What is wrong with a log and the read models over it, wherever they stand, and what mends it.
import { since } from './output.ts'
import type { SurveyedLog, SurveyedProjection } from './surveyed-log.ts'

/** What is wrong, and its remedy. */
export type Told = readonly [what: string, remedy: string]

/** Who has a log open. */
export interface Served {
  readonly by: 'server' | 'nobody' | 'unknown'
  readonly url: string | null
}

/** A log at one look or two. */
export interface LookedAt {
  readonly log: SurveyedLog
  /** The same a little later, which tells whether what is behind catches up. */
  readonly later: SurveyedLog | undefined
  readonly served: Served
  readonly nowMs: number
}

const inboxWaitMsMax = 60_000
const clockMsMax = 5000

/** Everything that is wrong with it. */
export function logFindings(looked: LookedAt): readonly Told[] {
  const { log, later, served } = looked
  return [
    ...logTold(looked),
    ...log.projections.flatMap((one) => projectionTold(one, served, findSame(later, one))),
  ]
}

/** Whether a read model that readers get is behind. */
export function isBehind({ projections }: SurveyedLog): boolean {
  return projections.some(({ isLive, lagEvents }) => isLive && lagEvents > 0)
}

/** Tells something, if it is so. */
export function when(is: boolean, told: Told): readonly Told[] {
  return is ? [told] : []
}

function logTold({ log, served, nowMs }: LookedAt): readonly Told[] {
  const { context, inbox, deadLetters, recordedAtMs } = log
  const oldestAtMs = inbox.oldestAtMs ?? nowMs
  const isIdle = served.by === 'nobody'
  return [
    ...when(log.epochs.length === 0, [
      `The log of ${context} has no epoch: its store was changed by hand.`,
      'Stop the server, and restore a backup. See what else was changed: rampart verify.',
    ]),
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
  served: Served,
  later: SurveyedProjection | undefined,
): readonly Told[] {
  const { name, stopped, upgradeStopped, quarantinedKeys, isLive } = one
  const address = served.url ?? 'URL'
  return [
    ...when(stopped !== null, [
      `The projection ${name} stopped: ${stopped}`,
      'Mend its code, or what it says, and start the server again.',
    ]),
    ...when(upgradeStopped !== null, [
      `A newer version of ${name} does not take over: ${upgradeStopped}`,
      'The older documents are served meanwhile. Mend its code and start the server again.',
    ]),
    // Readers never see what stands still in a build that is kept, being made or beside another.
    ...when(isLive && quarantinedKeys > 0, [
      `${quarantinedKeys} ${quarantinedKeys === 1 ? 'key' : 'keys'} of ${name} stand still in quarantine.`,
      `See why, and heal them: rampart quarantine list --url ${address}.`,
    ]),
    ...when(
      isLive && served.by === 'server' && stopped === null && upgradeStopped === null && isStuck(one, later),
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
    ({ name, parts, version, generation }) =>
      name === one.name && parts === one.parts && version === one.version && generation === one.generation,
  )
}
