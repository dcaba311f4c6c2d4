// Pools of connections that read: what is asked on them ends in time, also where nothing answers any more.
import { Pool, type Client, type PoolClient } from 'pg'
import { systemRuntime } from '../core/index.ts'
import type { Access } from './access.ts'
import {
  answerMsOf,
  bounds,
  cutConnection,
  endMs,
  run,
  storeFault,
  type RunForRows,
  type RunQuery,
} from './database.ts'
import { asTheyCome, runForRows } from './row-stream.ts'

/** A pool of connections that read. */
export interface Readers {
  readonly query: RunQuery
  readonly rows: RunForRows
  /** Nothing answers any more: ends what is under way, and asks on new connections from here on. */
  readonly giveUp: () => void
  readonly close: () => Promise<void>
}

/** Opens a pool for reads; it connects when it is asked. */
export function openReaders(access: Access): Readers {
  const pool = new Pool({ ...bounds(access), max: access.limits.readersMax })
  const reading: Reading = { pool, access, open: new Set(), silent: new WeakSet(), inUse: new Set() }
  const { open, silent, inUse } = reading
  pool.on('error', () => undefined)
  pool.on('connect', (client) => {
    open.add(client)
    // A connection that is lost shows at its statement.
    client.on('error', () => undefined)
  })
  pool.on('remove', (client) => open.delete(client))
  return {
    query: (statement, values) => onReader(reading, (client) => run(client, statement, values)),
    rows: (statement, values) =>
      asTheyCome((take) => onReader(reading, (client) => runForRows(client, { ...statement, values }, take))),
    giveUp() {
      for (const client of open) silent.add(client)
      for (const end of inUse) end()
    },
    async close() {
      const late = systemRuntime.setTimer(endMs, () => open.forEach(cutConnection))
      await pool.end()
      late.cancel()
    },
  }
}

interface Reading {
  readonly pool: Pool
  readonly access: Access
  readonly open: Set<Client>
  /** Connections on which nothing is asked any more. */
  readonly silent: WeakSet<Client>
  /** Ends the statements that are under way. */
  readonly inUse: Set<() => void>
}

// The driver's own time-out would keep the rows of many answers in memory until all of it is cleared.
async function onReader<Value>(reading: Reading, work: (client: Client) => Promise<Value>): Promise<Value> {
  const { access, inUse } = reading
  try {
    const client = await takeReader(reading)
    const begunMs = systemRuntime.elapsedMs()
    const limitMs = answerMsOf(access)
    let waitedMs: number | undefined
    const giveUp = (): void => {
      waitedMs ??= Math.min(limitMs, Math.round(systemRuntime.elapsedMs() - begunMs))
      cutConnection(client)
    }
    inUse.add(giveUp)
    const late = systemRuntime.setTimer(limitMs, giveUp)
    try {
      const value = await work(client)
      client.release()
      return value
    } catch (error) {
      client.release(true)
      if (waitedMs === undefined) throw error
      throw new Error(`no answer came within ${waitedMs} ms`, { cause: error })
    } finally {
      late.cancel()
      inUse.delete(giveUp)
    }
  } catch (error) {
    throw storeFault(error, access.url)
  }
}

async function takeReader({ pool, silent }: Reading): Promise<PoolClient> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- ends once those that stood idle are gone
    const client = await pool.connect()
    if (!silent.has(client)) return client
    cutConnection(client)
    client.release(true)
  }
}
