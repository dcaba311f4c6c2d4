// Keeps one projection up to date: folds batches of its log into documents and commits them with their
// checkpoint.
//
//   batch ──> decode and key ──> hot documents, the others in one load ──> fold ──> commit both
//
// Where it dies does not matter: a batch is stored with the place that it leads to, or not at all, and a
// batch that does not begin at the stored place is refused. A batch that touches nothing only moves the
// place in memory, and the stored checkpoint follows a little later, because reading those events again
// after a death changes nothing either.
import { position, RampartError, type Projection, type Runtime } from '../core/index.ts'
import {
  eventId,
  type DocumentCollection,
  type EventStore,
  type LogPlace,
  type ReadStore,
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
import { createFold, foldEvents, keyEvents, type Fold, type FoldedBatch } from './fold.ts'
import { frozenJson } from './frozen-json.ts'
import { createHotDocuments, type HotDocuments } from './hot-documents.ts'
import type { Move } from './waiters.ts'

/** What a runner needs. */
export interface ProjectionRunnerOptions {
  readonly projection: Projection
  readonly store: EventStore
  readonly readStore: ReadStore
  readonly runtime: Runtime
  /** Most events of a batch; 1,000 unless given. */
  readonly batchSize?: number
  /** Hears of faults that are waited out, and of the one that stops the projection. */
  readonly reportFault?: (fault: unknown, what: string) => void
}

/** Whether a projection is kept up to date. */
export type RunnerState =
  | { readonly status: 'running' }
  | { readonly status: 'stopped'; readonly reason: string }
  | { readonly status: 'ended' }

/** A running projection. */
export interface ProjectionRunner {
  readonly projection: Projection
  readonly store: EventStore
  readonly collection: DocumentCollection
  readonly state: () => RunnerState
  /** The place up to which the documents contain the log. */
  readonly reached: () => LogPlace
  /**
   * The place up to which a read with this checkpoint contains the log: later events may have touched
   * nothing.
   */
  readonly placeOf: (checkpoint: LogPlace) => LogPlace
  /** Calls back when the place, a document or the state has changed. Returns what ends it. */
  readonly onMoved: (callback: (move: Move) => void) => () => void
  /** Ends it after the batch in hand; waiting readers learn that it ended. */
  readonly stop: () => Promise<void>
}

interface Running {
  readonly options: ProjectionRunnerOptions
  readonly fold: Fold
  readonly collection: DocumentCollection
  readonly hot: HotDocuments
  readonly listeners: Set<(move: Move) => void>
  readonly stopping: AbortController
  state: RunnerState
  committed: LogPlace
  reached: LogPlace
  committedAtMs: number
  subscription: Subscription | undefined
}

const hotDocumentsMax = 10_000

/** Opens the projection's collection and starts to follow the log. Rejects with what the stores throw. */
export async function createProjectionRunner(options: ProjectionRunnerOptions): Promise<ProjectionRunner> {
  const { projection, store, readStore, runtime } = options
  const { name, version, indexes, search } = projection
  const { epoch } = await store.head()
  const shape = { name, version, log: store.log, indexes, search }
  const collection = await readStore.openCollection(shape, epoch)
  const checkpoint = await collection.checkpoint()
  const running: Running = {
    options,
    fold: createFold(projection),
    collection,
    hot: createHotDocuments(hotDocumentsMax),
    listeners: new Set(),
    stopping: new AbortController(),
    state: { status: 'running' },
    committed: checkpoint,
    reached: checkpoint,
    committedAtMs: runtime.elapsedMs(),
    subscription: undefined,
  }
  const ended = run(running)
  return {
    projection,
    store,
    collection,
    state: () => running.state,
    reached: () => running.reached,
    placeOf: (place) => (isSamePlace(place, running.committed) ? running.reached : place),
    onMoved(callback) {
      const listener = (move: Move): void => callback(move)
      running.listeners.add(listener)
      return () => void running.listeners.delete(listener)
    },
    async stop() {
      running.stopping.abort()
      void running.subscription?.stop()
      await ended
    },
  }
}

function isSamePlace(one: LogPlace, other: LogPlace): boolean {
  return one.position === other.position && one.epoch === other.epoch && one.eventId === other.eventId
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
    options.reportFault?.(end.error, what)
    if (!isPassing(end.error)) return stopFor(running, end.error)
    // Nothing is known about the documents any more: the commit may have happened, or another process may
    // write them.
    running.hot.forgetAll()
    if (running.committed.position > before.position) backOff.reset()
    await createBell(options.runtime).wait(backOff.nextDelayMs(), stopping.signal)
  }
  await keepReached(running).catch((error: unknown) => options.reportFault?.(error, what))
  running.state = { status: 'ended' }
  announce(running, { reached: undefined, keys: new Set() })
}

