// What the writer keeps in memory between batches. The lock beside the file proves that nobody else writes
// it.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { readSql } from './database.ts'
import { createCollections, readCollectionsAgain, type Collections } from './document-collections.ts'
import { createGenerations, type Generations } from './generations.ts'
import type { LogHead } from './log-head.ts'
import { createOutcomeFinder, type OutcomeFinder } from './outcome-store.ts'
import { placeOf, positionOf } from './places.ts'
import { numberAt, prepareQuery, textAt, type Query } from './rows.ts'
import { createSealReader, type SealReader } from './seal-rows.ts'
import { createTagIndex, type TagIndex } from './tag-index.ts'

/** The statements of the writer. */
export interface WriterStatements {
  readonly begin: StatementSync
  readonly commit: StatementSync
  readonly insertEvent: StatementSync
  readonly insertPlainEvent: StatementSync
  readonly insertStream: StatementSync
  readonly keepTag: StatementSync
  readonly insertTag: Query
  readonly findTag: Query
  readonly keepOutcome: StatementSync
  readonly keepState: StatementSync
  readonly insertSeal: StatementSync
  readonly deleteExpiredOutcomes: StatementSync
  readonly insertInboxCommand: StatementSync
  readonly deleteInboxCommand: StatementSync
  readonly releaseInboxCommand: StatementSync
  readonly buryInboxCommand: StatementSync
  readonly claimInboxCommands: Query
  readonly findInboxCommand: Query
  readonly findStream: Query
  readonly findHead: Query
  readonly query: (sql: string) => Query
}

/** All that the steps of a batch share. */
export interface WriterState {
  readonly statements: WriterStatements
  readonly outcomes: OutcomeFinder
  readonly seals: SealReader
  readonly logs: Map<number, LogHead>
  readonly eventTypes: Generations<string, number>
  readonly tags: Generations<string, number>
  readonly tagIndex: TagIndex
  readonly collections: Collections
  readonly inboxCommandsMax: number
  /** Begins each append id; unique per opening of the store. */
  readonly appendPrefix: string
  appends: number
  nextStream: number
  /** False while it is known that no outcome is kept apart from events, which spares the look-up. */
  hasOutcomes: boolean
  /** The time of the batch at hand. */
  nowMs: number
  sweptAtMs: number
}

/** What a writer is told when it opens. */
export interface WriterLimits {
  readonly appendPrefix: string
  readonly inboxCommandsMax: number
}

const eventTypesCached = 10_000
const tagsCached = 50_000

/** Prepares the writer's statements and reads where the database stands. */
export function createWriterState(database: DatabaseSync, limits: WriterLimits): WriterState {
  const state: WriterState = {
    ...limits,
    statements: prepareStatements(database),
    outcomes: createOutcomeFinder(database),
    seals: createSealReader(database),
    logs: new Map(),
    eventTypes: createGenerations(eventTypesCached),
    tags: createGenerations(tagsCached),
    tagIndex: createTagIndex(database),
    collections: createCollections(database),
    appends: 0,
    nextStream: 1,
    hasOutcomes: true,
    nowMs: 0,
    sweptAtMs: 0,
  }
  readAgain(state)
  return state
}

/** Forgets everything that a batch may have advanced, and reads it from the database. */
export function readAgain(state: WriterState): void {
  const { query } = state.statements
  state.eventTypes.clear()
  state.tags.clear()
  state.nextStream = numberAt(query('SELECT max(number) FROM streams').get() ?? [], 0) + 1
  state.hasOutcomes = query('SELECT 1 FROM outcomes LIMIT 1').get() !== undefined
  for (const log of state.logs.values()) {
    log.streams.clear()
    log.epoch = currentEpoch(state, log.number)
    // A log that was created by what is undone now is not there any more.
    if (log.epoch === '') state.logs.delete(log.number)
    else readHead(state, log)
  }
  readCollectionsAgain(state.collections, state.logs)
}

/** The newest epoch of a log; empty when there is no such log. */
export function currentEpoch({ statements }: WriterState, log: number): string {
  const newest = 'SELECT epoch FROM epochs WHERE log = ? ORDER BY ordinal DESC LIMIT 1'
  return textAt(statements.query(newest).get(log) ?? [], 0)
}

/** Reads where a log stands. */
export function readHead({ statements }: WriterState, log: LogHead): void {
  const row = statements.findHead.get(placeOf(log.number, 0), placeOf(log.number + 1, 0)) ?? []
  log.position = row.length === 0 ? 0 : positionOf(numberAt(row, 0))
  log.eventId = row.length === 0 ? '' : `${textAt(row, 1)}.${numberAt(row, 2)}`
  log.recordedAtMs = numberAt(row, 3)
  log.inboxCommands = numberAt(
    statements.query('SELECT count(*) FROM inbox WHERE log = ?').get(log.number) ?? [],
    0,
  )
}

function prepareStatements(database: DatabaseSync): WriterStatements {
  const inbox = 'FROM inbox WHERE log = ? AND command_id = ?'
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    insertEvent: database.prepare(readSql('insert-event')),
    insertPlainEvent: database.prepare(readSql('insert-plain-event')),
    insertStream: database.prepare('INSERT INTO streams (number, log, decider, id) VALUES (?, ?, ?, ?)'),
    keepTag: database.prepare('INSERT OR IGNORE INTO event_tags (tag, place, type) VALUES (?, ?, ?)'),
    insertTag: prepareQuery(database, 'INSERT INTO tags (name) VALUES (?) RETURNING number'),
    findTag: prepareQuery(database, 'SELECT number FROM tags WHERE name = ?'),
    keepOutcome: database.prepare(readSql('keep-outcome')),
    keepState: database.prepare(readSql('keep-state')),
    insertSeal: database.prepare(readSql('insert-seal')),
    deleteExpiredOutcomes: database.prepare(readSql('delete-expired-outcomes')),
    insertInboxCommand: database.prepare(readSql('insert-inbox-command')),
    deleteInboxCommand: database.prepare(`DELETE ${inbox}`),
    releaseInboxCommand: database.prepare(readSql('release-inbox-command')),
    buryInboxCommand: database.prepare(readSql('bury-inbox-command')),
    claimInboxCommands: prepareQuery(database, readSql('claim-inbox-commands')),
    findInboxCommand: prepareQuery(
      database,
      `${readSql('select-inbox-command')} WHERE log = ? AND command_id = ?`,
    ),
    findStream: prepareQuery(database, readSql('find-stream')),
    findHead: prepareQuery(database, readSql('find-head')),
    query: (sql) => prepareQuery(database, sql),
  }
}
