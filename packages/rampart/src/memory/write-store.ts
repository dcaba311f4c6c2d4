// A database of logs in memory, which forgets everything when it is closed.
import { systemRuntime, type Runtime } from '../core/index.ts'
import { checkLogKey, inboxCommandsMaxUnlessSaid } from '../core/checks/index.ts'
import type { WriteStore } from '../core/ports/index.ts'
import { createEventStore } from './event-store.ts'
import { createLogState, requireOpen, type LogState } from './log-state.ts'

/** How to create a store in memory. */
export interface MemoryStoreOptions {
  /** The machine's own unless given. */
  readonly runtime?: Runtime
  /** How many commands may wait in the inbox of each log; 10,000 unless said. */
  readonly inboxCommandsMax?: number
}

/** Creates a store in memory. It keeps every promise but those of what it does not have: a disk. */
export function createMemoryStore(options: MemoryStoreOptions = {}): WriteStore {
  const { runtime = systemRuntime, inboxCommandsMax = inboxCommandsMaxUnlessSaid } = options
  const logs = new Map<string, LogState>()
  const closed = createLogState('closed', '')
  return {
    openLog: async (key) => {
      requireOpen(closed)
      checkLogKey(key)
      const state = logs.get(key) ?? createLogState(key, runtime.uuid())
      logs.set(key, state)
      return createEventStore(state, { runtime, inboxCommandsMax })
    },
    fault: () => undefined,
    [Symbol.asyncDispose]: async () => {
      closed.isClosed = true
      for (const state of logs.values()) state.isClosed = true
    },
  }
}
