// Keeps one projection up to date: folds batches of its log into documents and commits them with their
// checkpoint.
//
//   batch ──> decode and key ──> hot documents, the others in one load ──> fold ──> commit both
//
// Where it dies does not matter: a batch is stored with the place that it leads to, or not at all, and a
// batch that does not begin at the stored place is refused. A batch that touches nothing only moves the
// place in memory, and the stored checkpoint follows a little later, because reading those events again
// after a death changes nothing either.
//
// size: batches, operators and the stop take turns on one state; apart, their order could not be seen.
import { RampartError } from '../core/index.ts'
import {
  eventId,
  type DocumentCollection,
  type LogPlace,
  type QuarantineChange,
  type StoredDocument,
} from '../core/ports/index.ts'
import {
  createBackOff,
  createBell,
  createSubscription,
  isPassing,
  type Batch,
  type Subscription,
  type SubscriptionEnd,
} from '../subscription/index.ts'
import { findStart, isSamePlace } from './checkpoint.ts'
import { createFold, foldEvents, keyEvents, type Fold, type FoldFailure } from './fold.ts'
import { frozenJson } from './frozen-json.ts'
import { createHotDocuments, type HotDocuments } from './hot-documents.ts'
import type { Held, ProjectionRunner, ProjectionRunnerOptions, RunnerState } from './projection-runner.ts'
import { createIntake, loadWaiting, quarantineBounds, type WaitingEvents } from './quarantine.ts'
import { treatKey, type Desk } from './treatment.ts'
import type { Move } from './waiters.ts'

interface Running {
  readonly options: ProjectionRunnerOptions
  readonly fold: Fold
  readonly collection: DocumentCollection
  readonly hot: HotDocuments
  readonly listeners: Set<(move: Move) => void>
  readonly stopping: AbortController
  state: RunnerState
  tag: string
  /** The stored checkpoint. */
  committed: LogPlace
  /** The place that the stored documents contain: beyond the checkpoint when later events touch nothing. */
  reached: LogPlace
  /** The end of the last batch that was folded; its commit may be under way. */
  folded: LogPlace
  committedAtMs: number
  /** The commit that is under way, and its documents. The next batch is folded meanwhile. */
  pending: Promise<void> | undefined
  pendingDocuments: ReadonlyMap<string, StoredDocument>
  /** The quarantined keys, as of the batch that was folded last. */
  waiting: WaitingEvents
  /** Ends when whoever works on the documents now has done so: batches and operators take turns. */
  turn: Promise<void>
  /** No event beyond this place is folded; the promise resolves when the limit changes. */
  limit: LogPlace | undefined
  unlimited: PromiseWithResolvers<void>
  subscription: Subscription | undefined
}

const noKeys: Move['keys'] = new Set()
const hotDocumentsMax = 20_000

/** Opens the projection's collection and starts to follow the log. Rejects with what the stores throw. */
export async function createProjectionRunner(options: ProjectionRunnerOptions): Promise<ProjectionRunner> {
  const { projection, store, readStore, runtime } = options
  const { name, version, indexes, search } = projection
  const { epoch } = await store.head()
  const shape = { name, version, log: store.log, indexes, search }
  const collection = await readStore.openCollection(shape, epoch, options.generation)
  const checkpoint = await collection.checkpoint()
  const running: Running = {
    options,
    fold: createFold(projection),
    collection,
    hot: createHotDocuments(hotDocumentsMax),
    listeners: new Set(),
    stopping: new AbortController(),
    state: { status: 'running' },
    tag: options.tag ?? String(version),
    committed: checkpoint,
    reached: checkpoint,
    folded: checkpoint,
    committedAtMs: runtime.elapsedMs(),
    pending: undefined,
    pendingDocuments: new Map(),
    waiting: new Map(),
    turn: Promise.resolve(),
    limit: undefined,
    unlimited: Promise.withResolvers<void>(),
    subscription: undefined,
  }
  return runnerOf(running, run(running))
}

