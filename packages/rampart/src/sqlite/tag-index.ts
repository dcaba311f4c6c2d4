// The index of tags: finds places of events by tag and type, for conditions of the writer and for reads.
import type { DatabaseSync } from 'node:sqlite'
import { readSql } from './database.ts'
import { numberAt, prepareQuery } from './rows.ts'

/** A stretch of the index. */
export interface TagRange {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly through: number
  /** How many places at most. */
  readonly limit: number
}

/** What to find: events of any of the types (of all types when absent) that have all of the tags. */
export interface TagQuery {
  /** At least one. */
  readonly tags: readonly string[]
  readonly types: readonly string[] | undefined
}

/** Places in order. */
export interface TaggedPlaces {
  readonly places: readonly number[]
  /** The place up to which the index was examined. */
  readonly through: number
}

/** Finds places over one connection. */
export type TagIndex = (query: TagQuery, range: TagRange) => TaggedPlaces

// How many places of the rarest tag one search examines at most.
const examinedMax = 10_000

/** Prepares the index on a connection. */
export function createTagIndex(database: DatabaseSync): TagIndex {
  const findTag = prepareQuery(database, 'SELECT number FROM tags WHERE name = ?')
  const findType = prepareQuery(database, 'SELECT number FROM event_types WHERE name = ?')
  const findTagged = prepareQuery(database, readSql('find-tagged'))
  const measure = createMeasure(database)
  return ({ tags, types }, range) => {
    const all = [...new Set(tags)].map((tag) => numberAt(findTag.get(tag) ?? [], 0))
    const kinds = types?.map((type) => numberAt(findType.get(type) ?? [], 0)).filter((kind) => kind > 0)
    // Numbers start at 1: a tag that no event has, or types that none has, match nothing.
    if (all.includes(0) || kinds?.length === 0) return { places: [], through: range.through }
    const isPlain = all.length === 1 && kinds === undefined
    // A short range has few events, whatever their tags: what a decision asks that nobody raced is one.
    const isShort = range.through - range.after <= examinedMax
    const rarest = isPlain || isShort ? { tag: all[0] ?? 0, through: range.through } : measure(all, range)
    const others = all.filter((tag) => tag !== rarest.tag)
    const found = findTagged.all(
      rarest.tag,
      range.after,
      rarest.through,
      kinds === undefined ? null : JSON.stringify(kinds),
      JSON.stringify(others),
      range.limit,
    )
    const places = found.map((row) => numberAt(row, 0))
    const last = places.length < range.limit ? rarest.through : places.at(-1)
    return { places, through: last ?? range.after }
  }
}

// Of several tags the one with the fewest events leads, and so far that its events are a bounded number.
function createMeasure(database: DatabaseSync) {
  const count = prepareQuery(database, readSql('measure-tag'))
  return (tags: readonly number[], { after, through }: TagRange) => {
    const measured = tags.map((tag) => {
      const row = count.get(tag, after, through, examinedMax) ?? []
      const events = numberAt(row, 0)
      return { tag, events, through: events < examinedMax ? through : numberAt(row, 1) }
    })
    return measured.reduce((one, other) =>
      other.through > one.through || (other.through === one.through && other.events < one.events)
        ? other
        : one,
    )
  }
}