function stopFor(running: Running, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  running.state = { status: 'stopped', reason }
  announce(running, { reached: undefined, keys: new Set() })
}

async function followFromCheckpoint(running: Running): Promise<SubscriptionEnd> {
  const { projection, store, runtime, batchSize } = running.options
  try {
    const from = await findStart(running)
    running.committed = from
    running.reached = from
    const subscription = createSubscription({
      store,
      types: projection.reads,
      from,
      runtime,
      handle: (batch) => handleBatch(running, batch),
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

/**
 * The stored checkpoint, provided that the log still holds the event that it names; in the epoch of today.
 */
async function findStart({ options, collection }: Running): Promise<LogPlace> {
  const checkpoint = await collection.checkpoint()
  const { epoch } = await options.store.head()
  const at = checkpoint.position
  if (at > 0 && (await eventIdAt(options.store, at)) !== checkpoint.eventId) {
    const message =
      `Position ${at} of ${options.store.log} is not the event that the read model has seen there: ` +
      'the log was replaced by an older copy. Delete the file of the read models to build them again.'
    throw new RampartError('PROJECTION_STOPPED', message)
  }
  if (epoch === checkpoint.epoch) return checkpoint
  const here = { ...checkpoint, epoch }
  await collection.commit({ from: checkpoint, to: here, documents: [] })
  return here
}

async function eventIdAt(store: EventStore, at: number): Promise<string | undefined> {
  for await (const { events } of store.readLog({ after: position(at - 1), limit: 1 })) {
    const [event] = events
    if (event !== undefined) return eventId(event)
  }
  return undefined
}

async function handleBatch(running: Running, batch: Batch): Promise<void> {
  // What was handled before is left out, should a store ever hand out an event twice.
  const records = batch.events.filter((record) => record.position > running.reached.position)
  const keyed = keyEvents(running.fold, records)
  const keys = new Set(keyed.events.flatMap((one) => one.keys))
  const folded = foldEvents(running.fold, keyed, await documentsBefore(running, keys))
  const through = folded.failure === undefined ? batch.through : placeBefore(running, batch, folded)
  if (folded.changed.size > 0) await commit(running, through, folded.changed)
  else await moveOver(running, through)
  if (folded.failure === undefined) return
  const { reason, cause } = folded.failure
  const message = `Projection ${running.options.projection.name} stopped: ${reason}. Mend it and start again.`
  throw new RampartError('PROJECTION_STOPPED', message, { cause })
}

/** The place of the last event before the one that failed. */
function placeBefore(running: Running, batch: Batch, { failure }: FoldedBatch): LogPlace {
  const index = batch.events.findIndex((record) => record === failure?.record)
  const last = batch.events[index - 1]
  if (last === undefined || last.position <= running.reached.position) return running.reached
  return { epoch: batch.through.epoch, position: last.position, eventId: eventId(last) }
}

async function documentsBefore(
  { hot, collection }: Running,
  keys: ReadonlySet<string>,
): Promise<ReadonlyMap<string, StoredDocument>> {
  const found = new Map<string, StoredDocument>()
  const unknown: string[] = []
  for (const key of keys) {
    const document = hot.get(key)
    if (document === undefined) unknown.push(key)
    else found.set(key, document)
  }
  if (unknown.length === 0) return found
  for (const [key, document] of await collection.load(unknown)) {
    frozenJson(document.data)
    hot.keep(document)
    found.set(key, document)
  }
  return found
}

async function commit(
  running: Running,
  to: LogPlace,
  changed: ReadonlyMap<string, StoredDocument>,
): Promise<void> {
  const { collection, hot, committed: from, options } = running
  const documents = [...changed.values()]
  await collection.commit({ from, to, documents })
  running.committed = to
  running.reached = to
  running.committedAtMs = options.runtime.elapsedMs()
  for (const document of documents) hot.keep(document)
  announce(running, { reached: to.position, keys: new Set(changed.keys()) })
}

/** How long the stored checkpoint may stay behind while nothing but events of other types goes by. */
const unstoredMs = 250

async function moveOver(running: Running, to: LogPlace): Promise<void> {
  if (to.position > running.reached.position) {
    running.reached = to
    announce(running, { reached: to.position, keys: new Set() })
  }
  const idleMs = running.options.runtime.elapsedMs() - running.committedAtMs
  if (idleMs >= unstoredMs) await keepReached(running)
}

async function keepReached(running: Running): Promise<void> {
  if (running.state.status === 'running' && !isSamePlace(running.committed, running.reached)) {
    await commit(running, running.reached, new Map())
  }
}

function announce({ listeners }: Running, move: Move): void {
  for (const listener of listeners) listener(move)
}
