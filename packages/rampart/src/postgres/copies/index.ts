// Copies of what commands change in a database, and what puts one in its place.
export { openDatabaseCopy } from './database-copy.ts'
export { restoreDatabase } from './restore-database.ts'
export type { CopiedLog, CopiedTable } from './database-copy.ts'
