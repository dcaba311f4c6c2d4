// Looks at what operators want to know of a database: logs, read models, processes, leases.
import type {
  InspectedCollection,
  InspectedLease,
  InspectedLog,
  InspectedProcess,
} from '../../core/inspection/index.ts'
import { readSql, type RunQuery, type Statement } from '../database.ts'
import { readSchema, writeSchema, type DatabaseSchema } from '../migrations.ts'
import { isReading, openTablesOf } from '../open-tables.ts'
import { numberAt, numberOrNullAt, textAt, textOrNullAt, type Row } from '../rows.ts'
import { atOneMoment } from './one-moment.ts'

/** How far a schema is, and how far this version knows it. */
export interface InspectedSchema {
  readonly name: string
  readonly step: number
  readonly knownStep: number
}

/** What stands where commands change it. The keys of logs begin with their apps. */
export interface InspectedWrites {
  readonly schema: InspectedSchema
  readonly logs: readonly InspectedLog[]
  readonly processes: readonly InspectedProcess[]
  readonly leases: readonly InspectedLease[]
  /** Of documents that commit with events. */
  readonly collections: readonly InspectedCollection[]
  /** When the first event after each of the given places was recorded; null when there is none. */
  readonly recordedAtMs: readonly (number | null)[]
}

/** What stands where read models do. */
export interface InspectedReads {
  /** Absent when none were ever kept there. */
  readonly schema?: InspectedSchema
  readonly collections: readonly InspectedCollection[]
  readonly leases: readonly InspectedLease[]
}

/** A place in a log, by the key of the log. */
export interface PlaceInLog {
  readonly log: string
  readonly position: number
}

/** Looks at the read models. */
export async function inspectReads(url: string): Promise<InspectedReads> {
  return atOneMoment(
    url,
    async (query) => {
      const schema = await schemaOf(query, readSchema)
      if (schema === undefined) return { collections: [], leases: [] }
      if (!isKnown(schema)) return { schema, collections: [], leases: [] }
      const rows = await query(statementOf('inspect-collections'), [])
      return { schema, collections: rows.map(collectionOf), leases: await leasesIn(query, readSchema.name) }
    },
    'any database',
  )
}

/** Looks at the logs, and at who uses them. */
export async function inspectWrites(
  url: string,
  { nowMs, places }: { readonly nowMs: number; readonly places: readonly PlaceInLog[] },
): Promise<InspectedWrites> {
  return atOneMoment(url, async (query) => {
    const schema = (await schemaOf(query, writeSchema)) ?? { name: '', step: 0, knownStep: 0 }
    const logs = isKnown(schema) ? await query(statementOf('inspect-logs'), [nowMs]) : []
    const recordedAtMs: (number | null)[] = []
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    for (const place of places) recordedAtMs.push(await recordedAfter(query, place))
    return {
      schema,
      logs: logs.map(logOf),
      processes: await processesIn(query),
      leases: await leasesIn(query, writeSchema.name),
      collections: await keptIn(query),
      recordedAtMs,
    }
  })
}

function statementOf(name: string): Statement {
  return { name, text: readSql(name) }
}

const findTable: Statement = { name: 'find-table', text: 'SELECT to_regclass($1) IS NOT NULL' }

async function hasTable(query: RunQuery, name: string): Promise<boolean> {
  return textAt((await query(findTable, [name]))[0] ?? [], 0) === 't'
}

async function schemaOf(
  query: RunQuery,
  { name, steps }: DatabaseSchema,
): Promise<InspectedSchema | undefined> {
  if (!(await hasTable(query, `${name}.schema_steps`))) return undefined
  const statement = { name: `step-of-${name}`, text: `SELECT max(step) FROM ${name}.schema_steps` }
  return { name, step: numberAt((await query(statement, []))[0] ?? [], 0), knownStep: steps.length }
}

function isKnown({ step, knownStep }: InspectedSchema): boolean {
  return step === knownStep
}

const findRecorded: Statement = {
  name: 'recorded-after',
  text: `SELECT e.recorded_at_ms FROM rampart_write.events AS e
    WHERE e.log = (SELECT number FROM rampart_write.logs WHERE key = $1) AND e.position > $2
    ORDER BY e.position LIMIT 1`,
}

