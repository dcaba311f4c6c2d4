// Copies of store files that are in use, and what must hold while one takes the place of the original.
export { beginSqliteEpochs, copySqliteFile, copySqliteStore } from './store-copy.ts'
export { makeFolder } from '../make-folder.ts'
export { lockStore } from '../store-lock.ts'
export type { StoredLog } from './store-copy.ts'
