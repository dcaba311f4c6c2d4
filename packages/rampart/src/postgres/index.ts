// The public surface of the adapter on PostgreSQL.
export { openPostgresStore } from './write-store.ts'
export type { PostgresStoreOptions } from './write-store.ts'
