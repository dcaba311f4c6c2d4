// Keeps one projection up to date: folds batches of its log into documents and commits them with their
// checkpoint.
//
//   batch ──> decode and key ──> hot documents, the others in one load ──> fold ──> gather ──> commit both
//
// Where it dies does not matter: a batch is stored with the place that it leads to, or not at all, alone or
// gathered with those that follow it at once, and a commit that does not begin at the stored place is
// refused. A batch that touches nothing only moves the place in memory, and the stored checkpoint follows a
// little later, because reading those events again after a death changes nothing either.
import {
  createBackOff,
  createBell,
  createSubscription,
  isPassing,
  type SubscriptionEnd,
} from '../subscription/index.ts'
import { findStart, isSamePlace } from './checkpoint.ts'
import { createFold } from './fold.ts'
import { createHotDocuments } from './hot-documents.ts'
import { hasStopped, type ProjectionRunner, type ProjectionRunnerOptions } from './projection-runner.ts'
import { isOverfull, loadWaiting } from './quarantine.ts'
import { handleWithinLimit } from './runner-batches.ts'
import { forgetDocuments, keepReached, settle, storeGathered } from './runner-commits.ts'
import { deskOf, hold } from './runner-turns.ts'
import { announce, inTurn, noKeys, type Running } from './running-projection.ts'
import { treatKey } from './treatment.ts'
import type { Move } from './waiters.ts'

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
    gathered: undefined,
    pending: undefined,
    pendingDocuments: new Map(),
    isKeepingSoon: false,
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
    // What a commit under way comes to shows in the stored checkpoint, and what is gathered is folded again.
    await settle(running).catch(() => undefined)
    options.reportFault?.(end.error, what)
    if (!isPassing(end.error)) {
      stopFor(running, end.error)
      if (!isOverfull(running.waiting, options.bounds)) return
      await untilRoom(running)
    }
    // Nothing is known about the documents any more: the commit may have happened, or another process may
    // write them.
    forgetDocuments(running)
    if (running.committed.position > before.position) backOff.reset()
    await createBell(options.runtime).wait(backOff.nextDelayMs(), stopping.signal)
  }
  await storeGathered(running)
    .then(() => settle(running))
    .then(() => keepReached(running))
    .catch((error: unknown) => options.reportFault?.(error, what))
  running.state = { status: 'ended' }
  announce(running, { reached: undefined, keys: noKeys })
}

function stopFor(running: Running, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  running.state = { status: 'stopped', reason, told: hasStopped(running.options.projection) }
  announce(running, { reached: undefined, keys: noKeys })
}

/** Waits until operators have made room in the quarantine; then it runs again. */
async function untilRoom(running: Running): Promise<void> {
  const { stopping, listeners, options } = running
  const bell = createBell(options.runtime)
  listeners.add(bell.ring)
  try {
    while (!stopping.signal.aborted && isOverfull(running.waiting, options.bounds))
      await bell.wait(60_000, stopping.signal)
  } finally {
    listeners.delete(bell.ring)
  }
  if (stopping.signal.aborted) return
  running.state = { status: 'running' }
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
      store: { readLog: store.readToFold, onAppended: store.onAppended },
      types: projection.reads,
      from,
      runtime,
      handle: (batch) => handleWithinLimit(running, batch),
      beforeWait: () => inTurn(running, () => storeGathered(running)),
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