function runnerOf(running: Running, ended: Promise<void>): ProjectionRunner {
  const { options, collection } = running
  return {
    projection: options.projection,
    store: options.store,
    collection,
    state: () => running.state,
    tag: () => running.tag,
    setTag: (tag) => void (running.tag = tag),
    reached: () => running.reached,
    placeOf: (place) => (isSamePlace(place, running.committed) ? running.reached : place),
    onMoved(callback) {
      const listener = (move: Move): void => callback(move)
      running.listeners.add(listener)
      return () => void running.listeners.delete(listener)
    },
    hold: () => hold(running),
    limitTo(place) {
      running.limit = place
      running.unlimited.resolve()
      running.unlimited = Promise.withResolvers<void>()
    },
    quarantinedCount: () => running.waiting.size,
    treat: (treatment) => inTurn(running, async () => treatKey(await deskOf(running), treatment)),
    async stop() {
      running.stopping.abort()
      running.unlimited.resolve()
      void running.subscription?.stop()
      await ended
    },
  }
}

/**
 * Follows the log until told to stop, or until something happens that only a person can mend. Never
 * rejects.
 */
async function run(running: Running): Promise<void> {
  const { options, stopping } = running
  const backOff = createBackOff(options.runtime)
  const what = `projection ${options.projection.name}`
  while (!stopping.signal.aborted) {
    const before = running.committed
    const end = await followFromCheckpoint(running)
    if (end.reason === 'stopped') break
    // What a commit under way comes to shows in the stored checkpoint.
    await settle(running).catch(() => undefined)
    options.reportFault?.(end.error, what)
    if (!isPassing(end.error)) return stopFor(running, end.error)
    // Nothing is known about the documents any more: the commit may have happened, or another process may
    // write them.
    forgetDocuments(running)
    if (running.committed.position > before.position) backOff.reset()
    await createBell(options.runtime).wait(backOff.nextDelayMs(), stopping.signal)
  }
  await settle(running)
    .then(() => keepReached(running))
    .catch((error: unknown) => options.reportFault?.(error, what))
  running.state = { status: 'ended' }
  announce(running, { reached: undefined, keys: noKeys })
}

function stopFor(running: Running, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  running.state = { status: 'stopped', reason }
  announce(running, { reached: undefined, keys: noKeys })
}

async function followFromCheckpoint(running: Running): Promise<SubscriptionEnd> {
  const { projection, store, runtime, batchSize } = running.options
  try {
    const from = await findStart(running.collection, store)
    running.committed = from
    running.reached = from
    running.folded = from
    running.waiting = await loadWaiting(running.collection)
    const subscription = createSubscription({
      store,
      types: projection.reads,
      from,
      runtime,
      handle: (batch) => handleWithinLimit(running, batch),
      ...(batchSize === undefined ? {} : { batchSize }),
      onRetry: (error) => running.options.reportFault?.(error, `the log of projection ${projection.name}`),
    })
    running.subscription = subscription
    // The order to stop may have come while the start was looked up.
    if (running.stopping.signal.aborted) void subscription.stop()
    return await subscription.ended
  } catch (error) {
    return { reason: 'failed', error }
  }
}

/** Folds a batch, and what is beyond the limit when there is none any more. */
async function handleWithinLimit(running: Running, batch: Batch): Promise<void> {
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
      await handleBatch(running, isWithin ? batch : { events, through: limit })
      return isWithin
    })
    // oxlint-disable-next-line no-await-in-loop -- the same
    if (!isDone) await changed
  }
}

/** Takes a turn and keeps it, with everything stored, until released. */
async function hold(running: Running): Promise<Held> {
  const { promise, resolve } = Promise.withResolvers<void>()
  return new Promise((held, failed) => {
    const turn = inTurn(running, async () => {
      await running.pending
      await keepReached(running)
      held({ place: running.committed, release: resolve })
      await promise
    })
    turn.catch(failed)
  })
}

