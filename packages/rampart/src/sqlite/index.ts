// The adapter for SQLite: a store file of logs with one writing process, and a file of read models beside it.
export { inspectCommands } from './inspect-commands.ts'
export { inspectReadStore, inspectStore, recordedAfter } from './inspect-store.ts'
export { openSqliteReadStore } from './read-store.ts'
export { openSqliteStore } from './write-store.ts'
export { isStoreHeld } from './store-lock.ts'
export type {
  InspectedCollection,
  InspectedFile,
  InspectedLog,
  InspectedReadStore,
  InspectedStore,
} from './inspect-store.ts'
export type { InspectedCommand } from './inspect-commands.ts'
export type { SqliteReadStoreOptions } from './read-store.ts'
export type { SqliteStoreOptions } from './write-store.ts'
