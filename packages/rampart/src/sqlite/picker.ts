// Picks the places of events that any of some filters wants, page by page, for reads of a log.
import type { DatabaseSync } from 'node:sqlite'
import type { EventFilter } from '../core/ports/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import { placeOf, positionOf } from './places.ts'
import { numberAt, prepareQuery } from './rows.ts'
import { createTagIndex, type TaggedPlaces, type TagRange } from './tag-index.ts'

/** A stretch of a log in positions, and the filters over it. */
export interface PickRange {
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly through: number
  readonly filters: readonly EventFilter[]
  /** How many places at most. */
  readonly limit: number
}

/** Picks places, in order and each once, and says up to which position all of them are there. */
export type Picker = (log: LogIdentity, range: PickRange) => TaggedPlaces

// How much of a log is examined at most for a filter without tags.
const windowPositions = 10_000

/** Prepares the picker on a connection. */
export function createPicker(database: DatabaseSync): Picker {
  const findTagged = createTagIndex(database)
  const findTyped = createTypeScan(database)
  return (log, { after, through, filters, limit }) => {
    const range = { after: placeOf(log.number, after), through: placeOf(log.number, through), limit }
    const found = filters.map(({ types, tags = [] }) =>
      tags.length === 0 ? findTyped(types, range) : findTagged({ tags, types }, range),
    )
    // Beyond the first end of a search, its further events are unknown.
    const end = Math.min(range.through, ...found.map((one) => one.through))
    const places = [...new Set(found.flatMap((one) => one.places))]
      .filter((place) => place <= end)
      .toSorted((one, other) => one - other)
    const picked = places.slice(0, limit)
    const last = picked.length < places.length ? (picked.at(-1) ?? range.after) : end
    return { places: picked, through: positionOf(last) }
  }
}

function createTypeScan(database: DatabaseSync) {
  const inRange = 'FROM events WHERE place > ? AND place <= ?'
  const ordered = 'ORDER BY place LIMIT ?'
  const all = prepareQuery(database, `SELECT place ${inRange} ${ordered}`)
  const some = prepareQuery(
    database,
    `SELECT place ${inRange} AND type IN (
      SELECT number FROM event_types WHERE name IN (SELECT value FROM json_each(?))
    ) ${ordered}`,
  )
  return (types: readonly string[] | undefined, { after, limit, ...range }: TagRange): TaggedPlaces => {
    const through = Math.min(range.through, after + windowPositions)
    const rows =
      types === undefined
        ? all.all(after, through, limit)
        : some.all(after, through, JSON.stringify(types), limit)
    const places = rows.map((row) => numberAt(row, 0))
    return { places, through: (places.length < limit ? through : places.at(-1)) ?? after }
  }
}
