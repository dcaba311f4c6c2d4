// What a verification reads of store files beside the process that writes them.
export { createIdSet } from './id-set.ts'
export { openSqliteInspection } from './open-inspection.ts'
export { readStoreDamages } from './read-store-damages.ts'
export { damageOf } from './store-damages.ts'
export { openSqliteReadModelViews } from './view-read-models.ts'
