// How a projection runner handles a batch of its log, within the limit that a rebuild may set.
import type { FoldRecord } from '../core/codec/index.ts'
import { RampartError } from '../core/index.ts'
import { eventId, type LogPlace, type QuarantineChange } from '../core/ports/index.ts'
import type { Batch } from '../subscription/index.ts'
import { foldEvents, keyEvents, type FoldFailure, type KeyedBatch } from './fold.ts'
import { createIntake, quarantineBounds } from './quarantine.ts'
import { documentsBefore, gather, mayGather, moveOver, settle, storeGathered } from './runner-commits.ts'
import { inTurn, type Running } from './running-projection.ts'

/** Folds a batch, and what is beyond the limit when there is none any more. */
export async function handleWithinLimit(running: Running, batch: Batch<FoldRecord>): Promise<void> {
  for (let isDone = false; !isDone;) {
    const { promise: changed } = running.unlimited
    // The limit is looked at in turn: it may have been set while this batch waited.
    // oxlint-disable-next-line no-await-in-loop -- the rest waits for the limit
    isDone = await inTurn(running, async () => {
      const { limit } = running
      const isWithin = limit === undefined || batch.through.position <= limit.position
      const events = isWithin
        ? batch.events
        : batch.events.filter(({ position }) => position <= limit.position)
      if (running.stopping.signal.aborted && !isWithin) return true
      await handleBatch(running, isWithin ? batch : { events, through: limit, isFull: false })
      return isWithin
    })
    // oxlint-disable-next-line no-await-in-loop -- the same
    if (!isDone) await changed
  }
}

async function handleBatch(running: Running, batch: Batch<FoldRecord>): Promise<void> {
  // What was folded before is left out, should a store ever hand out an event twice.
  const records = batch.events.filter((record) => record.position > running.folded.position)
  const keyed = keyEvents(running.fold, records)
  const before = await documentsBefore(running, keysOf(keyed))
  const { runtime, bounds = quarantineBounds } = running.options
  const intake = createIntake(running.waiting, runtime.nowMs(), bounds)
  const { changed, failure } = foldEvents(running.fold, keyed, { before, intake })
  const through = failure === undefined ? batch.through : placeBefore(running, batch, failure)
  running.folded = through
  running.waiting = intake.waiting()
  const quarantine = intake.changes()
  const isUrgent = failure !== undefined || quarantine.length > 0
  if (changed.size > 0 || isUrgent || running.gathered !== undefined) gather(running, through, changed)
  else await moveOver(running, through)
  if (isUrgent || !batch.isFull || !mayGather(running)) await storeGathered(running, quarantine)
  reportQuarantined(running, quarantine)
  if (failure === undefined) return
  await settle(running)
  const { name } = running.options.projection
  const advice = intake.isOverfull() ? 'Replay or skip some, and it goes on' : 'Mend it and start again'
  const message = `Projection ${name} stopped: ${failure.reason}. ${advice}.`
  throw new RampartError('PROJECTION_STOPPED', message, { cause: failure.cause })
}

function keysOf({ events }: KeyedBatch): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const event of events) for (const key of event.keys) keys.add(key)
  return keys
}

function reportQuarantined({ options }: Running, changes: readonly QuarantineChange[]): void {
  for (const change of changes) {
    if (change.change !== 'fail') continue
    const message = `A key of projection ${options.projection.name} is quarantined: ${change.error}`
    options.reportFault?.(
      new RampartError('KEY_QUARANTINED', message),
      `projection ${options.projection.name}`,
    )
  }
}

/** The place of the last event before the one that failed. */
function placeBefore(running: Running, batch: Batch<FoldRecord>, failure: FoldFailure): LogPlace {
  const last = batch.events.findLast(({ position }) => position < failure.record.position)
  if (last === undefined || last.position <= running.folded.position) return running.folded
  return { epoch: batch.through.epoch, position: last.position, eventId: eventId(last) }
}
