// Backups of data folders and databases: made beside whoever writes, restored while nobody does.
export { backUp } from './back-up.ts'
export { backUpDatabase } from './back-up-database.ts'
export { restore } from './restore.ts'
export { restoreToDatabase } from './restore-database.ts'
export { makeFolder } from '../sqlite/copies/index.ts'
export { requireFinished } from './finished.ts'
export type { CopyProgress } from './back-up.ts'
