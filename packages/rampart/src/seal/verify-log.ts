// Verifies one log: that nothing was changed since it was sealed, and that it is what a log must be.
//
//   events in order ──┬─> positions, times, ids
//                     └─> leaves ──> root of each range  =  root in its seal
//   seals in order ──> each names the one before it ──> the anchor, if one was kept elsewhere, is among them
//
// Without an anchor the chain proves that events are those that were sealed. With one it proves that the
// seals are those that were written.
import { hash } from 'node:crypto'
import { eventId } from '../core/ports/index.ts'
import type { IdSet, InspectedEvent, LogInspection, Seal, Sha256 } from '../core/seals/index.ts'
import type { Anchor } from './anchor.ts'
import { checkAnchored, checkChain, checkReached } from './check-chain.ts'
import { checkEpochs, surveySeals } from './check-epochs.ts'
import { compareRange, fitOf, type StandingEvent } from './compare-range.ts'
import { eventName, type Finding, type Report } from './finding.ts'

/** How to verify a log. */
export interface VerifyOptions {
  /** What was kept elsewhere of this log; absent when nothing was. */
  readonly anchor: Anchor | undefined
  readonly report: Report
  /** Makes sets of ids that are too many for memory. */
  readonly createIdSet: () => IdSet
  /** Hears how many events are done. */
  readonly onProgress: (events: number) => void
}

/** What was verified of a log. */
export interface VerifiedLog {
  readonly log: string
  readonly events: number
  readonly seals: number
  /** How many events at the end are not sealed yet. */
  readonly unsealed: number
  /** The newest seal, to be kept elsewhere; null when there is none. */
  readonly newest: Seal | null
}

interface Walk {
  readonly options: VerifyOptions
  readonly report: (finding: Omit<Finding, 'log'>) => void
  readonly appends: IdSet
  readonly commands: IdSet
  /** What stands at the positions that ranges may still be compared with. */
  readonly standing: Map<number, StandingEvent>
  /** By how many places events stand behind where they were sealed. */
  shift: number
  /** The newest seal so far. */
  newest: Seal | null
  /** The last event so far. */
  before: InspectedEvent['record'] | undefined
  /** Whether seals cover more than the log has. */
  isCut: boolean
}

// Ranges are compared once these many events behind them are known: others may have been inserted.
const lookAhead = 16

const sha256: Sha256 = (data) => hash('sha256', data)

/** Verifies a log from its first event to the place that it had reached when the inspection began. */
export async function verifyLog(inspection: LogInspection, options: VerifyOptions): Promise<VerifiedLog> {
  const { log } = inspection
  using appends = options.createIdSet()
  using commands = options.createIdSet()
  const walk: Walk = {
    options,
    report: (finding) => options.report({ log, ...finding }),
    appends,
    commands,
    standing: new Map(),
    shift: 0,
    newest: null,
    before: undefined,
    isCut: false,
  }
  const seals = chained(walk, inspection)
  let next = await seals.next()
  for await (const page of inspection.events()) {
    const keepFrom = next.done === true ? Infinity : next.value.first - lookAhead
    for (const event of page) checkEvent(walk, event, keepFrom)
    while (next.done !== true && next.value.last + lookAhead <= reached(walk)) {
      compare(walk, next.value)
      next = await seals.next()
    }
    options.onProgress(reached(walk))
  }
  for (; next.done !== true; next = await seals.next()) compareLast(walk, next.value)
  const { newest } = walk
  if (newest !== null && walk.isCut) {
    const what = `the log ends at position ${reached(walk)}, and is sealed up to ${newest.last}`
    walk.report({ code: 'TAIL_CUT', position: reached(walk), what })
  }
  checkReached(options.anchor, walk)
  const sealed = newest === null ? 0 : newest.last + walk.shift
  const unsealed = Math.max(0, reached(walk) - sealed)
  return { log, events: reached(walk), seals: newest?.number ?? 0, unsealed, newest }
}

function reached({ before }: Walk): number {
  return before?.position ?? 0
}

/** The seals whose ranges can be compared; what is wrong with the chain is reported on the way. */
async function* chained(walk: Walk, inspection: LogInspection): AsyncGenerator<Seal> {
  const { epochs } = inspection
  const surveyed = await surveySeals(inspection, sha256)
  checkEpochs(inspection, surveyed, walk.options.report)
  for await (const seal of inspection.seals()) {
    const misfits = surveyed.misfits.get(seal.number)
    const isComparable = checkChain({ seal, before: walk.newest, epochs, misfits }, walk)
    walk.newest = seal
    checkAnchored(walk.options.anchor, seal, walk)
    if (isComparable) yield seal
  }
}

function checkEvent(walk: Walk, { record, leaf }: InspectedEvent, keepFrom: number): void {
  const event = eventName(record)
  const { position } = record
  const next = reached(walk) + 1
  if (position > next) {
    const upTo = position === next + 1 ? '' : `, nor at any up to ${position - 1}`
    walk.report({ code: 'EVENT_MISSING', position: next, what: `no event stands here${upTo}` })
  }
  if (record.recordedAtMs < (walk.before?.recordedAtMs ?? 0)) {
    const what = 'it says that it was recorded before the event before it'
    walk.report({ code: 'TIME_BACKWARD', position, event, what })
  }
  if (!walk.appends.add(eventId(record))) {
    walk.report({
      code: 'ID_REPEATED',
      position,
      event,
      what: `an earlier event has its id ${eventId(record)}`,
    })
  }
  const { commandId } = record
  if (commandId !== null && record.appendIndex === 0 && !walk.commands.add(commandId)) {
    const what = `an earlier append has its command id ${commandId}`
    walk.report({ code: 'ID_REPEATED', position, event, what })
  }
  if (position >= keepFrom) walk.standing.set(position, { leaf, name: event })
  walk.before = record
}

function compare(walk: Walk, seal: Seal): void {
  const at = (position: number): StandingEvent | undefined => walk.standing.get(position)
  const fit = fitOf(seal, at, { shift: walk.shift, sha256 })
  if (fit === 'but for its marks') {
    const what = `the marks of seal ${seal.number} were changed, and the events under it were not`
    walk.report({ code: 'SEAL_CHANGED', position: seal.first, what })
  } else if (fit === 'not') {
    const { misfits, shift } = compareRange(seal, at, walk.shift)
    for (const misfit of misfits) walk.report(misfit)
    walk.shift = shift
  }
  for (const position of walk.standing.keys()) {
    if (position > seal.last - lookAhead) break
    walk.standing.delete(position)
  }
}

/** Compares a range near the end of the log, which may end before it. */
function compareLast(walk: Walk, seal: Seal): void {
  if (seal.last + walk.shift <= reached(walk)) compare(walk, seal)
  else walk.isCut = true
}
