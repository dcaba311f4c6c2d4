// What processes without the log see of documents that commit with events: appends of others keep them
// complete.
import type { Runtime } from '../core/index.ts'
import type { Epoch, LogKey, ReadStore } from '../core/ports/index.ts'
import type { Access } from './access.ts'
import { readSql, type RunQuery, type Statement } from './database.ts'
import { createCollectionReader } from './read-store-collection.ts'
import { stateOf } from './read-store-generations.ts'
import { startWakeUps, type WakeUps } from './wake-ups.ts'

type SharedLooks = NonNullable<ReadStore['kept']>
type Look = NonNullable<Awaited<ReturnType<SharedLooks['look']>>>

/** What looking needs; `named` gives the name of a log in the database. */
export interface KeptOptions {
  readonly query: RunQuery
  readonly access: Access
  readonly runtime: Runtime
  readonly named: (log: LogKey) => string
}

/** Looks at documents that commit with events, and hears of appends once somebody listens. */
export interface KeptLooks extends SharedLooks {
  readonly close: () => Promise<void>
}

const lookAtKept: Statement = { name: 'look-at-kept', text: readSql('look-at-kept') }

/** Makes the looks of one open store. */
export function createKeptLooks({ query, access, runtime, named }: KeptOptions): KeptLooks {
  const readers = new Map<number, Look['documents']>()
  const readerOf = (number: number, { shape }: Look['live']): Look['documents'] => {
    const known =
      readers.get(number) ??
      createCollectionReader({ query, table: { schema: 'rampart_documents', number }, shape })
    readers.set(number, known)
    return known
  }
  const listeners = new Set<() => void>()
  let wakeUps: WakeUps | undefined
  // Of whatever log: who looks finds out.
  const onWake = (): void => {
    for (const callback of listeners) callback()
  }
  return {
    async look(log, name) {
      const [row] = await query(lookAtKept, [named(log), name])
      if (row === undefined) return undefined
      const live = stateOf(row, log, name)
      // What the database has put together.
      const epochs = JSON.parse(String(row[9])) as readonly Epoch[]
      const documents = readerOf(Number(row[8]), live)
      return { live, documents, quarantinedKeys: 0, standing: { ...complete, epochs } }
    },
    onChanged(_log, _name, callback) {
      wakeUps ??= startWakeUps({ access, channel: 'rampart_log', runtime, onWake })
      // Wrapped, so that the same function may listen twice and each end ends its own.
      const listener = (): void => callback()
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: async () => wakeUps?.close(),
  }
}

// Appends carry these documents, so nothing of the log is ever missing, and no runner can stop.
const complete = {
  stopped: null,
  upgradeStopped: null,
  beginsAnew: null,
  lag: { events: 0, seconds: 0 },
  ageMs: 0,
}
