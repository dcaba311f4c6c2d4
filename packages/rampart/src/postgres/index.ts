// The adapter for PostgreSQL: logs that any number of processes write, and read models.
export { openPostgresReadStore } from './read-store.ts'
export { openPostgresStore } from './write-store.ts'
export type { PostgresReadStoreOptions } from './read-store.ts'
export type { PostgresStoreOptions } from './write-store.ts'
