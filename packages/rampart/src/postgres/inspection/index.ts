// What operators read of a database beside the processes that write it.
export { placeOf } from '../database.ts'
export { meaningOfFailure } from './failed-look.ts'
export { inspectDatabaseCommands } from './inspect-commands.ts'
export { readDamagesOf } from './database-damages.ts'
export { inspectReads, inspectWrites } from './inspect-database.ts'
export { inspectSessions } from './inspect-sessions.ts'
export { listDatabaseApps, openPostgresInspection } from './open-inspection.ts'
export { openPostgresReadModelViews } from './view-read-models.ts'
