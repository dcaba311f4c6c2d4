// Backups of data folders: made beside whoever writes, restored while nobody does.
export { backUp } from './back-up.ts'
export { restore } from './restore.ts'
export { requireNoUnfinishedRestore } from './unfinished-restore.ts'
export type { CopyProgress } from './back-up.ts'
