// Makes the readable side of a projection: reads that wait until it is as fresh as the reader
// demands.
//
// A token is waited for first, and without touching the database: it is known which place the
// documents contain. A version is waited for by reading the document; readers that wait for one key share
// each read.
import { quoted, position, type Position } from '../core/codec/index.ts'
import { PassingMap } from '../core/collections/index.ts'
import { RampartError, type Runtime } from '../core/index.ts'
import type { DocumentCollection, LogPlace, StoredDocument } from '../core/ports/index.ts'
import { isSamePlace } from './checkpoint.ts'
import type { Freshness, ListRequest, Quarantine, ReadDocument, ReadModel } from './read-model.ts'
import type { ShownProjection } from './shown-projection.ts'
import { createWaiters, type Need, type Waiters } from './waiters.ts'

/** What a read model is made of. */
export interface ReadModelOptions {
  readonly shown: ShownProjection
  readonly runtime: Runtime
  readonly limits?: {
    /** How many readers may wait at a time; 10,000 unless said. */
    readonly waitersMax?: number
  }
}

interface Model {
  readonly shown: ShownProjection
  readonly runtime: Runtime
  readonly waiters: Waiters
  readonly read: SharedRead
}

/** A read of one document, and how often the read model had moved before it. */
type Reading = Awaited<ReturnType<DocumentCollection['get']>> & {
  readonly moves: number
  readonly tag: string
}
type SharedRead = (key: string) => Promise<Reading>

const waitersMaxUnlessSaid = 10_000
// A hint can be lost; a waiter looks again by itself after this long.
const pollMs = 1000

/** Makes the read model of a projection. It ends with what is shown. */
export function createReadModel({ shown, runtime, limits = {} }: ReadModelOptions): ReadModel {
  const waiters = createWaiters(runtime, limits.waitersMax ?? waitersMaxUnlessSaid)
  shown.onMoved(waiters.wake)
  const model: Model = { shown, runtime, waiters, read: createSharedRead(shown, waiters) }
  return {
    projection: shown.projection,
    log: shown.log,
    get: (key, freshness) => getDocument(model, key, freshness),
    list: (request, freshness) => listDocuments(model, request, freshness),
    async changes(after, { limit, bytesMax, key }) {
      const part = partOf(model, key)
      requireRunning(part)
      const query = { after, limit, bytesMax }
      const tag = shown.tag()
      const { documents, checkpoint, healed } = await part.collection.changes(
        key === undefined ? query : { ...query, key },
      )
      return { documents, place: part.placeOf(checkpoint), healed, tag }
    },
    async moved(after, signal, key) {
      const moves = waiters.moves()
      const part = partOf(model, key)
      requireRunning(part)
      signal.throwIfAborted()
      if (part.reached().position > after) return
      await waiters.wait({ moves, position: position(after + 1), waitMs: pollMs, signal })
    },
    holds: async (place) => (await shown.judge(place)) === 'held',
    tag: () => shown.tag(),
    quarantine: quarantineOf(shown),
    ...(shown.rebuild === undefined ? {} : { rebuild: shown.rebuild }),
    lag: shown.lag,
    stopped() {
      const state = shown.state()
      return state.status === 'stopped' ? state.reason : undefined
    },
    upgradeStopped: shown.upgradeStopped,
    beginsAnew: shown.beginsAnew,
  }
}

/** What is as far as a read of this key, or of all keys, needs it to be. */
function partOf({ shown }: Model, key: string | undefined): ShownProjection {
  return key === undefined ? shown : (shown.partOf?.(key) ?? shown)
}

async function getDocument(model: Model, key: string, freshness: Freshness) {
  const { runtime } = model
  requireVersions(model, freshness)
  const deadlineMs = runtime.elapsedMs() + freshness.waitMs
  await untilContained(model, freshness, { key, deadlineMs })
  const { document, checkpoint, tag } = await untilVersion(model, key, { ...freshness, deadlineMs })
  return { document: document && readDocument(document), place: partOf(model, key).placeOf(checkpoint), tag }
}

async function listDocuments(model: Model, request: ListRequest, freshness: Freshness) {
  const { shown, runtime } = model
  if (freshness.version !== undefined) {
    throw new RampartError('INPUT_INVALID', 'A listing has no version. Demand a consistency token.')
  }
  if (!Number.isSafeInteger(request.limit) || request.limit < 1) {
    throw new RampartError('INPUT_INVALID', `A listing has no limit of ${request.limit}. Give it 1 or more.`)
  }
  await untilContained(model, freshness, { deadlineMs: runtime.elapsedMs() + freshness.waitMs })
  const { documents, more, checkpoint, quarantined } = await shown.collection.page(request)
  const items = documents
    .map(readDocument)
    .filter((document) => document !== undefined)
    .map((document) =>
      quarantined.has(document.key) ? { ...document, quarantined: true as const } : document,
    )
  return { documents: items, more, place: shown.placeOf(checkpoint) }
}

// Deleted documents, and streams of which only the version is known, are not there for readers.
function readDocument({ key, version, position, data }: StoredDocument): ReadDocument | undefined {
  return data === null ? undefined : { key, version, position, data }
}

function requireVersions({ shown }: Model, { version }: Freshness): void {
  if (version === undefined || shown.projection.perStream) return
  const message =
    `The documents of ${shown.projection.name} gather several streams and have no version. ` +
    'Send the consistency token of the command instead.'
  throw new RampartError('INPUT_INVALID', message)
}

