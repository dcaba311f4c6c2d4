// Opens a log within a batch: finds its number and epoch, or gives it new ones; and begins later epochs.
import type { LogKey } from '../core/ports/index.ts'
import type { Failure, LogIdentity } from '../core/group-commit/index.ts'
import { readSql } from './database.ts'
import { logNumberMax } from './places.ts'
import { misplacedRows, misplacedText } from './misplaced-rows.ts'
import { numberAt } from './rows.ts'
import type { LogHead } from './log-head.ts'
import { currentEpoch, readHead, type WriterState } from './writer-state.ts'

/** The log of that key; `epoch` names its first epoch when it is new. */
export function openLog(
  state: WriterState,
  { key, epoch }: { readonly key: LogKey; readonly epoch: string },
): LogIdentity | Failure {
  const { query } = state.statements
  const found = query('SELECT number FROM logs WHERE key = ?').get(key)
  // A new log must not take over, or stand beside, what one has left that was taken out of the list by hand.
  const [misplaced] = found === undefined ? misplacedRows(query) : []
  if (misplaced !== undefined) return changedByHand(key, misplacedText(misplaced))
  const number = found === undefined ? createLog(state, key, epoch) : numberAt(found, 0)
  if (number > logNumberMax) {
    const message = `A store file holds ${logNumberMax} logs. Put ${key} into another file.`
    return { failed: { code: 'INPUT_INVALID', message, effect: 'definite' } }
  }
  const known = state.logs.get(number)
  if (known !== undefined) return { number, epoch: known.epoch }
  const current = currentEpoch(state, number)
  if (current === '') return changedByHand(key, 'it has no epoch')
  const log = {
    number,
    epoch: current,
    position: 0,
    eventId: '',
    recordedAtMs: 0,
    inboxCommands: 0,
    streams: new Map(),
  }
  readHead(state, log)
  state.logs.set(number, log)
  return { number, epoch: log.epoch }
}

/** Begins an epoch of a log, whose fork is the head as the batch has made it so far. */
export function beginEpoch({ statements: { query } }: WriterState, log: LogHead, epoch: string): null {
  query(readSql('begin-epoch')).all(log.number, epoch, log.position)
  log.epoch = epoch
  return null
}

function changedByHand(key: LogKey, what: string): Failure {
  const message =
    `The log ${key} cannot be opened, because its store was changed by hand: ${what}. ` +
    'Restore a backup; `rampart verify` says what else was changed.'
  return { failed: { code: 'STORE_UNAVAILABLE', message, effect: 'definite' } }
}

function createLog({ statements: { query } }: WriterState, key: LogKey, epoch: string): number {
  const next = numberAt(query('SELECT coalesce(max(number), 0) + 1 FROM logs').get() ?? [], 0)
  if (next > logNumberMax) return next
  query('INSERT INTO logs (number, key) VALUES (?, ?)').all(next, key)
  query('INSERT INTO epochs (log, ordinal, epoch, fork_position) VALUES (?, 1, ?, 0)').all(next, epoch)
  return next
}
