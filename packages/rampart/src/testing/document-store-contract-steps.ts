// Steps that the rules of the document store share: collections to keep, and documents to append.
import { position, streamId } from '../core/codec/index.ts'
import type { Json } from '../core/index.ts'
import type {
  AppendRequest,
  CollectionShape,
  DocumentWrite,
  EventStore,
  KeptCollection,
  NewEvent,
  StoredDocument,
} from '../core/ports/index.ts'
import { event } from './event-store-contract-steps.ts'
import { expectSame } from './expect.ts'

/** The collection that most rules keep. */
export const noteShape = { name: 'notes', version: 1, indexes: ['kind'], search: ['title'] } satisfies Omit<
  CollectionShape,
  'log'
>

/** Opens the collection of an empty log and keeps it. */
export async function keepNotes(log: EventStore): Promise<KeptCollection> {
  const notes = await log.openDocuments(noteShape)
  await notes.keep()
  return notes
}

/** A document that the first event of an append makes of nothing. */
export function written(
  { number: collection }: KeptCollection,
  key: string,
  more: Partial<DocumentWrite> = {},
): DocumentWrite {
  const data: Json = { title: key }
  return { collection, key, expectedPosition: position(0), event: 0, version: null, data, ...more }
}

/** An append of one event to a stream of its own, with documents. */
export function noting(
  documents: readonly DocumentWrite[],
  { stream = 'any', events = [event('x')], ticket }: Noting = {},
): AppendRequest {
  const write = { decider: 'note', id: streamId(stream), expectedVersion: 'any', events } as const
  return { writes: [write], documents, ...(ticket === undefined ? {} : { ticket }) }
}

interface Noting {
  readonly stream?: string
  readonly events?: readonly NewEvent[]
  readonly ticket?: string
}

/** A document as it is stored. */
export function stored(key: string, at: number, data: Json = { title: key }): StoredDocument {
  return { key, version: null, position: position(at), data }
}

/** Expects what stands under a key. */
export async function expectDocument(
  notes: KeptCollection,
  key: string,
  expected: StoredDocument | undefined,
): Promise<void> {
  const { document } = await notes.get(key)
  expectSame(`the document ${key}`, document, expected)
}

/** Expects that a collection contains the log up to its head. */
export async function expectAtHead(notes: KeptCollection, log: EventStore): Promise<void> {
  expectSame('the checkpoint', await notes.checkpoint(), await log.head())
}
