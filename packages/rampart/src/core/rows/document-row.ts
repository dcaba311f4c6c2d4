// Rows of documents: which parts of a collection have columns, and what stands in them.
import { memberText, wordsOf } from '../checks/document-words.ts'
import { RampartError } from '../errors.ts'
import { position } from '../identity.ts'
import type { Json } from '../json.ts'
import type { CollectionShape, StoredDocument } from '../ports/document-collection.ts'
import type { LogPlace } from '../ports/log.ts'

/** The parts of a collection that have columns, in the order of those columns. */
export interface Columns {
  readonly indexes: readonly string[]
  readonly search: readonly string[]
}

/** The columns of a shape. Their order does not depend on the order in which members are declared. */
export function columnsOf({ indexes, search }: Columns): Columns {
  return { indexes: [...new Set(indexes)].toSorted(), search: [...new Set(search)].toSorted() }
}

/** The columns in a collection's stored shape. */
export function columnsIn(stored: string): Columns {
  // What was made of `columnsOf`.
  return JSON.parse(stored) as Columns
}

/**
 * Throws `DEFINITION_INVALID` for a version whose documents were built with other indexes or searchable
 * members than it declares.
 */
export function requireSameColumns({ name, version, ...shape }: CollectionShape, stored: string): void {
  const declared = JSON.stringify(columnsOf(shape))
  if (stored === declared) return
  const message =
    `Version ${version} of projection ${name} was built with other indexes or searchable members: ` +
    `${stored}, and now it declares ${declared}. Raise the projection's version.`
  throw new RampartError('DEFINITION_INVALID', message)
}

/** The names of the columns of a document's row, after key, version, position and data. */
export function ownColumns({ indexes, search }: Columns): readonly string[] {
  const words = search.length === 0 ? [] : ['words']
  return [...indexes.map((_, index) => `index_${index}`), ...words]
}

/** The document of a row that begins with key, version, position and data. */
export function documentOf([key, version, at, data]: readonly unknown[]): StoredDocument {
  const parsed: Json = typeof data === 'string' ? JSON.parse(data) : null
  const counted = typeof version === 'number' ? version : null
  return { key: String(key), version: counted, position: position(Number(at)), data: parsed }
}

/** The place of a row that begins with epoch, position and event id. */
export function placeOf([epoch, at, eventId]: readonly unknown[]): LogPlace {
  return { epoch: String(epoch), position: position(Number(at)), eventId: String(eventId) }
}

/** The distinct words of the searchable members of a document. */
export function searchableWords({ search }: Columns, data: Json): readonly string[] {
  return wordsOf(search.map((member) => memberText(data, member) ?? '').join(' '))
}
