// One collection of documents that commit with events, in memory: opened, built, kept and read.
import { byBytes, memberText, requireIndex, searchedWords, wordsOf } from '../core/checks/index.ts'
import { RampartError } from '../core/index.ts'
import type {
  ChangeCursor,
  CollectionShape,
  CommitRequest,
  DocumentPage,
  KeptCollection,
  LogPlace,
  PageQuery,
  StoredDocument,
} from '../core/ports/index.ts'
import { placeAt, requireOpen, type LogState, type MemoryCollection } from './log-state.ts'

/** Opens a collection of the log. */
export function openDocuments(state: LogState, asked: Omit<CollectionShape, 'log'>): KeptCollection {
  requireOpen(state)
  const shape = { ...asked, log: state.key }
  const known = [...state.collections.values()].find(
    (one) => one.shape.name === shape.name && one.shape.version === shape.version,
  )
  if (known !== undefined) requireSameShape(known.shape, shape)
  const collection = known ?? createCollection(state, shape)
  state.collections.set(collection.number, collection)
  const view = { state, collection }
  return {
    shape,
    number: collection.number,
    ...readsOf(view),
    commit: async (request) => commit(view, request),
    keep: async () => keep(view),
    onCommitted: (callback) => listen(collection.onCommitted, () => callback()),
    onChanged: (callback) => listen(collection.onChanged, (change) => callback(change)),
  }
}

interface View {
  readonly state: LogState
  readonly collection: MemoryCollection
}

function createCollection(state: LogState, shape: CollectionShape): MemoryCollection {
  return {
    number: ++state.lastCollection,
    shape,
    documents: new Map(),
    tickets: new Map(),
    onChanged: new Set(),
    onCommitted: new Set(),
    checkpoint: placeAt(state, 0),
    isKept: false,
  }
}

function requireSameShape(known: CollectionShape, { name, version, indexes, search }: CollectionShape): void {
  const textOf = (members: readonly string[]): string => [...new Set(members)].toSorted().join()
  if (textOf(known.indexes) === textOf(indexes) && textOf(known.search) === textOf(search)) return
  const message =
    `Version ${version} of projection ${name} was built with other indexes or searchable members. ` +
    "Raise the projection's version."
  throw new RampartError('DEFINITION_INVALID', message)
}

function listen<Callback>(listeners: Set<Callback>, listener: Callback): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

function placeIn({ state, collection }: View): LogPlace {
  requireOpen(state)
  return collection.isKept ? placeAt(state, state.events.length) : collection.checkpoint
}

function commit({ state, collection }: View, { from, to, documents }: CommitRequest): void {
  requireOpen(state)
  const { checkpoint, isKept, shape } = collection
  if (isKept) throw isKeptAlready(shape)
  if (!isSame(checkpoint, from)) {
    const message =
      `The checkpoint of ${shape.name} is at position ${checkpoint.position}, not at ${from.position} ` +
      'where this batch begins. Continue from there.'
    throw new RampartError('STORE_UNAVAILABLE', message)
  }
  for (const document of documents) collection.documents.set(document.key, structuredClone(document))
  collection.checkpoint = to
  for (const callback of collection.onCommitted) callback()
}

function keep({ state, collection }: View): void {
  requireOpen(state)
  if (collection.isKept) return
  const { checkpoint, shape } = collection
  const head = placeAt(state, state.events.length)
  if (!isSame(checkpoint, head)) {
    const message =
      `The documents of ${shape.name} contain the log up to position ${checkpoint.position}, and its head ` +
      `is at ${head.position}. Build the rest before they are kept.`
    throw new RampartError('STORE_UNAVAILABLE', message)
  }
  for (const other of state.collections.values()) {
    if (other !== collection && other.shape.name === shape.name) state.collections.delete(other.number)
  }
  collection.isKept = true
  for (const callback of collection.onChanged) callback({ place: head, keys: new Set() })
}

function isSame(one: LogPlace, other: LogPlace): boolean {
  return one.position === other.position && one.epoch === other.epoch && one.eventId === other.eventId
}

function isKeptAlready({ name }: CollectionShape): RampartError {
  const message = `The documents of ${name} are kept with their events. Append events to change them.`
  return new RampartError('INPUT_INVALID', message)
}

type Reads = Omit<KeptCollection, 'shape' | 'number' | 'commit' | 'keep' | 'onCommitted' | 'onChanged'>

function readsOf(view: View): Reads {
  const { documents } = view.collection
  return {
    checkpoint: async () => placeIn(view),
    load: async (keys) => {
      requireOpen(view.state)
      const wanted = new Set(keys)
      return new Map([...documents].filter(([key]) => wanted.has(key)))
    },
    get: async (key) => ({ document: documents.get(key), checkpoint: placeIn(view), isQuarantined: false }),
    page: async (query) => pageOf(view, query),
    changes: async ({ after, limit, key, bytesMax }) => {
      const changed = [...documents.values()]
        .filter((one) => (key === undefined || one.key === key) && isAfter(one, after))
        .toSorted((one, other) => one.position - other.position || byBytes(one.key, other.key))
      const found = withinBytes(changed.slice(0, limit), bytesMax)
      return { documents: found, checkpoint: placeIn(view), healed: 0 }
    },
    quarantined: async () => [],
    queued: async () => [],
    skipped: async () => [],
  }
}

const listingBytesMax = 8 * 1024 * 1024

function pageOf(view: View, query: PageQuery): DocumentPage {
  const { documents, shape } = view.collection
  const isWanted = conditionOf(shape, query)
  const found = [...documents.values()]
    .filter((one) => one.data !== null && isWanted(one) && isBeyond(one.key, query.afterKey))
    .toSorted((one, other) => byBytes(one.key, other.key))
  const page = withinBytes(found.slice(0, query.limit), query.bytesMax)
  const checkpoint = placeIn(view)
  return { documents: page, more: page.length < found.length, checkpoint, quarantined: new Set() }
}

function conditionOf(shape: CollectionShape, { where, search }: PageQuery): (one: StoredDocument) => boolean {
  for (const { index } of where) requireIndex(shape, index)
  const sought = search === null ? undefined : searchedWords(shape, search)
  return ({ data }) => {
    if (!where.every(({ index, value }) => memberText(data, index) === value)) return false
    if (sought === undefined) return true
    const words = wordsOf(shape.search.map((member) => memberText(data, member) ?? '').join(' '))
    return sought.length > 0 && sought.every((start) => words.some((word) => word.startsWith(start)))
  }
}

function isBeyond(key: string, afterKey: string | null): boolean {
  return afterKey === null || byBytes(key, afterKey) > 0
}

function isAfter({ position, key }: StoredDocument, after: ChangeCursor): boolean {
  return position > after.position || (position === after.position && byBytes(key, after.key) > 0)
}

function withinBytes(
  documents: readonly StoredDocument[],
  bytesMax = listingBytesMax,
): readonly StoredDocument[] {
  let bytes = 0
  const end = documents.findIndex(({ data }, index) => {
    bytes += data === null ? 0 : JSON.stringify(data).length
    return bytes > bytesMax && index > 0
  })
  return end === -1 ? documents : documents.slice(0, end)
}