async function recordedAfter(query: RunQuery, { log, position }: PlaceInLog): Promise<number | null> {
  return numberOrNullAt((await query(findRecorded, [log, position]))[0] ?? [], 0)
}

function logOf(row: Row): InspectedLog {
  const [sealNumber, sealedTo, sealedAtMs] = [9, 10, 11].map((index) => numberAt(row, index))
  return {
    log: textAt(row, 0),
    head: numberAt(row, 1),
    recordedAtMs: numberOrNullAt(row, 2),
    // The statement makes this list.
    epochs: JSON.parse(textAt(row, 3) || '[]') as InspectedLog['epochs'],
    inbox: {
      commands: numberAt(row, 4),
      oldestAtMs: numberOrNullAt(row, 5),
      running: numberAt(row, 6),
      failedBefore: numberAt(row, 7),
    },
    deadLetters: numberAt(row, 8),
    sealed:
      sealNumber === undefined || sealNumber === 0
        ? null
        : { seals: sealNumber, position: sealedTo ?? 0, atMs: sealedAtMs ?? 0 },
  }
}

async function keptIn(query: RunQuery): Promise<readonly InspectedCollection[]> {
  if (!(await hasTable(query, 'rampart_documents.collections_now'))) return []
  const rows = await query(statementOf('inspect-kept-collections'), [])
  return rows.map((row) => ({ ...collectionOf(row), isSynchronous: true }))
}

function collectionOf(row: Row): InspectedCollection {
  return {
    log: textAt(row, 0),
    name: textAt(row, 1),
    version: numberAt(row, 2),
    generation: numberAt(row, 3),
    isLive: textAt(row, 4) === 't',
    isSynchronous: false,
    isNamed: textOrNullAt(row, 5) !== null,
    position: numberAt(row, 6),
    quarantinedKeys: numberAt(row, 7),
  }
}

const listProcesses: Statement = {
  name: 'list-processes',
  // A schema of an older version has no logins.
  text: `SELECT id, app, array_to_string(roles, ','), pid, host, url, walled,
      (extract(epoch FROM since) * 1000)::bigint,
      greatest(0, extract(epoch FROM clock_timestamp() - seen) * 1000)::bigint,
      to_jsonb(p) ->> 'login'
    FROM rampart_host.processes AS p ORDER BY app, since, id`,
}

async function processesIn(query: RunQuery): Promise<readonly InspectedProcess[]> {
  if (!(await hasTable(query, 'rampart_host.processes'))) return []
  const processes: InspectedProcess[] = []
  for (const row of await query(listProcesses, [])) {
    const roles = textAt(row, 2).split(',')
    const login = textOrNullAt(row, 9)
    // oxlint-disable-next-line no-await-in-loop -- one connection does one thing after the other
    const opened = await openedTo(query, roles, login)
    const isClosed = opened.reads.length + opened.changes.length === 0
    processes.push({
      id: textAt(row, 0),
      app: textAt(row, 1),
      roles,
      pid: numberAt(row, 3),
      host: textAt(row, 4),
      url: textOrNullAt(row, 5),
      // What a process said of itself at its start holds only where nothing newer is known.
      isWalled: login === null ? textAt(row, 6) === 't' : isClosed,
      login,
      opened,
      sinceMs: numberAt(row, 7),
      silentMs: numberAt(row, 8),
    })
  }
  return processes
}

async function openedTo(
  query: RunQuery,
  roles: readonly string[],
  login: string | null,
): Promise<InspectedProcess['opened']> {
  if (login === null || !isReading(roles)) return { reads: [], changes: [] }
  return openTablesOf(query, { login, projects: roles.includes('project') })
}

async function leasesIn(query: RunQuery, schema: string): Promise<readonly InspectedLease[]> {
  if (!(await hasTable(query, `${schema}.leases`))) return []
  const text = `SELECT name, holder, fence,
      greatest(0, extract(epoch FROM until - clock_timestamp()) * 1000)::bigint
    FROM ${schema}.leases ORDER BY name`
  return (await query({ name: `leases-of-${schema}`, text }, [])).map((row) => ({
    name: textAt(row, 0),
    holder: textOrNullAt(row, 1),
    fence: numberAt(row, 2),
    leftMs: numberAt(row, 3),
  }))
}
