// Inspects a store file beside the process that writes it: reads whatever stands there, page by page, without
// its lock.
import { existsSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import type { Position, StreamId, StreamVersion } from '../../core/codec/index.ts'
import { RampartError, systemRuntime } from '../../core/index.ts'
import type {
  Damage,
  InspectedEvent,
  InspectedState,
  InspectedVersion,
  LogInspection,
  Seal,
  StoreInspection,
} from '../../core/seals/index.ts'
import { inspectedStateOf } from '../../core/rows/index.ts'
import { openDatabase, readSql, schemaStep } from '../database.ts'
import { createEventReader } from '../event-reader.ts'
import { createLeafReader } from '../leaf-reader.ts'
import { createLogPages } from '../log-pages.ts'
import { logNumberOf, positionOf } from '../places.ts'
import { numberAt, prepareQuery, textAt, type Row } from '../rows.ts'
import { createSealReader } from '../seal-rows.ts'
import { misplacedTags } from './misplaced-tags.ts'
import { damageOf, damagesOf } from './store-damages.ts'
import { writeSchema } from '../writer-service.ts'

/**
 * Opens a store file for an inspection, beside its writer or without one. Throws `STORE_UNAVAILABLE` when it
 * is not there or is no store, and `STORE_SCHEMA_NEWER`.
 */
export function openSqliteInspection(file: string): StoreInspection {
  if (!existsSync(file)) {
    throw new RampartError(
      'STORE_UNAVAILABLE',
      `There is no store file ${file}. Name the folder of the data.`,
    )
  }
  const database = openDatabase({ file, synchronous: 'FULL', readOnly: true, busyTimeoutMs: 5000 })
  try {
    const step = schemaStep(database, file, writeSchema)
    const { logs, damages } = foundLogs(database, step)
    return {
      logs: logs.map((log) => inspectLog(database, log)),
      damages: async () => ({
        found: [...damages, ...damagesOf(database, writeSchema, step)],
        leftOut: null,
      }),
      versions: () => versionsOf(database, logs),
      misplacedTags: () => misplacedTags(database, hasTags(step) ? logs : []),
      [Symbol.asyncDispose]: async () => database.close(),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

interface FoundLog {
  readonly key: string
  readonly number: number
  readonly epochs: LogInspection['epochs']
  readonly head: Position
  readonly sealed: number | false
}

function hasTags(step: number): boolean {
  return writeSchema.steps.indexOf(readSql('create-tags')) < step
}

/** The logs of a file; when they cannot be listed, none, and why. */
function foundLogs(database: DatabaseSync, step: number) {
  if (step === 0) {
    const empty: Damage = { code: 'SCHEMA_CHANGED', what: 'the file is empty: it has no tables' }
    return { logs: [], damages: [empty] }
  }
  try {
    return { logs: listLogs(database, step), damages: [] }
  } catch (fault) {
    const damage = damageOf(fault)
    if (damage === undefined) throw fault
    return { logs: [], damages: [damage] }
  }
}

function listLogs(database: DatabaseSync, step: number): readonly FoundLog[] {
  const hasSeals = writeSchema.steps.indexOf(readSql('create-seals')) < step
  const rows = prepareQuery(database, 'SELECT number, key FROM logs ORDER BY number').all()
  const epochs = prepareQuery(
    database,
    'SELECT epoch, fork_position, ordinal FROM epochs WHERE log = ? ORDER BY ordinal',
  )
  const events = createEventReader(database)
  return rows.map((row) => {
    const number = numberAt(row, 0)
    return {
      key: textAt(row, 1),
      number,
      epochs: epochs.all(number).map((one) => ({
        epoch: textAt(one, 0),
        forkPosition: asPosition(numberAt(one, 1)),
        ordinal: numberAt(one, 2),
      })),
      // The newest seal first: what it covers is there when the head is read.
      sealed: hasSeals && (createSealReader(database).last(number)?.number ?? 0),
      head: events.head({ number, epoch: '' }).position,
    }
  })
}

// What stands in a file that somebody may have changed is not checked here; it is judged by who inspects.
function asPosition(value: number): Position {
  return value as Position
}

function inspectLog(database: DatabaseSync, log: FoundLog): LogInspection {
  const identity = { number: log.number, epoch: log.epochs.at(-1)?.epoch ?? '' }
  const events = createEventReader(database)
  return {
    log: log.key,
    ...createLogPages({ runtime: systemRuntime, events: () => events }, identity),
    epochs: log.epochs,
    head: log.head,
    sealed: log.sealed,
    events: () => eventsOf(database, log),
    seals: () => sealsOf(database, log),
    states: () => statesOf(database, log),
  }
}

const pageSize = 1000

async function* eventsOf(database: DatabaseSync, log: FoundLog): AsyncGenerator<readonly InspectedEvent[]> {
  const read = createLeafReader(database)
  let carefulUntil = 0
  for (let after = 0; after < log.head;) {
    // oxlint-disable-next-line no-await-in-loop -- everything else gets its turn between two pages
    await breathe()
    const limit = after < carefulUntil ? 1 : pageSize
    const range = { after, through: limit === 1 ? after + 1 : log.head, limit }
    const page = attempt(() => read(log, range))
    if (page !== undefined) {
      if (page.events.length > 0) yield page.events
      after = page.events.at(-1)?.record.position ?? range.through
    } else if (limit === 1) {
      // It cannot be read, and is missed by whoever looks at positions.
      after += 1
    } else {
      carefulUntil = after + pageSize
    }
  }
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    // A damaged row or page: those around it are read one by one.
    return undefined
  }
}

async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => systemRuntime.soon(resolve))
}

const sealPage = 50

async function* sealsOf(database: DatabaseSync, { number, sealed }: FoundLog): AsyncGenerator<Seal> {
  if (sealed === false) return
  const reader = createSealReader(database)
  for (let after = 0; after < sealed;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    await breathe()
    const seals = reader.list(number, after, sealPage).filter((seal) => seal.number <= sealed)
    yield* seals
    after = seals.at(-1)?.number ?? sealed
  }
}

const versionPage = 5000

async function* versionsOf(
  database: DatabaseSync,
  logs: readonly FoundLog[],
): AsyncGenerator<readonly InspectedVersion[]> {
  if (logs.length === 0) return
  const list = prepareQuery(database, readSql('list-versions'))
  const find = prepareQuery(database, 'SELECT decider, id, log FROM streams WHERE number = ?')
  const byNumber = new Map(logs.map((log) => [log.number, log]))
  let last: readonly [stream: number, version: number] = [0, 0]
  let name: { readonly stream: number; readonly row: Row } = { stream: 0, row: [] }
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    await breathe()
    const rows = list.all(...last, versionPage)
    const found: InspectedVersion[] = []
    for (const row of rows) {
      const [stream, version, place] = [numberAt(row, 0), numberAt(row, 1), numberAt(row, 2)]
      if (name.stream !== stream) name = { stream, row: find.get(stream) ?? [] }
      const log = byNumber.get(logNumberOf(place))
      if (log === undefined || positionOf(place) > log.head) continue
      found.push({
        log: log.key,
        decider: textAt(name.row, 0),
        streamId: textAt(name.row, 1) as StreamId,
        version: version as StreamVersion,
        position: positionOf(place),
        isOwn: numberAt(name.row, 2) === log.number,
      })
    }
    if (found.length > 0) yield found
    const end = rows.at(-1)
    if (end === undefined || rows.length < versionPage) return
    last = [numberAt(end, 0), numberAt(end, 1)]
  }
}

// A state may have megabytes.
const statePage = 16

async function* statesOf(database: DatabaseSync, log: FoundLog): AsyncGenerator<readonly InspectedState[]> {
  const list = prepareQuery(database, readSql('list-states'))
  for (let after = 0; ;) {
    // oxlint-disable-next-line no-await-in-loop -- as above
    await breathe()
    const rows = list.all(after, log.number, statePage)
    if (rows.length > 0) yield rows.map(inspectedStateOf)
    if (rows.length < statePage) return
    after = numberAt(rows.at(-1) ?? [], 0)
  }
}
