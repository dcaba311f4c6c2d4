// The documents of a split projection put together: one key from its part, pages in the order of keys, and
// changes in the order of positions.
//
//   part 1, read up to 9    a@2  c@8  e@9 │         changes come up to the least place, and up to where
//   part 2, read up to 6    b@3  d@6      │         the page of every part ends: a@2, b@3, d@6
//                                  least ─┘         c@8 and e@9 follow when part 2 is there
//
// Reads of several parts are not of one moment. The place that goes with them is the least, so it says
// no more than what all of them contain.
import { byBytes, pageBytesMax } from '../core/checks/index.ts'
import type { LogPlace, StoredDocument } from '../core/ports/index.ts'
import type { ShownDocuments, ShownProjection } from './shown-projection.ts'

type Parts = readonly ShownProjection[]
type Page = Awaited<ReturnType<ShownDocuments['page']>>
type Changes = Awaited<ReturnType<ShownDocuments['changes']>>

/** Puts the documents of parts together; `partOf` knows where a key is. */
export function splitDocuments(parts: Parts, partOf: (key: string) => ShownProjection): ShownDocuments {
  return {
    get: (key) => partOf(key).collection.get(key),
    async page(query) {
      const bytesMax = Math.ceil((query.bytesMax ?? pageBytesMax) / parts.length)
      const pages = await Promise.all(parts.map((part) => part.collection.page({ ...query, bytesMax })))
      return mergedPage(pages, { limit: query.limit, checkpoint: leastPlace(placesOf(parts, pages)) })
    },
    async changes(query) {
      if (query.key !== undefined) return partOf(query.key).collection.changes(query)
      const bytesMax = Math.ceil((query.bytesMax ?? pageBytesMax) / parts.length)
      const found = await Promise.all(parts.map((part) => part.collection.changes({ ...query, bytesMax })))
      return mergedChanges(found, { limit: query.limit, checkpoint: leastPlace(placesOf(parts, found)) })
    },
    async quarantined() {
      const lists = await Promise.all(parts.map((part) => part.collection.quarantined()))
      return lists.flat().toSorted((one, other) => byBytes(one.key, other.key))
    },
    queued: (key) => partOf(key).collection.queued(key),
    async skipped(limit) {
      const lists = await Promise.all(parts.map((part) => part.collection.skipped(limit)))
      return lists
        .flat()
        .toSorted((one, other) => other.atMs - one.atMs)
        .slice(0, limit)
    },
  }
}

/** The place that all of them contain. */
export function leastPlace(places: readonly LogPlace[]): LogPlace {
  return places.reduce((least, place) => (place.position < least.position ? place : least))
}

function placesOf(parts: Parts, read: readonly { readonly checkpoint: LogPlace }[]): readonly LogPlace[] {
  return read.flatMap(({ checkpoint }, index) => parts[index]?.placeOf(checkpoint) ?? [])
}

interface Merging {
  readonly limit: number
  readonly checkpoint: LogPlace
}

function mergedPage(pages: readonly Page[], { limit, checkpoint }: Merging): Page {
  // What follows the page of one part may stand before what another one has listed already.
  const ends = pages.flatMap(({ documents, more }) => (more ? (documents.at(-1)?.key ?? []) : []))
  const isListed = ({ key }: StoredDocument): boolean => ends.every((end) => byBytes(key, end) <= 0)
  const all = pages.flatMap(({ documents }) => documents)
  const listed = all.filter(isListed).toSorted((one, other) => byBytes(one.key, other.key))
  const documents = listed.slice(0, limit)
  return {
    documents,
    more: ends.length > 0 || documents.length < all.length,
    checkpoint,
    quarantined: new Set(pages.flatMap(({ quarantined }) => [...quarantined])),
  }
}

function mergedChanges(found: readonly Changes[], { limit, checkpoint }: Merging): Changes {
  // A part that brings nothing has nothing up to its place; any other one may have more behind its last.
  const ends = found.flatMap(({ documents }) => documents.at(-1) ?? [])
  const isListed = (document: StoredDocument): boolean =>
    document.position <= checkpoint.position && ends.every((end) => byChange(document, end) <= 0)
  const all = found.flatMap(({ documents }) => documents)
  return {
    documents: all.filter(isListed).toSorted(byChange).slice(0, limit),
    checkpoint,
    healed: found.reduce((sum, { healed }) => sum + healed, 0),
  }
}

function byChange(one: StoredDocument, other: StoredDocument): number {
  return one.position - other.position || byBytes(one.key, other.key)
}
