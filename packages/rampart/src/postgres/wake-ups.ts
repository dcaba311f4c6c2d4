// Tells other processes that something has changed, and hears of it from them, by LISTEN and NOTIFY.
//
// A notification is a hint and no more: it may be late or lost, and everyone who waits for one also looks
// for himself from time to time. It is sent after the commit and by a connection of its own, at once
// after a pause and a few hundred times a second at most, and less while changes keep coming: a NOTIFY within
// the transactions of the writer would make all of them wait for one lock.
import { Client, type QueryConfig } from 'pg'
import type { Runtime, Timer } from '../core/index.ts'
import { connectionOf, type Access } from './access.ts'
import { cutConnection, endConnection, storeFault, type Statement } from './database.ts'

/** The wake-ups of one open database. */
export interface WakeUps {
  /** Lets other processes know soon; never fails, never waits. */
  readonly tell: (hint: string) => void
  /** Why the database cannot be reached, in words for an operator; `undefined` when it can. */
  readonly fault: () => string | undefined
  readonly close: () => Promise<void>
}

/** What wake-ups need. */
export interface WakeUpOptions {
  readonly access: Access
  readonly channel: 'rampart_log' | 'rampart_read'
  readonly runtime: Runtime
  /** Called with each hint of another process, and with nothing when some may have been lost. */
  readonly onWake: (hint?: string) => void
  /** Called when the database has not answered for seconds, as where packets get lost. */
  readonly onSilent?: () => void
}

const [tellEveryMs, tellEveryMsMax] = [3, 10]
const reconnectMs = 1000
/** On a connection that is dead nothing is heard, so it is asked from time to time whether it lives. */
const beatMs = 2000
const answerMs = 5000
// Hints hold up nobody, so that a server has time.
const bounds = {
  connectionTimeoutMillis: 5000,
  query_timeout: answerMs,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
}

interface Listening extends WakeUpOptions {
  client: Client | undefined
  /** What the last attempt to connect met. */
  fault: string | undefined
  isClosed: boolean
  readonly changed: Set<string>
  timer: Timer | undefined
  /** Whether what has changed is about to be sent. */
  isTelling: boolean
  /** When hints were sent last. */
  toldMs: number
  /** How long after that the next ones may go. */
  everyMs: number
}

/** Starts to listen; it connects in the background, and again whenever the connection is lost. */
export function startWakeUps(options: WakeUpOptions): WakeUps {
  const state: Listening = {
    ...options,
    client: undefined,
    fault: undefined,
    isClosed: false,
    changed: new Set(),
    timer: undefined,
    isTelling: false,
    toldMs: Number.NEGATIVE_INFINITY,
    everyMs: tellEveryMs,
  }
  void listen(state)
  return {
    tell(hint) {
      state.changed.add(hint)
      tellSoon(state)
    },
    fault: () => state.fault,
    async close() {
      state.isClosed = true
      state.timer?.cancel()
      // The last word may be what others wait for: that this process has ended its work.
      if (state.changed.size > 0) await tell(state)
      if (state.client !== undefined) await endConnection(state.client)
    },
  }
}

function tellSoon(state: Listening): void {
  const { runtime, toldMs, everyMs, isTelling, isClosed } = state
  if (isTelling || isClosed) return
  state.isTelling = true
  const pauseMs = toldMs + everyMs - runtime.elapsedMs()
  state.everyMs = pauseMs <= 0 ? tellEveryMs : Math.min(everyMs + 1, tellEveryMsMax)
  if (pauseMs <= 0) runtime.soon(() => void tell(state))
  else state.timer = runtime.setTimer(pauseMs, () => void tell(state), { keepAlive: false })
}

async function listen(state: Listening): Promise<void> {
  const client = new Client({
    // A hint need not be durable, and its sync would delay those of the writer.
    ...connectionOf(state.access, ['synchronous_commit=off']),
    ...bounds,
    application_name: 'rampart wake-ups',
  })
  let own: number | undefined
  client.on('notification', ({ payload, processId }) => {
    // Who has changed something knows of it already.
    if (processId !== own) state.onWake(payload)
  })
  client.on('error', () => undefined)
  client.on('end', () => {
    // A connection that was there may be the only thing that was lost.
    const pauseMs = state.client === undefined ? reconnectMs : 0
    state.client = undefined
    if (!state.isClosed) state.runtime.setTimer(pauseMs, () => void listen(state), { keepAlive: false })
  })
  try {
    await client.connect()
    await client.query(`LISTEN ${state.channel}`)
    const self = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    own = self.rows[0]?.pid
    if (state.isClosed) return await endConnection(client)
    state.client = client
    state.fault = undefined
    state.onWake()
    beatSoon(state, client)
  } catch (error) {
    // Whatever refuses this connection refuses every other one, also where the server itself is fine.
    if (!state.isClosed) state.fault = storeFault(error, state.access.url).message
    // Its end event leads to the next attempt; until then everyone looks for himself.
    cutConnection(client)
  }
}

function beatSoon(state: Listening, client: Client): void {
  state.runtime.setTimer(beatMs, () => void beat(state, client), { keepAlive: false })
}

async function beat(state: Listening, client: Client): Promise<void> {
  if (state.client === client && (await ask(state, client, { text: 'SELECT' }))) beatSoon(state, client)
}

/** Asks on the connection that listens; when no answer comes, gives it up and answers false. */
async function ask(state: Listening, client: Client, query: QueryConfig): Promise<boolean> {
  const { runtime, access, onSilent } = state
  const begunMs = runtime.elapsedMs()
  try {
    await client.query(query)
    return true
  } catch (error) {
    // A connection that is lost ends soon; a server that does not answer on this one answers on no other.
    const isSilent = runtime.elapsedMs() - begunMs > answerMs / 2
    if (isSilent && state.client === client && !state.isClosed) {
      state.fault = storeFault(error, access.url).message
      onSilent?.()
    }
    // Its end leads to another one.
    cutConnection(client)
    return false
  }
}

const notify: Statement = {
  name: 'notify',
  text: 'SELECT pg_notify($1, hint) FROM unnest($2::text[]) AS hint',
}

async function tell(state: Listening): Promise<void> {
  const hints = [...state.changed]
  state.changed.clear()
  state.toldMs = state.runtime.elapsedMs()
  const { client, channel } = state
  // A hint that gets lost is one, as hints may.
  if (client !== undefined) await ask(state, client, { ...notify, values: [channel, hints] })
  state.isTelling = false
  if (state.changed.size > 0) tellSoon(state)
}
