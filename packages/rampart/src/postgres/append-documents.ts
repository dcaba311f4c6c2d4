// The documents that the appends of a call carry, as arguments of `append_batch`.
import type { DocumentWrite } from '../core/ports/index.ts'
import { bigints, integers, texts } from './binary-array.ts'
import type { Collections } from './document-collections.ts'
import { cellsText } from './read-store-tables.ts'

/** A document of an append in a call. */
export interface CallDocument {
  readonly write: DocumentWrite
  /** The position that it was folded on. */
  readonly expected: number
  /**
   * The append of this call that must have written it last, from 1; 0 for none, -1 when it came to
   * nothing.
   */
  readonly buildsOn: number
}

/** The arguments about the documents of appends: those of each append, and of each document. */
export function documentColumns(
  { collections, kept }: { readonly collections: Collections; readonly kept: readonly number[] },
  appends: readonly CarriesDocuments[],
): readonly Buffer[] {
  const isPlain = appends.every(({ documents }) => documents.length === 0)
  return [integers(kept), ...(isPlain ? withoutDocuments : columnsOf(collections, appends))]
}

interface CarriesDocuments {
  readonly documents: readonly CallDocument[]
}

const withoutDocuments = columnsOf(new Map(), [])

function columnsOf(collections: Collections, appends: readonly CarriesDocuments[]): readonly Buffer[] {
  const documents = appends.flatMap((append) => append.documents)
  const writes = documents.map(({ write }) => write)
  let before = 0
  return [
    integers(appends.map((append) => (before += append.documents.length) - append.documents.length + 1)),
    integers(appends.map((append) => append.documents.length)),
    integers(writes.map(({ collection }) => collection)),
    texts(writes.map(({ key }) => key)),
    integers(sameOf(writes)),
    bigints(documents.map(({ expected }) => expected)),
    integers(documents.map(({ buildsOn }) => buildsOn)),
    integers(writes.map(({ event }) => event)),
    bigints(writes.map(({ version }) => version)),
    texts(writes.map(({ data }) => (data === null ? null : JSON.stringify(data)))),
    texts(writes.map((write) => cellsOf(collections, write))),
  ]
}

/** For each write the first one of the same document, from 1. */
function sameOf(writes: readonly DocumentWrite[]): readonly number[] {
  const firsts = new Map<string, number>()
  return writes.map((write, index) => {
    const name = documentName(write)
    const first = firsts.get(name) ?? index + 1
    firsts.set(name, first)
    return first
  })
}

function cellsOf(collections: Collections, { collection, data }: DocumentWrite): string | null {
  const open = collections.get(collection)
  return open === undefined ? null : cellsText(open.columns, data)
}

/** Names a document within the writer, beside the names of streams. */
export function documentName({ collection, key }: Pick<DocumentWrite, 'collection' | 'key'>): string {
  return `documents ${collection}\0${key}`
}
