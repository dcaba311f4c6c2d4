// What nobody may use as data: a folder in which a restore or a backup was interrupted.
import { requireNoUnfinishedBackup } from './unfinished-backup.ts'
import { requireNoUnfinishedRestore } from './unfinished-restore.ts'

/** Throws `STORE_UNAVAILABLE` for a folder of data that is none, because what makes it is not finished. */
export function requireFinished(dataFolder: string): void {
  requireNoUnfinishedRestore(dataFolder)
  requireNoUnfinishedBackup(dataFolder)
}
