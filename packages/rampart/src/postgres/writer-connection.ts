// The one connection of the writer: opened when it is needed, given up when it is lost.
//
// A connection that breaks tells nothing about what it carried. A statement may be running still, or be on
// its way and arrive after somebody has looked what became of it, and then it would happen once more. So
// whoever goes on in its place ends the session first; what reaches the server after that finds nobody there.
import type { Client } from 'pg'
import { preparing } from './append-message.ts'
import { texts } from './binary-array.ts'
import {
  connectWriter,
  cutConnection,
  endConnection,
  isLost,
  run,
  storeFault,
  type Statement,
} from './database.ts'
import { holdKept } from './document-collections.ts'
import { appendLone } from './lone-call.ts'
import { appendPlain } from './plain-call.ts'
import { numberAt, textAt } from './rows.ts'
import type { Session, WriterState } from './writer-state.ts'

/**
 * The connection. It begins with the rights of its user, who may end the sessions that he lost, and then
 * drops them. Throws `STORE_UNAVAILABLE`.
 */
export async function clientOf(state: WriterState): Promise<Client> {
  if (state.client !== undefined) return state.client
  // Two batches may have lost it.
  state.connecting ??= connect(state).finally(() => (state.connecting = undefined))
  return state.connecting
}

async function connect(state: WriterState): Promise<Client> {
  const { access, lostSessions } = state
  const { url, limits, role } = access
  const client = await connectWriter({ url, limits }, { pipeline: true })
  try {
    await endSessions(client, lostSessions)
    lostSessions.length = 0
    state.session = await sessionOf(client)
    if (role !== undefined) await client.query(`SET ROLE ${role}`)
    await client.query([appendPlain, appendLone].map(preparing).join('; '))
    await holdKept(client, state.collections)
    state.client = client
    return client
  } catch (error) {
    cutConnection(client)
    throw storeFault(error, url)
  }
}

/** Gives up a connection, which was lost; another one may have taken its place. */
export function forget(state: WriterState, client: Client): void {
  const { session } = state
  if (client !== state.client) return
  state.client = undefined
  if (session !== undefined) state.lostSessions.push(session)
  cutConnection(client)
}

/** Gives claims back, so that another process need not wait for leases, and ends the connection. */
export async function disconnect(state: WriterState): Promise<void> {
  const { client, owners } = state
  if (client === undefined) return
  state.client = undefined
  if (owners.size > 0) await run(client, giveBackClaims, [texts([...owners])]).catch(() => undefined)
  await endConnection(client)
}

const giveBackClaims: Statement = {
  name: 'give-back-claims',
  text: 'UPDATE rampart_write.inbox SET owner = NULL, lease_until_ms = 0 WHERE owner = ANY($1::text[])',
}
const findSession: Statement = {
  name: 'find-session',
  text: `SELECT pid, extract(epoch FROM backend_start)::text FROM pg_stat_activity
    WHERE pid = pg_backend_pid()`,
}
const endSession: Statement = {
  name: 'end-session',
  text: `SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
    WHERE pid = $1 AND extract(epoch FROM backend_start)::text = $2`,
}

async function sessionOf(client: Client): Promise<Session> {
  const [row = []] = await run(client, findSession, [])
  return { pid: numberAt(row, 0), startedAt: textAt(row, 1) }
}

async function endSessions(client: Client, lost: readonly Session[]): Promise<void> {
  for (const { pid, startedAt } of lost) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one as a rule, over one connection
      await run(client, endSession, [pid, startedAt])
    } catch (error) {
      // Where the server forbids it, the log's lock has to do.
      if (isLost(error)) throw error
    }
  }
}
