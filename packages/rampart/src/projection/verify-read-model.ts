// Verifies a read model: folds its log anew, as far as its documents contain it, and compares the two.
//
//   log ──> fold ──> documents of a scratch store ══ document by document ══ what readers get
//
// The log is folded up to the checkpoint first and from there on within one view of the read model, which may
// have moved meanwhile; so that view is held for no longer than the comparison takes.
import { position } from '../core/codec/index.ts'
import type { Projection } from '../core/index.ts'
import type { ViewedCollection } from '../core/inspection/index.ts'
import {
  eventId,
  type DocumentCollection,
  type EventRecord,
  type EventStore,
  type LogPlace,
  type ReadStore,
} from '../core/ports/index.ts'
import { compareDocuments, type ComparedDocuments } from './compare-documents.ts'
import { compareQuarantine } from './compare-quarantine.ts'
import { watchPositions, type WatchedPositions } from './determined-positions.ts'
import { createFold, foldEvents, keyEvents, type Fold, type FoldedRecord } from './fold.ts'
import { frozenJson } from './frozen-json.ts'
import { createIntake, loadWaiting } from './quarantine.ts'
import { createSkips, type Skips } from './skipped-events.ts'

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
  /** Hears up to which position the log is folded. */
  readonly onFolded?: (position: number, of: number) => void
}

/** What came of it. */
export type VerifiedReadModel =
  | { readonly status: 'absent' }
  /** There are none, where others were kept and the log has events. */
  | { readonly status: 'gone' }
  | { readonly status: 'other version'; readonly version: number }
  | { readonly status: 'unfolded'; readonly what: string }
  | ComparedReadModel

/** Documents that were compared. */
export interface ComparedReadModel extends ComparedDocuments {
  readonly status: 'compared'
  readonly position: number
  /** How many keys were left out, because events of theirs were skipped meanwhile. */
  readonly leftOut: number
  /** What else of it is not as it should be, in words. */
  readonly strange: readonly string[]
}

const skippedMax = 100_000

/** Verifies the documents of one projection. */
export async function verifyReadModel(source: ReadModelSource): Promise<VerifiedReadModel> {
  const { projection, scratch, store, look, holdStill } = source
  const first = await look()
  if (first === undefined) return { status: 'absent' }
  const { name, version, indexes, search } = projection
  if (first.state.version !== version) return { status: 'other version', version: first.state.version }
  const shape = { name, version, log: store.log, indexes, search }
  const { epoch } = first.state.checkpoint
  const positions = watchPositions(projection)
  const folding: Folding = {
    source,
    positions,
    fold: createFold(positions.projection),
    skips: createSkips(),
    collection: await scratch.openCollection(shape, epoch),
    at: { epoch, position: position(0), eventId: '' },
  }
  const unfolded = await foldUpTo(folding, first)
  await holdStill()
  const view = await look()
  if (unfolded !== undefined) return { status: 'unfolded', what: unfolded }
  if (view === undefined) return { status: 'absent' }
  if (view.state.version !== version) return { status: 'other version', version: view.state.version }
  const rest = await foldUpTo(folding, view)
  if (rest !== undefined) return { status: 'unfolded', what: rest }
  return compare(view, folding)
}

interface Folding {
  readonly source: ReadModelSource
  readonly positions: WatchedPositions
  readonly fold: Fold
  readonly skips: Skips
  readonly collection: DocumentCollection
  at: LogPlace
}

/** Folds up to where documents stand; answers in words when that cannot be done. */
async function foldUpTo(
  folding: Folding,
  { state, documents }: ViewedCollection,
): Promise<string | undefined> {
  const { store, projection, onFolded } = folding.source
  const to = state.checkpoint
  folding.skips.learn(await documents.skipped(skippedMax), folding.at.position)
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
    onFolded?.(isLast ? to.position : through.position, to.position)
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
  const { fold, skips, collection, at } = folding
  const keyed = skips.withoutSkipped(keyEvents(fold, records))
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

async function compare(
  view: ViewedCollection,
  { collection, positions, skips }: Folding,
): Promise<ComparedReadModel> {
  const quarantine = await compareQuarantine(view, collection, skips)
  const words = await view.misindexed()
  const documents = await compareDocuments(view, collection, {
    isLeftOut: (key) => quarantine.keys.has(key) || skips.late.has(key),
    isDetermined: positions.isDetermined,
  })
  const missed = `a search does not find ${words.documents} of its documents by their words`
  const strange = words.documents === 0 ? [] : [`${missed} (${words.sample.join(', ')})`]
  return {
    status: 'compared',
    position: view.state.checkpoint.position,
    ...documents,
    leftOut: skips.late.size,
    strange: [...quarantine.strange, ...strange],
  }
}
