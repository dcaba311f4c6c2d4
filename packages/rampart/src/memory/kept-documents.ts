// Documents that commit with events, in memory: what an append does to them.
import { position } from '../core/codec/index.ts'
import { RampartError, type Json } from '../core/index.ts'
import type { AppendRequest, DocumentWrite } from '../core/ports/index.ts'
import { placeAt, type LogState, type MemoryCollection } from './log-state.ts'

/** The first document that is not the one any more that its write was folded on. */
export function findOutdated(state: LogState, writes: readonly DocumentWrite[] = []): number | undefined {
  const outdated = writes.findIndex(({ collection, key, expectedPosition, buildsOn }) => {
    const { documents, tickets } = collectionOf(state, collection)
    if (buildsOn !== undefined) return tickets.get(key) !== buildsOn
    return (documents.get(key)?.position ?? 0) !== expectedPosition
  })
  return outdated === -1 ? undefined : outdated
}

/** Throws `INPUT_INVALID` for an append of events that says nothing about the documents that are kept. */
export function requireDocuments(state: LogState, request: AppendRequest): void {
  if (request.documents !== undefined || eventsOf(request) === 0) return
  const silent = [...state.collections.values()].find(({ isKept }) => isKept)
  if (silent === undefined) return
  const message =
    `The documents of ${silent.shape.name} commit with events, and an append of events said nothing about ` +
    'documents. Send a command instead.'
  throw new RampartError('INPUT_INVALID', message)
}

/** Stores the documents of an append whose events are recorded. */
export function keepDocuments(state: LogState, request: AppendRequest): void {
  const before = state.events.length - eventsOf(request)
  for (const { collection: number, key, event, version, data } of request.documents ?? []) {
    const collection = collectionOf(state, number)
    const at = event === null ? collection.documents.get(key)?.position : position(before + event + 1)
    collection.documents.set(key, { key, version, position: at ?? position(0), data: copyOf(data) })
    collection.tickets.set(key, request.ticket)
  }
}

/** Tells who listens to the collections that are kept of an append. */
export function announceDocuments(state: LogState, { documents = [] }: AppendRequest): void {
  const place = placeAt(state, state.events.length)
  for (const { number, isKept, onChanged } of state.collections.values()) {
    if (!isKept) continue
    const keys = new Set(documents.filter((one) => one.collection === number).map(({ key }) => key))
    for (const callback of onChanged) callback({ place, keys })
  }
}

// The caller may hold on to it.
function copyOf(data: Json): Json {
  return JSON.parse(JSON.stringify(data))
}

function eventsOf({ writes }: AppendRequest): number {
  return writes.reduce((sum, { events }) => sum + events.length, 0)
}

function collectionOf(state: LogState, number: number): MemoryCollection {
  const collection = state.collections.get(number)
  if (collection !== undefined) return collection
  throw new RampartError('INPUT_INVALID', `The log ${state.key} has no collection ${number}. Open it first.`)
}
