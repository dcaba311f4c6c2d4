// Which events of a log any of some filters wants: the part of a statement that finds their positions.
import type { EventFilter } from '../core/ports/index.ts'
import { statementName } from './database.ts'

/** A stretch of a log in positions. */
export interface PickRange {
  readonly log: number
  /** Exclusive. */
  readonly after: number
  /** Inclusive. */
  readonly through: number
  readonly limit: number
}

/** The condition of a statement over events, with its values; statements of one name are the same. */
export interface Picked {
  readonly name: string
  readonly where: string
  readonly values: readonly unknown[]
}

/**
 * Finds the first positions of each filter by an index and takes the first of all of them. `$1` to `$4`
 * are the log, both ends and the limit.
 */
export function pickPositions(
  { log, after, through, limit }: PickRange,
  filters: readonly EventFilter[],
): Picked {
  const values: unknown[] = [log, after, through, limit]
  const parameter = (value: unknown): string => `$${values.push(value)}`
  const shapes = filters.map(({ types, tags = [] }) => `${tags.length}${types === undefined ? '' : 't'}`)
  const [only] = filters
  if (filters.length === 1 && only !== undefined && (only.tags ?? []).length === 0) {
    return {
      name: statementName('scan', [only.types === undefined ? '' : 't']),
      where: `WHERE ${scanOf(only, parameter)}`,
      values,
    }
  }
  const searches = filters.map(({ types, tags = [] }) => {
    const ofTypes =
      types === undefined ? '' : `AND type = ANY(ARRAY(${numbersOf('event_types', parameter(types))}))`
    const [first, ...others] = tags.map((tag) => `(${numberOf('tags', parameter(tag))})`)
    return first === undefined ? typeSearch(ofTypes) : tagSearch({ first, others, ofTypes })
  })
  return {
    name: statementName('picked', shapes),
    where: `WHERE e.log = $1 AND e.position IN (
      SELECT position FROM (${searches.join(' UNION ')}) AS found ORDER BY position LIMIT $4
    )`,
    values,
  }
}

// A scan needs no index but that of the positions, and ends with the page.
function scanOf({ types }: EventFilter, parameter: (value: unknown) => string): string {
  const range = 'e.log = $1 AND e.position > $2 AND e.position <= $3'
  if (types === undefined) return range
  return `${range} AND e.type = ANY(ARRAY(${numbersOf('event_types', parameter(types))}))`
}

const inRange = 'log = $1 AND position > $2 AND position <= $3'
const firstOnes = 'ORDER BY position LIMIT $4'

function typeSearch(ofTypes: string): string {
  return `(SELECT position FROM rampart_write.events WHERE ${inRange} ${ofTypes} ${firstOnes})`
}

function tagSearch({
  first,
  others,
  ofTypes,
}: {
  readonly first: string
  readonly others: readonly string[]
  readonly ofTypes: string
}): string {
  const also = others.map(
    (tag) => `AND EXISTS (
      SELECT 1 FROM rampart_write.event_tags AS other
      WHERE other.tag = ${tag} AND other.log = $1 AND other.position = tagged.position
    )`,
  )
  return `(SELECT position FROM rampart_write.event_tags AS tagged
    WHERE tag = ${first} AND ${inRange} ${ofTypes} ${also.join(' ')} ${firstOnes})`
}

function numberOf(table: string, name: string): string {
  return `SELECT number FROM rampart_write.${table} WHERE name = ${name}`
}

function numbersOf(table: string, names: string): string {
  return `SELECT number FROM rampart_write.${table} WHERE name = ANY(${names}::text[])`
}