function requireRunning(shown: ShownProjection): void {
  const state = shown.state()
  switch (state.status) {
    case 'running':
      return
    case 'stopped':
      throw new RampartError('PROJECTION_STOPPED', state.told, { cause: new Error(state.reason) })
    case 'ended':
      throw new RampartError('SHUTTING_DOWN', 'The read models are being shut down. Try again in a moment.')
  }
}

/** Which key is read, all of them unless said, and until when. */
interface Reach {
  readonly key?: string
  readonly deadlineMs: number
}

async function untilContained(model: Model, freshness: Freshness, { key, deadlineMs }: Reach): Promise<void> {
  const { waiters } = model
  const wanted = freshness.token?.get(model.shown.log)
  requireRunning(partOf(model, key))
  if (wanted === undefined) return
  await requireHeld(partOf(model, key), wanted)
  for (;;) {
    const moves = waiters.moves()
    // Looked up again: what has the key may be another one by now.
    const part = partOf(model, key)
    requireRunning(part)
    if (wanted.position <= part.reached().position) return
    const need = { moves, position: wanted.position, signal: freshness.signal }
    const hasTime = await waitMore(model, need, deadlineMs)
    if (!hasTime) throw notReached(model, part, wanted.position)
  }
}

/** Throws `TOKEN_INVALID` for a place that is not of the log's history. */
async function requireHeld(shown: ShownProjection, wanted: LogPlace): Promise<void> {
  // Whoever reads what was just written asks for this very place.
  if (isSamePlace(wanted, shown.reached())) return
  if ((await shown.judge(wanted)) === 'held') return
  const message =
    `The consistency token names position ${wanted.position} of a history that the log has lost: ` +
    'it was restored from a copy made before. Read without the token, and repeat what is missing.'
  throw new RampartError('TOKEN_INVALID', message)
}

async function untilVersion(
  model: Model,
  key: string,
  freshness: Freshness & { readonly deadlineMs: number },
): Promise<Reading> {
  const { version: wanted, signal, deadlineMs } = freshness
  for (;;) {
    requireRunning(partOf(model, key))
    const reading = await model.read(key)
    if (reading.isQuarantined) throw quarantined(model, key, reading.checkpoint)
    const version = reading.document?.version ?? 0
    if (wanted === undefined || version >= wanted) return reading
    const hasTime = await waitMore(model, { moves: reading.moves, key, signal }, deadlineMs)
    if (!hasTime) throw notThatVersion(key, version, wanted)
  }
}

/** Waits until the read model may have what is needed; false when the reader's time is up. */
async function waitMore(
  { runtime, waiters }: Model,
  need: Omit<Need, 'waitMs'>,
  deadlineMs: number,
): Promise<boolean> {
  const leftMs = deadlineMs - runtime.elapsedMs()
  if (leftMs <= 0) return false
  await waiters.wait({ ...need, waitMs: Math.min(leftMs, pollMs) })
  return true
}

function quarantined(model: Model, key: string, checkpoint: LogPlace): RampartError {
  const message =
    `Document ${quoted(key)} of ${model.shown.projection.name} is quarantined, because an event of it ` +
    'could not be folded. Other documents go on; an operator must treat this one.'
  const place = partOf(model, key).placeOf(checkpoint)
  return new RampartError('KEY_QUARANTINED', message, { details: { place } })
}

function notReached({ shown }: Model, part: ShownProjection, wanted: Position): RampartError {
  const place = part.reached()
  const message =
    `The read model ${shown.projection.name} contains the log up to position ${place.position}, ` +
    `not yet ${wanted}. Try again, or wait longer.`
  return new RampartError('READ_MODEL_BEHIND', message, { details: { place } })
}

function notThatVersion(key: string, version: number, wanted: number): RampartError {
  const message =
    `Document ${quoted(key)} has version ${version}, not yet ${wanted}. ` +
    'Read it without a version, or wait longer.'
  return new RampartError('READ_MODEL_BEHIND', message, { details: { version } })
}

function quarantineOf(shown: ShownProjection): Quarantine {
  const list = () => shown.collection.quarantined()
  return {
    count: shown.quarantinedCount,
    list,
    async show(key) {
      const entry = (await list()).find((one) => one.key === key)
      if (entry === undefined) {
        const message = `${shown.projection.name} has no quarantined key ${quoted(key)}.`
        throw new RampartError('READ_NOT_FOUND', message)
      }
      const [queued, { document }] = await Promise.all([
        shown.collection.queued(key),
        shown.collection.get(key),
      ])
      return { entry, queued, document }
    },
    skipped: (limit) => shown.collection.skipped(limit),
    treat: shown.treat,
  }
}

/** Reads of one document that are asked for at one moment become one read. */
function createSharedRead(shown: ShownProjection, waiters: Waiters): SharedRead {
  const pending = new PassingMap<string, Promise<Reading>>()
  return (key) => {
    const shared = pending.get(key)
    if (shared !== undefined) return shared
    const moves = waiters.moves()
    const tag = shown.tag()
    const reading = shown.collection.get(key).then(
      (found) => {
        pending.delete(key)
        return { ...found, moves, tag }
      },
      (error: unknown) => {
        pending.delete(key)
        throw error
      },
    )
    pending.set(key, reading)
    return reading
  }
}
