// Tells other processes that a log has grown, and hears of it from them, by LISTEN and NOTIFY.
//
// A notification is a hint and no more: it may be late or lost, and everyone who waits for one also looks for
// himself from time to time. It is sent after the commit and by a connection of its own, a few times a second
// at most per log: a NOTIFY within the transactions of the writer would make all of them wait for one lock.
import { Client } from 'pg'
import type { Runtime, Timer } from '../core/index.ts'
import { connectionOf, type Access } from './access.ts'
import { cutConnection, endConnection } from './database.ts'

/** The wake-ups of one open database. */
export interface WakeUps {
  /** Lets other processes know soon; never fails, never waits. */
  readonly tell: (log: number) => void
  readonly close: () => Promise<void>
}

/** What wake-ups need. */
export interface WakeUpOptions {
  readonly access: Access
  readonly runtime: Runtime
  /** Called with a log that another process wrote to, and with nothing when hints may have been lost. */
  readonly onWake: (log?: number) => void
}

const channel = 'rampart_log'
const tellEveryMs = 10
const reconnectMs = 1000
// Hints hold up nobody, so that a server has time; who waits for one hears nothing on a dead connection.
const bounds = {
  connectionTimeoutMillis: 5000,
  query_timeout: 5000,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
}

interface Listening extends WakeUpOptions {
  client: Client | undefined
  isClosed: boolean
  readonly changed: Set<number>
  timer: Timer | undefined
}

/** Starts to listen; it connects in the background, and again whenever the connection is lost. */
export function startWakeUps(options: WakeUpOptions): WakeUps {
  const state: Listening = {
    ...options,
    client: undefined,
    isClosed: false,
    changed: new Set(),
    timer: undefined,
  }
  void listen(state)
  return {
    tell(log) {
      state.changed.add(log)
      state.timer ??= options.runtime.setTimer(tellEveryMs, () => void tell(state), { keepAlive: false })
    },
    async close() {
      state.isClosed = true
      state.timer?.cancel()
      if (state.client !== undefined) await endConnection(state.client)
    },
  }
}

async function listen(state: Listening): Promise<void> {
  const client = new Client({
    ...connectionOf(state.access),
    ...bounds,
    application_name: 'rampart wake-ups',
  })
  client.on('notification', ({ payload }) => state.onWake(Number(payload)))
  client.on('error', () => undefined)
  client.on('end', () => {
    state.client = undefined
    if (!state.isClosed) {
      state.runtime.setTimer(reconnectMs, () => void listen(state), { keepAlive: false })
    }
  })
  try {
    await client.connect()
    await client.query(`LISTEN ${channel}`)
    if (state.isClosed) return await endConnection(client)
    state.client = client
    state.onWake()
  } catch {
    // Its end event leads to the next attempt; until then everyone looks for himself.
    cutConnection(client)
  }
}

async function tell(state: Listening): Promise<void> {
  const logs = [...state.changed].map(String)
  state.changed.clear()
  try {
    await state.client?.query('SELECT pg_notify($1, log) FROM unnest($2::text[]) AS log', [channel, logs])
  } catch {
    // A hint was lost, as hints may be; the end of its connection leads to another one.
    if (state.client !== undefined) cutConnection(state.client)
  } finally {
    state.timer = undefined
    if (state.changed.size > 0 && !state.isClosed) {
      state.timer = state.runtime.setTimer(tellEveryMs, () => void tell(state), { keepAlive: false })
    }
  }
}
