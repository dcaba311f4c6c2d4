// Looks at the sessions of a database that may hold others up. It waits for no lock that one of them holds.
import type { InspectedSession } from '../../core/inspection/index.ts'
import { isPassing, readSql, type RunQuery, type Statement } from '../database.ts'
import { numberAt, numberOrNullAt, textAt, textOrNullAt, type Row } from '../rows.ts'
import { atOneMoment } from './one-moment.ts'

const listSessions: Statement = { name: 'inspect-sessions', text: readSql('inspect-sessions') }
const nameLogs: Statement = {
  name: 'name-logs',
  text: 'SELECT number, key FROM rampart_write.logs WHERE number = ANY ($1::bigint[])',
}

/** Open transactions, the oldest first: those of sessions, and those that were prepared. */
export async function inspectSessions(url: string): Promise<readonly InspectedSession[]> {
  return atOneMoment(url, async (query) => {
    const rows = await query(listSessions, [])
    const logs = await logsByNumber(query, rows.map(lockKeyOf))
    return rows.map((row) => sessionOf(row, logs))
  })
}

type Logs = ReadonlyMap<number, string>

// The list of logs may be what is locked: then they go by their numbers.
async function logsByNumber(query: RunQuery, keys: readonly (number | null)[]): Promise<Logs> {
  const numbers = keys.filter((key) => key !== null)
  if (numbers.length === 0) return new Map()
  try {
    const rows = await query(nameLogs, [`{${numbers.join(',')}}`])
    return new Map(rows.map((row) => [numberAt(row, 0), textAt(row, 1)]))
  } catch (error) {
    if (isPassing(error)) return new Map()
    throw error
  }
}

function lockKeyOf(row: Row): number | null {
  return numberOrNullAt(row, 7)
}

function sessionOf(row: Row, logs: Logs): InspectedSession {
  return {
    pid: numberAt(row, 0),
    user: textAt(row, 1),
    application: textAt(row, 2),
    state: textAt(row, 3),
    openMs: numberOrNullAt(row, 4),
    query: textAt(row, 5).replaceAll(/\s+/g, ' '),
    waiting: numberAt(row, 6),
    holds: lockName(lockKeyOf(row), logs) ?? textOrNullAt(row, 8),
    prepared: textOrNullAt(row, 9),
  }
}

// Numbers below 0 come as unsigned ones.
const migrations = 2 ** 32 - 1
const collections = 2 ** 32 - 2

function lockName(key: number | null, logs: Logs): string | null {
  if (key === null) return null
  if (key === migrations) return 'the schemas'
  if (key === collections) return 'the read models'
  return key === 0 ? 'the list of logs' : `the log ${logs.get(key) ?? `with the number ${key}`}`
}
