// What the rules of the read store's suite share: a harness, documents to store, and ways to list them.
import { position } from '../core/codec/index.ts'
import type { Json } from '../core/index.ts'
import type {
  CollectionShape,
  DocumentCollection,
  DocumentPage,
  LogPlace,
  PageQuery,
  ReadStore,
  StoredDocument,
} from '../core/ports/index.ts'
import type { ContractRule } from './contract.ts'

/** How a rule gets at the adapter. */
export interface ReadStoreHarness {
  /** An open store without collections. */
  readonly store: ReadStore
  /** Closes the store and opens what it kept; needs the capability `reopens`. */
  readonly reopen: () => Promise<ReadStore>
}

/** A rule of the suite. */
export type ReadStoreRule = ContractRule<ReadStoreHarness>

/** The shape of the collection in most rules. */
export const shape: CollectionShape = {
  name: 'orders',
  version: 1,
  log: 'default/shop/0',
  indexes: ['status', 'customerId'],
  search: ['title', 'notes'],
}

/** A place of the log; 0 stands before its first event. */
export function place(at: number, epoch = 'epoch-1'): LogPlace {
  return { epoch, position: position(at), eventId: at === 0 ? '' : `append-${at}.0` }
}

/** A document that gathers several streams. */
export function document(key: string, at: number, data: Json): StoredDocument {
  return { key, version: null, position: position(at), data }
}

/** The same as a document of one stream. */
export function versioned(version: number, plain: StoredDocument): StoredDocument {
  return { ...plain, version }
}

/** Opens the collection, at first without anything in it. */
export function open(store: ReadStore): Promise<DocumentCollection> {
  return store.openCollection(shape, 'epoch-1')
}

/** Opens a collection that contains the log up to 10, with these documents. */
export async function openWith(
  store: ReadStore,
  documents: readonly StoredDocument[],
): Promise<DocumentCollection> {
  const collection = await open(store)
  await collection.commit({ from: place(0), to: place(10), documents })
  return collection
}

/** The listing of everything. */
export const everything: PageQuery = { where: [], search: null, afterKey: null, limit: 100 }

/** The keys of a page, in its order. */
export function keysOf(page: Pick<DocumentPage, 'documents'>): readonly string[] {
  return page.documents.map((one) => one.key)
}

/** Every key of a listing, page by page. `beforeNext` runs between two pages. */
export async function pageThrough(
  collection: DocumentCollection,
  limit: number,
  beforeNext: (lastKey: string) => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  const keys: string[] = []
  let afterKey: string | null = null
  for (let pages = 0; pages < 1000; pages++) {
    const page: DocumentPage = await collection.page({ ...everything, afterKey, limit })
    keys.push(...keysOf(page))
    const last = page.documents.at(-1)
    if (!page.more || last === undefined) return keys
    afterKey = last.key
    await beforeNext(last.key)
  }
  throw new Error('A listing of few documents did not end within 1,000 pages')
}

/** The keys that a search finds. */
export async function search(collection: DocumentCollection, text: string): Promise<readonly string[]> {
  return keysOf(await collection.page({ ...everything, search: text }))
}

/** The keys that have all of these index values. */
export async function find(
  collection: DocumentCollection,
  ...where: readonly (readonly [string, string])[]
): Promise<readonly string[]> {
  const conditions = where.map(([index, value]) => ({ index, value }))
  return keysOf(await collection.page({ ...everything, where: conditions }))
}
