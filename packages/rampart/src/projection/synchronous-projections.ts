// Starts the synchronous projections of a log: their documents are built from what is recorded already,
// then kept with every append.
//
// This process appends nothing before this is done. A version that is new, or that no process kept while
// events were recorded, is built from its checkpoint, in steps of a transaction each; whoever dies on the
// way goes on from there.
import { decodeEvent } from '../core/codec/index.ts'
import { isRampartError, sleep, type Projection, type Runtime } from '../core/index.ts'
import type { EventRecord, EventStore, KeptCollection, LogPage, StoredDocument } from '../core/ports/index.ts'
import { findStart, isSamePlace } from './checkpoint.ts'
import { createReadModel } from './create-read-model.ts'
import { createFold, type Fold } from './fold.ts'
import { frozenJson } from './frozen-json.ts'
import type { ProjectionRunner } from './projection-runner.ts'
import type { ReadModel } from './read-model.ts'
import { showRunner } from './shown-projection.ts'
import {
  applyBefore,
  createSynchronousFold,
  keysBefore,
  type KeptProjection,
  type SynchronousFold,
} from './synchronous-fold.ts'
import { createSynchronousRunner } from './synchronous-runner.ts'

/** How far a build is. */
export interface BuildProgress {
  readonly projection: string
  readonly version: number
  /** The position up to which its documents contain the log, and the last one of the log. */
  readonly position: number
  readonly head: number
}

/** What synchronous projections stand on. */
export interface SynchronousOptions {
  readonly projections: readonly Projection[]
  readonly store: EventStore
  readonly runtime: Runtime
  /** Hears how far the documents are that are built, once per thousand events or so. */
  readonly reportProgress?: ((progress: BuildProgress) => void) | undefined
}

/** The running synchronous projections of a log. */
export interface SynchronousProjections {
  /** Folds what commands decide; absent when there is no synchronous projection. */
  readonly fold: SynchronousFold | undefined
  readonly runners: readonly ProjectionRunner[]
  /** One for each, in their order. */
  readonly models: readonly ReadModel[]
}

/**
 * Builds and keeps the documents of synchronous projections; to be called before anything is appended.
 * Throws `PROJECTION_FAILED` when a recorded event cannot be folded, and what the store throws.
 */
export async function startSynchronous(options: SynchronousOptions): Promise<SynchronousProjections> {
  const { projections, store, runtime } = options
  const kept: KeptProjection[] = []
  for (const projection of projections) {
    const { name, version, indexes, search } = projection
    // oxlint-disable-next-line no-await-in-loop -- one after the other: each reads the whole log
    const collection = await store.openDocuments({ name, version, indexes, search })
    // oxlint-disable-next-line no-await-in-loop -- the same
    await buildAndKeep(options, { projection, collection })
    kept.push({ projection, collection })
  }
  const runners = await Promise.all(kept.map((one) => createSynchronousRunner(store, one)))
  const models = runners.map((runner) => createReadModel({ shown: showRunner({ runner, runtime }), runtime }))
  return { fold: kept.length === 0 ? undefined : createSynchronousFold(kept), runners, models }
}

const attemptsMax = 1000
const retryMs = 50

// Other processes may build the same documents, or record events that these lack: whoever finds that
// something has moved looks again where it stands.
async function buildAndKeep(options: SynchronousOptions, kept: KeptProjection): Promise<void> {
  const { store, runtime } = options
  const { collection } = kept
  for (let attempt = 1; ; attempt++) {
    // oxlint-disable no-await-in-loop -- each attempt begins where the one before has come to
    const before = await collection.checkpoint()
    try {
      await build(options, kept)
      return await collection.keep()
    } catch (fault) {
      if (attempt === attemptsMax || !isRampartError(fault, 'STORE_UNAVAILABLE')) throw fault
      const after = await collection.checkpoint()
      const { position: head } = await store.head()
      if (isSamePlace(before, after) && after.position === head) throw fault
    }
    await sleep(runtime, retryMs)
    // oxlint-enable no-await-in-loop
  }
}

async function build(
  { store, reportProgress }: SynchronousOptions,
  { projection, collection }: KeptProjection,
): Promise<void> {
  const { name, version, reads: types } = projection
  const fold = createFold(projection)
  let from = await findStart(collection, store)
  const { position: head } = await store.head()
  for await (const page of store.readLog({ after: from.position, types })) {
    if (page.through.position === from.position) return
    const documents = await foldPage({ fold, collection }, page)
    await collection.commit({ from, to: page.through, documents })
    from = page.through
    reportProgress?.({ projection: name, version, position: from.position, head })
  }
}

interface Building {
  readonly fold: Fold
  readonly collection: KeptCollection
}

async function foldPage({ fold, collection }: Building, page: LogPage): Promise<readonly StoredDocument[]> {
  const events = page.events.flatMap((record) => {
    const event = newlyDecided(fold, record)
    return event === undefined ? [] : [{ event, record, keys: keysBefore(fold, event) }]
  })
  const before = await collection.load([...new Set(events.flatMap(({ keys }) => keys))])
  for (const { data } of before.values()) frozenJson(data)
  const changed = new Map<string, StoredDocument>()
  for (const { event, record, keys } of events) {
    for (const key of keys) {
      const held = changed.get(key) ?? before.get(key)
      const after = applyBefore(fold, event, { key, data: held?.data ?? null })
      if (after === undefined) continue
      const position = after.isChanged ? record.position : (held?.position ?? record.position)
      changed.set(key, { key, version: after.version, position, data: after.data })
    }
  }
  return [...changed.values()]
}

function newlyDecided(fold: Fold, record: EventRecord) {
  const source = fold.sourceOf.get(record.type)
  if (source === undefined) return undefined
  const { type, data, id, version } = decodeEvent(source, record)
  return { type, data, id, version }
}