async function handleBatch(running: Running, batch: Batch): Promise<void> {
  // What was folded before is left out, should a store ever hand out an event twice.
  const records = batch.events.filter((record) => record.position > running.folded.position)
  const keyed = keyEvents(running.fold, records)
  const keys = new Set(keyed.events.flatMap((one) => one.keys))
  const before = await documentsBefore(running, keys)
  const { runtime, bounds = quarantineBounds } = running.options
  const intake = createIntake(running.waiting, runtime.nowMs(), bounds)
  const { changed, failure } = foldEvents(running.fold, keyed, { before, intake })
  await settle(running)
  const through = failure === undefined ? batch.through : placeBefore(running, batch, failure)
  running.folded = through
  running.waiting = intake.waiting()
  const quarantine = intake.changes()
  if (changed.size > 0 || quarantine.length > 0) startCommit(running, { to: through, changed, quarantine })
  else await moveOver(running, through)
  reportQuarantined(running, quarantine)
  if (failure === undefined) return
  await settle(running)
  const { name } = running.options.projection
  const message = `Projection ${name} stopped: ${failure.reason}. Mend it and start again.`
  throw new RampartError('PROJECTION_STOPPED', message, { cause: failure.cause })
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

/** Lets batches and operators work on the documents one after the other. */
async function inTurn<T>(running: Running, work: () => Promise<T>): Promise<T> {
  const before = running.turn
  const { promise, resolve } = Promise.withResolvers<void>()
  running.turn = promise
  await before
  try {
    return await work()
  } finally {
    resolve()
  }
}

/** What an operator works with, between two batches. */
async function deskOf(running: Running): Promise<Desk> {
  const { options, collection, fold } = running
  if (running.state.status === 'ended') {
    throw new RampartError('SHUTTING_DOWN', 'The read models are being shut down. Try again in a moment.')
  }
  // What failed stays pending, so that the next batch meets the fault too and everything is looked up anew.
  await running.pending
  return {
    fold,
    collection,
    store: options.store,
    nowMs: options.runtime.nowMs(),
    at: running.reached.position,
    async commit(changed, quarantine) {
      startCommit(running, { to: running.reached, changed, quarantine })
      await running.pending
      running.waiting = await loadWaiting(collection)
      // Readers that follow changes look again, although the place has not moved.
      announce(running, { reached: undefined, keys: changed })
    },
  }
}

interface Step {
  readonly to: LogPlace
  readonly changed: ReadonlyMap<string, StoredDocument>
  readonly quarantine: readonly QuarantineChange[]
}

function startCommit(running: Running, step: Step): void {
  running.pendingDocuments = step.changed
  running.pending = commit(running, step)
  // It is awaited before the next one and at the end; until then its fault must not count as unhandled.
  running.pending.catch(() => undefined)
}

/** Waits for the commit that is under way, and throws what it threw. */
async function settle(running: Running): Promise<void> {
  const { pending } = running
  running.pending = undefined
  await pending
}

function forgetDocuments(running: Running): void {
  running.hot.forgetAll()
  running.pendingDocuments = new Map()
}

/** The place of the last event before the one that failed. */
function placeBefore(running: Running, batch: Batch, failure: FoldFailure): LogPlace {
  const index = batch.events.indexOf(failure.record)
  const last = batch.events[index - 1]
  if (last === undefined || last.position <= running.reached.position) return running.reached
  return { epoch: batch.through.epoch, position: last.position, eventId: eventId(last) }
}

async function documentsBefore(
  { hot, pendingDocuments, collection }: Running,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, StoredDocument>> {
  const found = new Map<string, StoredDocument>()
  const unknown: string[] = []
  for (const key of keys) {
    const document = pendingDocuments.get(key) ?? hot.get(key)
    if (document === undefined) unknown.push(key)
    else found.set(key, document)
  }
  if (unknown.length === 0) return found
  for (const [key, document] of await collection.load(unknown)) {
    frozenJson(document.data)
    found.set(key, document)
  }
  return found
}

async function commit(running: Running, { to, changed, quarantine }: Step): Promise<void> {
  const { collection, hot, committed: from, options } = running
  const documents = [...changed.values()]
  await collection.commit({ from, to, documents, quarantine })
  running.committed = to
  running.reached = to
  running.committedAtMs = options.runtime.elapsedMs()
  for (const document of documents) hot.keep(document)
  announce(running, { reached: to.position, keys: changed })
}

/** How long the stored checkpoint may stay behind while nothing but events of other types goes by. */
const unstoredMs = 250

async function moveOver(running: Running, to: LogPlace): Promise<void> {
  if (to.position > running.reached.position) {
    running.reached = to
    announce(running, { reached: to.position, keys: noKeys })
  }
  const idleMs = running.options.runtime.elapsedMs() - running.committedAtMs
  if (idleMs >= unstoredMs) await keepReached(running)
}

async function keepReached(running: Running): Promise<void> {
  if (running.state.status === 'running' && !isSamePlace(running.committed, running.reached)) {
    await commit(running, { to: running.reached, changed: new Map(), quarantine: [] })
  }
}

function announce({ listeners }: Running, move: Move): void {
  for (const listener of listeners) listener(move)
}
