// The stores of one app as a verification looks at them: files in its folder, or its part of a database.
import { join } from 'node:path'
import type { ReadModelViews } from '../core/inspection/index.ts'
import type { Damages, FailedLook, StoreInspection } from '../core/seals/index.ts'
import {
  damageOf,
  openSqliteInspection,
  openSqliteReadModelViews,
  readStoreDamages,
} from '../sqlite/inspection/index.ts'
import { withDriver } from './data-place.ts'

/** Where an app keeps what it recorded and what is derived from that. */
export interface StoredApp {
  readonly app: string
  /** What findings call the place of its events. */
  readonly place: string
  /** What they call the place of its read models. */
  readonly readsPlace: string
  readonly openInspection: () => Promise<StoreInspection>
  /** What is wrong with the place of its read models itself. */
  readonly readDamages: () => Promise<Damages>
  /** Documents that follow events (`reads`) or commit with them (`write`); `undefined` where none are. */
  readonly openViews: (kind: 'reads' | 'write') => Promise<ReadModelViews | undefined>
  /** What a failed look at any of them means. */
  readonly meaningOf: (fault: unknown) => FailedLook
}

/** The stores in the folder of an app. */
export function storesInFolder(app: string, folder: string): StoredApp {
  const place = join(folder, 'write.sqlite')
  const readsPlace = join(folder, 'reads.sqlite')
  return {
    app,
    place,
    readsPlace,
    openInspection: async () => openSqliteInspection(place),
    readDamages: async () => ({ found: readStoreDamages(readsPlace), leftOut: null }),
    openViews: async (kind) => openSqliteReadModelViews(join(folder, `${kind}.sqlite`), kind),
    meaningOf(fault) {
      const damage = damageOf(fault)
      return damage === undefined ? { kind: 'other' } : { kind: 'damage', damage }
    },
  }
}

/** The stores of all apps in a database. */
export async function storesInDatabase(url: string, readsUrl: string): Promise<readonly StoredApp[]> {
  const database = await withDriver(() => import('../postgres/inspection/index.ts'))
  const apps = await database.listDatabaseApps(url)
  return apps.map((app) => ({
    app,
    place: database.placeOf(url),
    readsPlace: database.placeOf(readsUrl),
    openInspection: () => database.openPostgresInspection(url, app),
    // Whoever owns the tables may compare them, and that is rarely who reads them.
    readDamages: () =>
      database.readDamagesOf(database.placeOf(url) === database.placeOf(readsUrl) ? url : readsUrl),
    openViews: (kind) => database.openPostgresReadModelViews(kind === 'reads' ? readsUrl : url, app, kind),
    meaningOf: database.meaningOfFailure,
  }))
}
