// What `rampart status` prints of a log and the read models over it, wherever they stand.
import { columns, since } from './output.ts'
import type { SurveyedLog, SurveyedProjection } from './surveyed-log.ts'

/** A log in lines, indented for its app. */
export function logLines(log: SurveyedLog, nowMs: number): readonly string[] {
  const { context, head, recordedAtMs, epochs, inbox, deadLetters, sealed } = log
  const current = epochs.at(-1)
  const rows = log.projections.map((one) => [
    `    ${one.name}${one.parts === 1 ? '' : `, ${one.parts} parts`}`,
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

function roleOf({ isLive, isNamed, isBeside }: SurveyedProjection): string {
  if (isBeside) return ' (beside another number of parts)'
  if (isLive) return ''
  return isNamed ? ' (kept)' : ' (building)'
}
