// Verifies a read model: folds its log anew, as far as its documents contain it, and compares the two.
//
//   log ──> fold ──> documents of a scratch store ══ document by document ══ what readers get
//
// The log is folded up to the checkpoint first and from there on within one view of the read model, which may
// have moved meanwhile; so that view is held for no longer than the comparison takes.
import { isSameJson, position } from '../core/codec/index.ts'
import type { Projection } from '../core/index.ts'
import type { ViewedCollection } from '../core/inspection/index.ts'
import {
  eventId,
  type DocumentCollection,
  type EventRecord,
  type EventStore,
  type LogPlace,
  type ReadStore,
  type StoredDocument,
} from '../core/ports/index.ts'
import { createFold, foldEvents, keyEvents, type Fold, type FoldedRecord } from './fold.ts'
import { frozenJson } from './frozen-json.ts'
import { createIntake, loadWaiting } from './quarantine.ts'

/** What a read model is compared with, and where. */
export interface ReadModelSource {
  readonly projection: Projection
  readonly store: Pick<EventStore, 'log' | 'readLog' | 'readToFold'>
  /** An empty store for the fold, which is thrown away afterwards. */
  readonly scratch: ReadStore
  /** Looks at the read model; `undefined` when it has no documents yet. */
  readonly look: () => Promise<ViewedCollection | undefined>
  /** From here on every look sees the same. */
  readonly holdStill: () => Promise<void>
}

/** What came of it. */
export type VerifiedReadModel =
  | { readonly status: 'absent' }
  | { readonly status: 'other version'; readonly version: number }
  | { readonly status: 'unfolded'; readonly what: string }
  | ComparedReadModel

/** Documents that were compared. */
export interface ComparedReadModel {
  readonly status: 'compared'
  readonly position: number
  readonly documents: number
  /** How many keys have another document, or one too many or too few. */
  readonly differing: number
  /** The first of them. */
  readonly sample: readonly string[]
  /** How many keys were left out, because they are quarantined or have skipped events. */
  readonly leftOut: number
}

/** Verifies the documents of one projection. */
export async function verifyReadModel(source: ReadModelSource): Promise<VerifiedReadModel> {
  const { projection, scratch, store, look, holdStill } = source
  const first = await look()
  if (first === undefined) return { status: 'absent' }
  const { name, version, indexes, search } = projection
  if (first.state.version !== version) return { status: 'other version', version: first.state.version }
  const shape = { name, version, log: store.log, indexes, search }
  const { epoch } = first.state.checkpoint
  const folding: Folding = {
    source,
    fold: createFold(projection),
    collection: await scratch.openCollection(shape, epoch),
    at: { epoch, position: position(0), eventId: '' },
  }
  const unfolded = await foldUpTo(folding, first.state.checkpoint)
  await holdStill()
  const view = await look()
  if (unfolded !== undefined) return { status: 'unfolded', what: unfolded }
  if (view === undefined || view.state.version !== version) return { status: 'absent' }
  const rest = await foldUpTo(folding, view.state.checkpoint)
  if (rest !== undefined) return { status: 'unfolded', what: rest }
  return compare(view, folding.collection)
}

interface Folding {
  readonly source: ReadModelSource
  readonly fold: Fold
  readonly collection: DocumentCollection
  at: LogPlace
}

/** Folds up to a place; answers in words when that cannot be done. */
async function foldUpTo(folding: Folding, to: LogPlace): Promise<string | undefined> {
  const { store, projection } = folding.source
  if (to.position <= folding.at.position) return undefined
  const there = await eventAt(store, to.position)
  if (there === undefined || eventId(there) !== to.eventId) {
    return `its documents contain position ${to.position} with an event that does not stand there`
  }
  const query = { after: folding.at.position, types: projection.reads }
  for await (const { events, through } of store.readToFold(query)) {
    const isLast = through.position >= to.position
    const records = isLast ? events.filter((record) => record.position <= to.position) : events
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    const failure = await foldPage(folding, records, isLast ? to : through)
    if (failure !== undefined || isLast) return failure
  }
  return undefined
}

async function eventAt(store: Pick<EventStore, 'readLog'>, at: number): Promise<EventRecord | undefined> {
  for await (const { events } of store.readLog({ after: position(at - 1), limit: 1 })) return events[0]
  return undefined
}

const unbounded = { keysMax: Infinity, eventsMax: Infinity }

async function foldPage(
  folding: Folding,
  records: readonly FoldedRecord[],
  to: LogPlace,
): Promise<string | undefined> {
  const { fold, collection, at } = folding
  const keyed = keyEvents(fold, records)
  const keys = [...new Set(keyed.events.flatMap((one) => one.keys))]
  const before = await collection.load(keys)
  for (const { data } of before.values()) frozenJson(data)
  const intake = createIntake(await loadWaiting(collection), 0, unbounded)
  const { changed, failure } = foldEvents(fold, keyed, { before, intake })
  if (failure !== undefined) return failure.reason
  const documents = [...changed.values()]
  await collection.commit({ from: at, to, documents, quarantine: intake.changes() })
  folding.at = to
  return undefined
}

const pageSize = 1000
const sampleMax = 5
const skippedMax = 100_000

async function compare(
  { state, documents: live }: ViewedCollection,
  folded: DocumentCollection,
): Promise<ComparedReadModel> {
  const [standing, own, skipped] = await Promise.all([
    live.quarantined(),
    folded.quarantined(),
    live.skipped(skippedMax),
  ])
  const leftOut = new Set([...standing, ...own, ...skipped].map(({ key }) => key))
  const sample: string[] = []
  let documents = 0
  let differing = 0
  const differ = (key: string): void => {
    if (leftOut.has(key)) return
    differing += 1
    if (sample.length < sampleMax) sample.push(key)
  }
  for await (const [page, others] of pairs(live, folded)) {
    documents += page.length
    for (const one of page) if (!isSame(one, others.get(one.key))) differ(one.key)
  }
  for await (const [page, others] of pairs(folded, live)) {
    for (const { key } of page) if ((others.get(key)?.data ?? null) === null) differ(key)
  }
  const at = state.checkpoint.position
  return { status: 'compared', position: at, documents, differing, sample, leftOut: leftOut.size }
}

type Documents = Pick<DocumentCollection, 'load' | 'page'>

/** Pages of documents, each with what the other side has under the same keys. */
async function* pairs(
  some: Documents,
  others: Documents,
): AsyncGenerator<readonly [readonly StoredDocument[], ReadonlyMap<string, StoredDocument>]> {
  for (let afterKey: string | null = null; ;) {
    // oxlint-disable-next-line no-await-in-loop -- one page after the other
    const page = await some.page({ where: [], search: null, afterKey, limit: pageSize })
    // oxlint-disable-next-line no-await-in-loop -- the same
    yield [page.documents, await others.load(page.documents.map(({ key }) => key))]
    if (!page.more) return
    afterKey = page.documents.at(-1)?.key ?? null
  }
}

function isSame(one: StoredDocument, other: StoredDocument | undefined): boolean {
  return other !== undefined && one.version === other.version && isSameJson(one.data, other.data)
}
