// The stores of one app as a verification looks at them: files in its folder, or its part of a database.
import { join } from 'node:path'
import type { ReadModelViews } from '../core/inspection/index.ts'
import type { StoreInspection } from '../core/seals/index.ts'
import { openSqliteInspection, openSqliteReadModelViews } from '../sqlite/inspection/index.ts'
import { withDriver } from './data-place.ts'

/** Where an app keeps what it recorded and what is derived from that. */
export interface StoredApp {
  readonly app: string
  /** What findings call the place of its events. */
  readonly place: string
  readonly openInspection: () => Promise<StoreInspection>
  /** Documents that follow events (`reads`) or commit with them (`write`); `undefined` where none are. */
  readonly openViews: (kind: 'reads' | 'write') => Promise<ReadModelViews | undefined>
}

/** The stores in the folder of an app. */
export function storesInFolder(app: string, folder: string): StoredApp {
  const place = join(folder, 'write.sqlite')
  return {
    app,
    place,
    openInspection: async () => openSqliteInspection(place),
    openViews: async (kind) => openSqliteReadModelViews(join(folder, `${kind}.sqlite`), kind),
  }
}

/** The stores of all apps in a database. */
export async function storesInDatabase(url: string, readsUrl: string): Promise<readonly StoredApp[]> {
  const database = await withDriver(() => import('../postgres/inspection/index.ts'))
  const apps = await database.listDatabaseApps(url)
  return apps.map((app) => ({
    app,
    place: database.placeOf(url),
    openInspection: () => database.openPostgresInspection(url, app),
    openViews: (kind) => database.openPostgresReadModelViews(kind === 'reads' ? readsUrl : url, app, kind),
  }))
}
