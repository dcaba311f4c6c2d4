// Holds up the appends of other processes for a moment, so that one which builds documents can come to the
// head of their log: who must find a moment in which nothing is recorded would never find it beside a busy
// writer.
//
// The lock is the log's own, taken by the session: what this process sends over the same connection passes.
// It ends after half a second at the latest, and with the session; the server ends that when it is silent for
// two.
import type { Client } from 'pg'
import type { Runtime, Timer } from '../core/index.ts'
import { run, type Statement } from './database.ts'

/** A hold of one log. */
interface AppendHold {
  readonly client: Client
  readonly timer: Timer
}

/** The part of a writer's state that holds need. */
export interface HoldState {
  readonly runtime: Runtime
  /** The logs whose appends are held up, by number. */
  readonly holds: Map<number, AppendHold>
}

const holdMs = 500
const lockStatement: Statement = { name: 'hold-appends', text: 'SELECT pg_advisory_lock(1380012368, $1)' }
const unlockStatement: Statement = {
  name: 'let-append',
  text: 'SELECT pg_advisory_unlock(1380012368, $1)',
}

/** Holds up appends to a log, unless they are held up already. One that cannot be had changes nothing. */
export async function holdAppends(state: HoldState, client: Client, log: number): Promise<void> {
  if (state.holds.get(log)?.client === client) return
  try {
    await client.query('SET idle_session_timeout = 2000')
    await run(client, lockStatement, [log])
  } catch {
    // Somebody had the lock for long, or the connection was lost, which shows at its next use.
    await client.query('RESET idle_session_timeout').catch(() => undefined)
    return
  }
  const end = (): void => void letAppend(state, log)
  state.holds.set(log, { client, timer: state.runtime.setTimer(holdMs, end, { keepAlive: false }) })
}

/** Ends the hold of a log, if there is one. */
export async function letAppend({ holds }: HoldState, log: number): Promise<void> {
  const hold = holds.get(log)
  if (hold === undefined) return
  holds.delete(log)
  hold.timer.cancel()
  // A connection that is lost holds nothing any more.
  await run(hold.client, unlockStatement, [log]).catch(() => undefined)
  await hold.client.query('RESET idle_session_timeout').catch(() => undefined)
}
