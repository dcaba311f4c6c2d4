// What is wrong with a file of read models itself, beside the process that writes it.
import { existsSync } from 'node:fs'
import type { Damage } from '../../core/seals/index.ts'
import { openDatabase, schemaStep } from '../database.ts'
import { readStoreSchema } from '../read-store-tables.ts'
import { damageOf, damagesOf } from './store-damages.ts'

/** Says what is wrong with a file of read models; nothing is, where there is none. */
export function readStoreDamages(file: string): readonly Damage[] {
  if (!existsSync(file)) return []
  try {
    using database = openDatabase({ file, synchronous: 'NORMAL', readOnly: true, busyTimeoutMs: 5000 })
    return damagesOf(database, readStoreSchema, schemaStep(database, file, readStoreSchema))
  } catch (fault) {
    const damage = damageOf(fault)
    if (damage === undefined) throw fault
    return [damage]
  }
}
