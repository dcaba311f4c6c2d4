// Reads events over the pool: pages of streams and logs, each with one statement.
import { pageBytesMax } from '../core/checks/index.ts'
import type { FoldRecord, Position } from '../core/codec/index.ts'
import type { LogIdentity } from '../core/group-commit/index.ts'
import type { LogPlace } from '../core/ports/index.ts'
import type { SealedEvent } from '../core/seals/index.ts'
import { readSql, type Statement } from './database.ts'
import type { Readers } from './readers.ts'
import { bytesThrough, eventColumns, foldRecordOf, recordOf, sealedOf } from './event-rows.ts'
import { createFoldReader, type FoldReader } from './fold-reader.ts'
import { pickPositions } from './picker.ts'
import type { LogRange, ReadEvents, StreamRange } from './read-range.ts'
import { numberAt, textAt, textOrNullAt, type Row } from './rows.ts'

/** Reads over one pool. */
export interface EventReader {
  readonly head: (log: LogIdentity) => Promise<LogPlace>
  readonly placeAt: (log: LogIdentity, position: number) => Promise<LogPlace>
  readonly readStream: (log: LogIdentity, range: StreamRange) => Promise<ReadEvents>
  /** The same as folds of the stream read it. */
  readonly readStreamToFold: FoldReader
  readonly readLog: (log: LogIdentity, range: LogRange) => Promise<ReadEvents>
  /** The same as folds read it. Fails where a payload is no text. */
  readonly readLogToFold: (log: LogIdentity, range: LogRange) => Promise<ReadEvents<FoldRecord>>
  /** Events with everything that is recorded with them. */
  readonly readSealed: (
    log: LogIdentity,
    range: Omit<LogRange, 'filters'>,
  ) => Promise<ReadEvents<SealedEvent>>
  /** Their leaves, as rows in which the database has put the digest of each payload. */
  readonly readDigested: (log: LogIdentity, range: Omit<LogRange, 'filters'>) => Promise<readonly Row[]>
}

const selectEvents = readSql('select-events')

const headOf: Statement = {
  name: 'head',
  text: `SELECT position, append_id || '.' || append_index FROM rampart_write.events
    WHERE log = $1 ORDER BY position DESC LIMIT 1`,
}
const eventAt: Statement = {
  name: 'event-at',
  text: `SELECT position, append_id || '.' || append_index FROM rampart_write.events
    WHERE log = $1 AND position = $2`,
}
const ofStream = `WHERE e.stream = (
    SELECT number FROM rampart_write.streams WHERE log = $1 AND decider = $2 AND id = $3
  ) AND e.version >= $4 AND e.version <= $5`
const forward = { name: 'stream-forward', where: ofStream, order: 'version', limit: '$6' }
const backward = { ...forward, name: 'stream-backward', order: 'version DESC' }
const streamStatements = { forward: page('record', forward), backward: page('record', backward) }
const allOfLog = {
  name: 'log',
  where: 'WHERE e.log = $1 AND e.position > $2 AND e.position <= $3',
  order: 'position',
  limit: '$4',
}
const logStatements = {
  fold: page('fold', allOfLog),
  record: page('record', allOfLog),
  sealed: page('sealed', allOfLog),
}
// As one text: twenty columns of each event would cost this process several times what its leaf does.
const digested = page('digested', allOfLog)
const allDigested = { ...digested, text: `SELECT json_agg(event) FROM (${digested.text}) AS found (event)` }

/** Prepares the reader on a pool. */
export function createEventReader(readers: Readers): EventReader {
  const { query } = readers
  const readStream = (
    log: LogIdentity,
    { decider, id, lowest, highest, isForward, limit }: StreamRange,
  ): Promise<readonly Row[]> => {
    const statement = streamStatements[isForward ? 'forward' : 'backward']
    return query(statement, [log.number, decider, id, lowest, Math.min(highest, versionMax), limit])
  }
  const readLog = async (
    kind: 'fold' | 'record',
    log: LogIdentity,
    { after, through, limit, filters }: LogRange,
  ): Promise<readonly Row[]> => {
    if (filters === undefined) return query(logStatements[kind], [log.number, after, through, limit])
    if (filters.length === 0) return []
    const { name, where, values } = pickPositions({ log: log.number, after, through, limit }, filters)
    return query(page(kind, { ...allOfLog, name, where }), values)
  }
  return {
    head: async (log) => placeIn(log, (await query(headOf, [log.number]))[0], 0),
    placeAt: async (log, position) =>
      placeIn(log, (await query(eventAt, [log.number, position]))[0], position),
    readStream: async (log, range) => pageOf(await readStream(log, range), range.limit, recordOf),
    readStreamToFold: createFoldReader(readers),
    readLog: async (log, range) => pageOf(await readLog('record', log, range), range.limit, recordOf),
    readLogToFold: async (log, range) => pageOf(await readLog('fold', log, range), range.limit, foldRecordOf),
    readSealed: async (log, { after, through, limit }) =>
      pageOf(await query(logStatements.sealed, [log.number, after, through, limit]), limit, sealedOf),
    async readDigested(log, { after, through, limit }) {
      const [row = []] = await query(allDigested, [log.number, after, through, limit])
      // The database has written the text a moment ago; it has none for no events.
      const rows = JSON.parse(textOrNullAt(row, 0) ?? '[]') as readonly Row[]
      return pageOf(rows, limit, (event) => event).events
    },
  }
}

// Versions are stored as 32-bit integers.
const versionMax = 2 ** 31 - 1

interface PageShape {
  readonly name: string
  readonly where: string
  readonly order: string
  readonly limit: string
}

function page(kind: keyof typeof eventColumns, { name, where, order, limit }: PageShape): Statement {
  const text = selectEvents
    .replaceAll(':columns', eventColumns[kind])
    .replaceAll(':where', where)
    .replaceAll(':order', order)
    .replaceAll(':limit', limit)
    .replaceAll(':bytes', String(pageBytesMax))
  return { name: `${kind}-${name}`, text }
}

// A page may end with one row beyond its bound, unless that is its only one.
function pageOf<Event>(rows: readonly Row[], limit: number, eventOf: (row: Row) => Event): ReadEvents<Event> {
  const isFull = bytesThrough(rows.at(-1) ?? []) > pageBytesMax
  const inPage = isFull && rows.length > 1 ? rows.slice(0, -1) : rows
  return { events: inPage.map(eventOf), isWhole: !isFull && rows.length < limit }
}

function placeIn({ epoch }: LogIdentity, row: Row | undefined, position: number): LogPlace {
  // Stored positions are whole numbers.
  if (row === undefined) return { epoch, position: position as Position, eventId: '' }
  return { epoch, position: numberAt(row, 0) as Position, eventId: textAt(row, 1) }
}
