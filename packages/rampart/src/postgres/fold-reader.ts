// Reads streams as folds take them: what a fold needs of an event and no more, many events a row, each row as
// soon as it has come.
import { pageBytesMax, pageEventsMax } from '../core/checks/index.ts'
import type { StreamFoldRecord, StreamVersion } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import type { Readers } from './readers.ts'
import type { ReadEvents, StreamRange } from './read-range.ts'
import { numberAt, textAt, type Row } from './rows.ts'

/**
 * Reads a page of a stream in parts, lowest version first, and ends before what is not read so: an event that
 * is missing or large, or holds what separates payloads. A stream without events in the range has one part
 * without any. Fails where a payload is no text.
 */
export type FoldReader = (
  log: LogIdentity,
  range: Omit<StreamRange, 'isForward'>,
) => AsyncGenerator<ReadEvents<StreamFoldRecord>>

const partEventsMax = 100
const separator = '\u001E'

const selectStream: Statement = {
  name: 'fold-stream',
  text: readSql('select-stream-to-fold')
    .replaceAll(':events', String(partEventsMax))
    .replaceAll(':parts', String(Math.ceil(pageEventsMax / partEventsMax)))
    // Together they keep the bound of a page then.
    .replaceAll(':share', String(Math.floor(pageBytesMax / pageEventsMax))),
}
const selectTypes: Statement = {
  name: 'name-types',
  text: 'SELECT number, name FROM rampart_write.event_types WHERE number = ANY($1)',
}

/** Prepares the reader on a pool. */
export function createFoldReader({ query, rows }: Pick<Readers, 'query' | 'rows'>): FoldReader {
  const namesOf = createTypeNames(query)
  return async function* (log, { decider, id, lowest, highest, limit }) {
    let next = lowest
    for await (const row of rows(selectStream, [log.number, decider, id, lowest, highest, limit])) {
      const part = partOf(row)
      if (part === undefined || part.first !== next) return
      const events = eventsOf(part, await namesOf(part.types))
      next += events.length
      yield { events, isWhole: next > Math.min(highest, part.newest) }
    }
    if (next === lowest) yield { events: [], isWhole: true }
  }
}

/** Events of a stream whose versions go up from `first`. */
interface Part {
  readonly first: number
  /** The newest version of the stream. */
  readonly newest: number
  readonly types: readonly number[]
  readonly schemaVersions: readonly number[]
  readonly texts: readonly string[]
}

/** `undefined` where not all events are there, or the texts cannot be told apart. */
function partOf(row: Row): Part | undefined {
  const [newest, high, first] = [numberAt(row, 0), numberAt(row, 1), numberAt(row, 2)]
  const [types, schemaVersions] = [countsAt(row, 3), countsAt(row, 4)]
  const count = Math.min(partEventsMax, high - first + 1)
  if (types.length !== count) return undefined
  const texts = textAt(row, 5).split(separator)
  return texts.length === count ? { first, newest, types, schemaVersions, texts } : undefined
}

function eventsOf(
  { first, types, schemaVersions, texts }: Part,
  names: ReadonlyMap<number, string>,
): readonly StreamFoldRecord[] {
  return texts.map((text, index) => ({
    // Counted on from a stored version.
    version: (first + index) as StreamVersion,
    type: names.get(types[index] ?? 0) ?? '',
    schemaVersion: schemaVersions[index] ?? 0,
    text,
  }))
}

type NamesOf = (types: readonly number[]) => Promise<ReadonlyMap<number, string>>

const typesMax = 10_000

// A number is given to one name for ever.
function createTypeNames(query: RunQuery): NamesOf {
  const names = new Map<number, string>()
  return async (types) => {
    if (types.every((type) => names.has(type))) return names
    if (names.size >= typesMax) names.clear()
    for (const row of await query(selectTypes, [[...new Set(types)]])) {
      names.set(numberAt(row, 0), textAt(row, 1))
    }
    return names
  }
}

const [zero, comma, end] = [48, 44, 125]

/** The counts in a column that holds an array of them, at a fraction of what splitting costs. */
function countsAt(row: Row, index: number): readonly number[] {
  const text = textAt(row, index)
  const counts: number[] = []
  let count = 0
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === comma || code === end) {
      counts.push(count)
      count = 0
    } else count = count * 10 + code - zero
  }
  return counts
}
